// SPDX-License-Identifier: MIT OR Apache-2.0
//! The old system, as far as staging depends on it.

use super::Error;
use super::error::file;
use crate::device::{BlockDevice, SYS, list_block_devices};
use crate::disk::Disk;
use crate::locate::{self, identify};
use crate::lvm::scan;
use crate::machine::{self, DiskId, Fingerprint, Mount, table_id};
use crate::plan::Facts;
use rustix::fs::StatVfsMountFlags;
use std::path::{Path, PathBuf};

/// The old system.
pub struct Old {
    /// `root=` for the tiny system.
    pub root: String,
    /// Where the file system that holds /boot is mounted: `/boot` or `/`.
    pub boot_mount: PathBuf,
    /// Its UUID.
    pub boot_uuid: String,
    /// What the plan needs to know.
    pub facts: Facts,
    /// What binds the package to this machine.
    pub fingerprint: Fingerprint,
    /// RAM in bytes.
    pub memory: u64,
}

impl Old {
    /// Looks at the running system; changes nothing.
    ///
    /// # Errors
    /// [`Error`] names what this version cannot migrate.
    pub fn survey(time: u64) -> Result<Old, Error> {
        if !rustix::process::geteuid().is_root() {
            return Err(Error::NotRoot);
        }
        if Path::new("/sys/firmware/efi").exists() {
            let what = "this machine booted by UEFI; this version only migrates machines that boot by BIOS";
            return Err(Error::Unsupported(what.into()));
        }
        let mounts = machine::mounts()?;
        let root = holding(&mounts, Path::new("/"))?;
        if !locate::KINDS.contains(&root.kind.as_str()) {
            let what = format!(
                "the root file system is {}; this version reads {}",
                root.kind,
                locate::KINDS.join(", ")
            );
            return Err(Error::Unsupported(what));
        }
        let staged = holding(&mounts, Path::new("/etc/upd"))?;
        if staged.device != root.device {
            let what = format!(
                "/etc is a file system of its own ({}); it must be on the root's",
                staged.source
            );
            return Err(Error::Unsupported(what));
        }
        let sys = Path::new(SYS);
        let blocks = list_block_devices(sys)?;
        let disk = only_disk(sys, &blocks, root)?;
        let root_uuid = uuid(sys, root)?;
        refuse_unreadable_volume(&blocks, root)?;

        let boot = holding(&mounts, Path::new("/boot"))?;
        let boot_name = machine::name_of(sys, boot.device)?;
        suits(boot, &boot_name, &blocks, disk)?;
        let open = Disk::open(disk.path())?;
        let block = usize::try_from(open.block_size()).unwrap_or(512);
        let head = open.read_fresh(0, block.saturating_mul(2).max(4096))?;
        let id = DiskId {
            bytes: disk.bytes(),
            table: table_id(&head, block),
            serial: disk.serial.clone().unwrap_or_default(),
        };
        Ok(Old {
            root: format!("UUID={root_uuid}"),
            boot_mount: PathBuf::from(&boot.target),
            boot_uuid: uuid(sys, boot)?,
            facts: Facts {
                disk: disk.name.clone(),
                disk_bytes: disk.bytes(),
                block_size: disk.logical_block_size,
                other_groups: locate::groups_elsewhere(&blocks, disk),
                host: rustix::system::uname()
                    .nodename()
                    .to_string_lossy()
                    .into_owned(),
                time,
            },
            fingerprint: Fingerprint::of(Path::new("/"), id)?,
            memory: machine::MemInfo::read()?.total,
        })
    }

    /// The path of a file of /boot as GRUB sees it.
    pub fn grub_path(&self, name: &str) -> String {
        if self.boot_mount == Path::new("/") {
            format!("/boot/{name}")
        } else {
            format!("/{name}")
        }
    }
}

