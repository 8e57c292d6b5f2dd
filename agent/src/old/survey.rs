// SPDX-License-Identifier: MIT OR Apache-2.0
//! The old system, as far as staging depends on it, and whether this version can
//! migrate it.

use super::arguments::{Carried, carried};
use super::unsupported::Unsupported;
use super::{Error, bios};
use crate::block::{self, BlockDevice, NotOneDisk, SYS};
use crate::cmdline;
use crate::disk::{Disk, DiskId};
use crate::fingerprint::Fingerprint;
use crate::locate::{self, identify};
use crate::lvm::{mapping, scan};
use crate::machine::{self, Mount};
use crate::plan::{Facts, Others};
use ondisk::lifeboat::Protected;
use std::path::{Path, PathBuf};

pub struct Survey {
    /// `root=` for the tiny system.
    pub root: String,
    /// Where the file system that holds /boot is mounted: `/boot` or `/`.
    pub boot_mount: PathBuf,
    pub boot_uuid: String,
    /// What the plan needs to know.
    pub facts: Facts,
    /// What binds the package to this machine.
    pub fingerprint: Fingerprint,
    /// Why the firmware may not start this machine from the disk's own first
    /// sector, if it may not.
    pub firmware: Option<String>,
    /// RAM in bytes.
    pub memory: u64,
    /// What becomes of its kernel's command line.
    pub arguments: Carried,
}

impl Survey {
    /// Looks at the running system; changes nothing.
    pub fn take(time: u64) -> Result<Survey, Error> {
        if !rustix::process::geteuid().is_root() {
            return Err(Error::NotRoot);
        }
        if Path::new("/sys/firmware/efi").exists() {
            return Err(Unsupported::Uefi.into());
        }
        let mounts = machine::mounts()?;
        let root = holding(&mounts, Path::new("/"))?;
        if !locate::KINDS.contains(&root.kind.as_str()) {
            let kind = root.kind.clone();
            return Err(Unsupported::RootKind { kind }.into());
        }
        let staged = holding(&mounts, Path::new("/etc/upd"))?;
        if staged.device != root.device {
            let device = staged.source.clone();
            return Err(Unsupported::Etc { device }.into());
        }
        let sys = Path::new(SYS);
        let blocks = block::list(sys)?;
        let disk = only_disk(sys, &blocks, root)?;
        let root_uuid = uuid(sys, root)?;
        refuse_unreadable_volume(&blocks, root)?;

        let boot = holding(&mounts, Path::new("/boot"))?;
        let boot_name = block::name_of(sys, boot.device)?;
        refuse_unfit_boot(boot, &boot_name, &blocks, disk)?;
        let cmdline = cmdline::read(Path::new("/proc/cmdline"))?;
        let firmware = bios::check(sys, &cmdline, &blocks, disk)?;
        let open = Disk::open(disk.path())?;
        let id = DiskId::of(&open)?;
        Ok(Survey {
            root: format!("UUID={root_uuid}"),
            boot_mount: PathBuf::from(&boot.target),
            boot_uuid: uuid(sys, boot)?,
            facts: Facts {
                disk: disk.name.clone(),
                disk_bytes: disk.bytes,
                block_size: disk.logical_block_size,
                others: Others {
                    keys: locate::keys(&blocks, disk, Path::new("/etc/crypttab")),
                    ..locate::others(&blocks, disk, &mounts)
                },
                host: rustix::system::uname()
                    .nodename()
                    .to_string_lossy()
                    .into_owned(),
                time,
                protected: Protected::default(),
            },
            fingerprint: Fingerprint::of(Path::new("/"), id)?,
            firmware,
            memory: machine::MemInfo::read()?.total,
            arguments: carried(&cmdline),
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
pub(super) fn holding<'a>(mounts: &'a [Mount], path: &Path) -> Result<&'a Mount, Error> {
    let fits = |m: &&Mount| path.starts_with(&m.target) && m.kind != "rootfs" && m.kind != "autofs";
    // Of several with the same target the last one is on top.
    let best = mounts
        .iter()
        .filter(fits)
        .enumerate()
        .max_by_key(|(n, m)| (m.target.len(), *n));
    best.map(|(_, mount)| mount)
        .ok_or_else(|| Unsupported::NothingMounted(path.into()).into())
}

/// File systems in which GRUB does not write its environment block, for their
/// blocks have checksums or move (util/grub.d/00_header of Debian's GRUB).
const UNWRITTEN: [&str; 5] = ["btrfs", "zfs", "f2fs", "squashfs", "romfs"];

/// Refuses a file system that holds /boot (`name` to the kernel) from which
/// GRUB could not boot once, or that is not on the disk that is replaced.
fn refuse_unfit_boot(
    boot: &Mount,
    name: &str,
    blocks: &[BlockDevice],
    disk: &BlockDevice,
) -> Result<(), Error> {
    let device = boot.source.clone();
    let here = blocks.iter().find(|b| b.name == name);
    let why = if here.is_some_and(BlockDevice::is_virtual) {
        Unsupported::BootVolume { device }
    } else if here.is_some_and(|b| b.name != disk.name && b.parent.as_ref() != Some(&disk.name)) {
        // The old GRUB, which is there, would start an old system that is gone.
        let disk = disk.name.clone();
        Unsupported::BootElsewhere { device, disk }
    } else if UNWRITTEN.contains(&boot.kind.as_str()) {
        let kind = boot.kind.clone();
        Unsupported::BootKind { device, kind }
    } else if boot.root != "/" {
        let directory = boot.root.clone();
        Unsupported::BootDirectory { device, directory }
    } else {
        return Ok(());
    };
    Err(why.into())
}

fn only_disk<'a>(
    sys: &Path,
    blocks: &'a [BlockDevice],
    root: &Mount,
) -> Result<&'a BlockDevice, Error> {
    // btrfs, NFS and overlays have numbers that sysfs does not know.
    let names = block::disks_below(sys, root.device).unwrap_or_default();
    let disk = blocks
        .iter()
        .find(|b| names.len() == 1 && names.contains(&b.name));
    let device = root.source.clone();
    disk.ok_or_else(|| {
        NotOneDisk {
            device,
            disks: names.into_iter().collect(),
        }
        .into()
    })
}