/// The mounted file system that holds a path, which need not exist.
fn holding<'a>(mounts: &'a [Mount], path: &Path) -> Result<&'a Mount, Error> {
    let fits = |m: &&Mount| path.starts_with(&m.target) && m.kind != "rootfs" && m.kind != "autofs";
    // Of several with the same target the last one is on top.
    let best = mounts
        .iter()
        .filter(fits)
        .enumerate()
        .max_by_key(|(n, m)| (m.target.len(), *n));
    best.map(|(_, mount)| mount).ok_or_else(|| {
        Error::Unsupported(format!(
            "nothing is mounted at {}; is /proc mounted?",
            path.display()
        ))
    })
}

/// Whether GRUB can boot once from the file system that holds /boot, `name`
/// to the kernel, and the machine boots from `disk` afterwards.
fn suits(
    boot: &Mount,
    name: &str,
    blocks: &[BlockDevice],
    disk: &BlockDevice,
) -> Result<(), Error> {
    let device = &boot.source;
    let here = blocks.iter().find(|b| b.name == name);
    let what = if here.is_some_and(BlockDevice::is_virtual) {
        format!(
            "/boot is on {device}, which is no plain partition: GRUB could not take the one-shot entry back after use"
        )
    } else if here.is_some_and(|b| b.name != disk.name && b.parent.as_ref() != Some(&disk.name)) {
        // The old GRUB, which is there, would start an old system that is gone.
        format!(
            "/boot is on {device}, which is not on {}, the disk of the root file system: the machine boots from a disk that is not replaced; move /boot to the root's disk",
            disk.name
        )
    } else if boot.root != "/" {
        format!(
            "/boot is the directory {} of {device}, mounted a second time: GRUB would look for the files elsewhere; mount a file system of its own there, or none",
            boot.root
        )
    } else {
        return Ok(());
    };
    Err(Error::Unsupported(what))
}

fn only_disk<'a>(
    sys: &Path,
    blocks: &'a [BlockDevice],
    root: &Mount,
) -> Result<&'a BlockDevice, Error> {
    let names = match machine::disks_below(sys, root.device) {
        Ok(names) => names,
        // btrfs, NFS and overlays have numbers that sysfs does not know.
        Err(machine::Error::Read { .. }) => Default::default(),
        Err(error) => return Err(error.into()),
    };
    let disk = blocks
        .iter()
        .find(|b| names.len() == 1 && names.contains(&b.name));
    let device = root.source.clone();
    disk.ok_or_else(|| {
        machine::Error::Disks {
            device,
            disks: names.into_iter().collect(),
        }
        .into()
    })
}

fn uuid(sys: &Path, mount: &Mount) -> Result<String, Error> {
    let name = machine::name_of(sys, mount.device)?;
    let path = Path::new("/dev").join(name);
    let content = identify(&path).filter(|c| !c.uuid.is_empty());
    content.map(|c| c.uuid).ok_or_else(|| {
        let what = format!(
            "{} ({}) has no UUID that can be read",
            mount.source,
            path.display()
        );
        Error::Unsupported(what)
    })
}

/// A root on a thin, mirrored or otherwise special volume would be found
/// missing only after the reboot.
fn refuse_unreadable_volume(blocks: &[BlockDevice], root: &Mount) -> Result<(), Error> {
    let here = |b: &&BlockDevice| (b.major, b.minor) == root.device;
    let block = blocks.iter().find(here);
    let Some(name) = block.and_then(|b| b.dm_name.as_ref()) else {
        return partition(block, root);
    };
    // The tiny system has no software RAID, so its arrays hold nothing for us.
    let mut plain = blocks.to_vec();
    plain.retain(|b| !b.is_virtual());
    let found = scan(&locate::lvm_devices(&plain));
    for group in &found.groups {
        for lv in &group.vg.lvs {
            let dm = ondisk::lvm::dm_name(&group.vg.name, &lv.name);
            if dm.as_ref() == Ok(name) {
                return match group.mapping(lv) {
                    Ok(_) => Ok(()),
                    Err(error) => Err(Error::Unsupported(format!("the old root: {error}"))),
                };
            }
        }
    }
    let what = format!(
        "the root {} is a device-mapper device that is no logical volume",
        root.source
    );
    Err(Error::Unsupported(what))
}