fn uuid(sys: &Path, mount: &Mount) -> Result<String, Error> {
    let name = block::name_of(sys, mount.device)?;
    let path = block::node(&name);
    let content = identify(&path).filter(|c| !c.uuid.is_empty());
    content.map(|c| c.uuid).ok_or_else(|| {
        let device = mount.source.clone();
        Unsupported::NoUuid { device, node: path }.into()
    })
}

/// Refuses a root on a thin, mirrored or otherwise special volume: that it
/// cannot be mapped would be found out only after the reboot.
fn refuse_unreadable_volume(blocks: &[BlockDevice], root: &Mount) -> Result<(), Error> {
    let here = |b: &&BlockDevice| b.dev == root.device;
    let found = blocks.iter().find(here);
    let Some(name) = found.and_then(|b| b.dm_name.as_ref()) else {
        return refuse_raid(found, root);
    };
    // The tiny system has no software RAID, so its arrays hold nothing for us.
    let mut plain = blocks.to_vec();
    plain.retain(|b| !b.is_virtual());
    let found = scan(&locate::lvm_devices(&plain));
    for group in &found.groups {
        for lv in &group.vg.lvs {
            let dm = ondisk::lvm::dm_name(&group.vg.name, &lv.name);
            if dm.as_ref() == Ok(name) {
                return match mapping(group, lv) {
                    Ok(_) => Ok(()),
                    Err(error) => Err(Unsupported::from(error).into()),
                };
            }
        }
    }
    let device = root.source.clone();
    Err(Unsupported::RootMap { device }.into())
}

/// Refuses a root that is neither a volume nor on a partition or a disk:
/// software RAID has disks below it, too.
fn refuse_raid(block: Option<&BlockDevice>, root: &Mount) -> Result<(), Error> {
    match block {
        Some(block) if block.is_virtual() => Err(Unsupported::RootRaid {
            device: root.source.clone(),
            name: block.name.clone(),
        }
        .into()),
        _ => Ok(()),
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
    fn a_file_system_without_a_uuid_is_named_by_its_node() {
        let sys = tempfile::tempdir().unwrap();
        let device = sys.path().join("devices/cciss!c0d9/cciss!c0d9p1");
        std::fs::create_dir_all(&device).unwrap();
        std::fs::create_dir_all(sys.path().join("dev/block")).unwrap();
        std::os::unix::fs::symlink(&device, sys.path().join("dev/block/104:145")).unwrap();
        let mount = parse_mounts("2 0 104:145 / / rw - ext4 /dev/root rw\n").remove(0);
        let error = uuid(sys.path(), &mount).unwrap_err().to_string();
        assert!(
            error.contains("/dev/root (/dev/cciss/c0d9p1) has no UUID"),
            "{error}"
        );
    }

    #[test]
    fn a_root_on_software_raid_is_refused() {
        let root = parse_mounts("2 0 9:0 / / rw - ext4 /dev/md0 rw\n").remove(0);
        let mut block = block("md0", None, None);
        refuse_raid(Some(&block), &root).unwrap();
        block.sysfs = "/sys/devices/virtual/block/md0".into();
        let error = refuse_raid(Some(&block), &root).unwrap_err().to_string();
        assert!(
            error.contains("/dev/md0 is on md0, which is software RAID"),
            "{error}"
        );
    }

    fn block(name: &str, parent: Option<&str>, dm: Option<&str>) -> BlockDevice {
        BlockDevice {
            parent: parent.map(String::from),
            dm_name: dm.map(String::from),
            sysfs: match dm {
                Some(_) => "/sys/devices/virtual/block/dm-0".into(),
                None => PathBuf::new(),
            },
            ..crate::block::tests::sample(name)
        }
    }

    #[test]
    fn only_a_boot_on_a_plain_partition_of_the_disk_is_fit() {
        let blocks = [
            block("sda", None, None),
            block("sda1", Some("sda"), None),
            block("sdb", None, None),
            block("sdb1", Some("sdb"), None),
            block("dm-0", None, Some("vg-boot")),
        ];
        let judge = |name: &str, root: &str| {
            let (root, kind) = if root == "btrfs" {
                ("/", root)
            } else {
                (root, "ext4")
            };
            let line = format!("2 0 8:1 {root} /boot rw - {kind} /dev/{name} rw\n");
            let boot = parse_mounts(&line).remove(0);
            refuse_unfit_boot(&boot, name, &blocks, &blocks[0]).map_err(|e| e.to_string())
        };
        judge("sda1", "/").unwrap();
        judge("sda", "/").unwrap();
        for (name, root, words) in [
            ("dm-0", "/", "which is no plain partition"),
            ("sdb1", "/", "which is not on sda"),
            ("sda1", "/mnt/boot", "the directory /mnt/boot of /dev/sda1"),
            (
                "sda1",
                "btrfs",
                "a btrfs file system, where GRUB cannot write",
            ),
        ] {
            let error = judge(name, root).unwrap_err();
            assert!(error.contains(words), "{error}");
        }
    }
}