/// Whether a root that is no volume is on a partition or a disk, and not on
/// software RAID, which has disks below it, too.
fn partition(block: Option<&BlockDevice>, root: &Mount) -> Result<(), Error> {
    match block {
        Some(block) if block.is_virtual() => Err(Error::Unsupported(format!(
            "the root {} is on {}, which is software RAID or the like; this version reads partitions and logical volumes",
            root.source, block.name
        ))),
        _ => Ok(()),
    }
}

/// What can be written to a file system.
#[derive(Debug)]
pub struct Space {
    /// Bytes that are free.
    pub free: u64,
    /// It is mounted for reading only.
    pub read_only: bool,
}

impl Space {
    /// Asks the file system at `path`.
    ///
    /// # Errors
    /// When it cannot be asked.
    pub fn of(path: &Path) -> Result<Space, Error> {
        let stat = rustix::fs::statvfs(path).map_err(|e| file(path)(e.into()))?;
        Ok(Space {
            free: stat.f_bavail.saturating_mul(stat.f_frsize),
            read_only: stat.f_flag.contains(StatVfsMountFlags::RDONLY),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::parse_mounts;

    #[test]
    fn the_file_system_that_holds_a_path() {
        let mounts = parse_mounts(
            "1 0 0:1 / / rw - rootfs rootfs rw\n2 0 254:0 / / rw - ext4 /dev/mapper/a rw\n\
             3 2 8:1 / /boot rw - xfs /dev/sda1 rw\n4 2 8:2 / /bootstrap rw - xfs /dev/sda2 rw\n",
        );
        let source = |path: &str| holding(&mounts, Path::new(path)).unwrap().source.clone();
        assert_eq!(source("/"), "/dev/mapper/a");
        assert_eq!(source("/etc/upd"), "/dev/mapper/a");
        assert_eq!(source("/boot"), "/dev/sda1");
        assert_eq!(source("/boot/grub/grubenv"), "/dev/sda1");
        assert!(holding(&[], Path::new("/")).is_err());
    }

    #[test]
    fn a_root_on_software_raid_is_refused() {
        let root = parse_mounts("2 0 9:0 / / rw - ext4 /dev/md0 rw\n").remove(0);
        let mut block = block("md0", None, None);
        partition(Some(&block), &root).unwrap();
        block.sysfs = "/sys/devices/virtual/block/md0".into();
        let error = partition(Some(&block), &root).unwrap_err().to_string();
        assert!(
            error.contains("/dev/md0 is on md0, which is software RAID"),
            "{error}"
        );
    }

    fn block(name: &str, parent: Option<&str>, dm: Option<&str>) -> BlockDevice {
        BlockDevice {
            name: name.into(),
            major: 0,
            minor: 0,
            sectors: 0,
            read_only: false,
            logical_block_size: 512,
            parent: parent.map(String::from),
            partition: None,
            model: None,
            serial: None,
            dm_name: dm.map(String::from),
            dm_uuid: None,
            sysfs: match dm {
                Some(_) => "/sys/devices/virtual/block/dm-0".into(),
                None => PathBuf::new(),
            },
        }
    }

    #[test]
    fn only_a_boot_on_a_plain_partition_of_the_disk_suits() {
        let blocks = [
            block("sda", None, None),
            block("sda1", Some("sda"), None),
            block("sdb", None, None),
            block("sdb1", Some("sdb"), None),
            block("dm-0", None, Some("vg-boot")),
        ];
        let judge = |name: &str, root: &str| {
            let line = format!("2 0 8:1 {root} /boot rw - ext4 /dev/{name} rw\n");
            let boot = parse_mounts(&line).remove(0);
            suits(&boot, name, &blocks, &blocks[0]).map_err(|e| e.to_string())
        };
        judge("sda1", "/").unwrap();
        judge("sda", "/").unwrap();
        for (name, root, words) in [
            ("dm-0", "/", "which is no plain partition"),
            ("sdb1", "/", "which is not on sda"),
            ("sda1", "/mnt/boot", "the directory /mnt/boot of /dev/sda1"),
        ] {
            let error = judge(name, root).unwrap_err();
            assert!(error.contains(words), "{error}");
        }
    }
}
