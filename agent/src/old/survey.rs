// SPDX-License-Identifier: MIT OR Apache-2.0
//! The facts about the old system that staging depends on, and whether this
//! version can migrate it.

use super::arguments::{Carried, carried};
use super::rows::Rows;
use super::unsupported::Unsupported;
use super::{Error, bios};
use crate::block::{self, BlockDevice, NotOneDisk, SYS};
use crate::cmdline;
use crate::disk::{Disk, DiskId};
use crate::fingerprint::Fingerprint;
use crate::locate;
use crate::lvm::{mapping, scan};
use crate::machine::{self, Mount};
use crate::plan::{Facts, Others};
use ondisk::lifeboat::Protected;
use std::path::{Path, PathBuf};

pub struct Survey {
    /// `root=` for the tiny system.
    pub root: String,
    /// The type of its file system.
    pub root_kind: String,
    /// Where the file system that holds /boot is mounted: `/boot` or `/`.
    pub boot_mount: PathBuf,
    pub boot_uuid: String,
    /// The input of the plan.
    pub facts: Facts,
    /// Identifies this machine and its disk in `staged.toml`.
    pub fingerprint: Fingerprint,
    /// Why the firmware may not start this machine by the disk's first sector;
    /// `None` if it does.
    pub firmware: Option<String>,
    /// RAM in bytes.
    pub memory: u64,
    /// Which words of its kernel command line are carried over.
    pub arguments: Carried,
}

impl Survey {
    /// Examines the running system; changes nothing. Each obstacle becomes a row,
    /// and then there is no survey. An obstacle does not keep the other checks
    /// from being made.
    ///
    /// # Errors
    /// When no check can be made at all.
    pub fn take(time: u64, rows: &mut Rows) -> Result<Option<Survey>, Error> {
        if !rustix::process::geteuid().is_root() {
            return Err(Error::NotRoot);
        }
        let sys = Path::new(SYS);
        let mounts = machine::mounts()?;
        let root = holding(&mounts, Path::new("/"))?;
        let boot = holding(&mounts, Path::new("/boot"))?;
        let blocks = block::list(sys)?;
        let cmdline = cmdline::read(cmdline::PATH)?;

        let uefi = Path::new("/sys/firmware/efi").exists();
        if uefi {
            rows.error("firmware", &Unsupported::Uefi.into());
        }
        let etc = holding(&mounts, Path::new("/etc/upd"))?;
        let etc_is_root = etc.device == root.device;
        if !etc_is_root {
            let device = etc.source.clone();
            rows.error("etc", &Unsupported::Etc { device }.into());
        }
        let kind_is_known = locate::KINDS.contains(&root.kind.as_str());
        let (mut disk, mut root_uuid) = (None, None);
        if kind_is_known {
            disk = rows.take("root", only_disk(sys, &blocks, root));
            root_uuid = rows.take("root", uuid(sys, root));
            let readable = refuse_unreadable_volume(&blocks, root);
            root_uuid = root_uuid.filter(|_| rows.take("root", readable).is_some());
        } else {
            // The device number of a btrfs does not lead to its disk.
            let kind = root.kind.clone();
            rows.error("root", &Unsupported::RootKind { kind }.into());
        }
        let Some(disk) = disk else {
            rows.skip("boot", "the disk of the root file system is not known");
            return Ok(None);
        };
        let boot_name = rows.take("boot", block::name_of(sys, boot.device));
        let fit = boot_name
            .and_then(|name| rows.take("boot", refuse_unfit_boot(boot, &name, &blocks, disk)));
        let boot_uuid = fit.and_then(|()| rows.take("boot", uuid(sys, boot)));
        let firmware = match uefi {
            true => None,
            false => rows.take("firmware", bios::check(sys, &cmdline, &blocks, disk)),
        };
        let opened = Disk::open(disk.path()).and_then(|open| DiskId::of(&open));
        let id = rows.take("root", opened);
        let fingerprint = id.and_then(|id| rows.take("root", Fingerprint::of(Path::new("/"), id)));
        let (Some(root_uuid), Some(boot_uuid), Some(firmware), Some(fingerprint), true) =
            (root_uuid, boot_uuid, firmware, fingerprint, etc_is_root)
        else {
            return Ok(None);
        };
        rows.fine("firmware", "BIOS, from the disk that is replaced");
        rows.fine(
            "root",
            format_args!(
                "{} on {}, UUID={root_uuid}; its disk is {}",
                root.kind,
                root.source,
                disk.describe()
            ),
        );
        rows.fine(
            "boot",
            format_args!("{} on {}, UUID={boot_uuid}", boot.kind, boot.source),
        );
        Ok(Some(Survey {
            root: format!("UUID={root_uuid}"),
            root_kind: root.kind.clone(),
            boot_mount: PathBuf::from(&boot.target),
            boot_uuid,
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
            fingerprint,
            firmware,
            memory: machine::MemInfo::read()?.total,
            arguments: carried(&cmdline),
        }))
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

/// The mounted file system that contains a path, which need not exist.
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

/// Refuses a file system with /boot (`name` to the kernel) from which GRUB could
/// not boot an entry only once, or that is not on the disk to be replaced.
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
        // A /boot on another disk keeps the old GRUB, which would start a system
        // that is gone.
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
    let names = block::disks_below(sys, root.device)?;
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
    let content = locate::content(&path)?.filter(|c| !c.uuid.is_empty());
    content.map(|c| c.uuid).ok_or_else(|| {
        let device = mount.source.clone();
        Unsupported::NoUuid { device, node: path }.into()
    })
}

/// Refuses a root on a volume type that the tiny system cannot map (thin,
/// mirrored and others), which otherwise would fail only after the reboot.
fn refuse_unreadable_volume(blocks: &[BlockDevice], root: &Mount) -> Result<(), Error> {
    let here = |b: &&BlockDevice| b.dev == root.device;
    let found = blocks.iter().find(here);
    let Some(name) = found.and_then(|b| b.dm_name.as_ref()) else {
        return refuse_raid(found, root);
    };
    // The tiny system does not assemble software RAID, so a group on an array
    // does not exist there.
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
    // The root's physical volume may be among those that could not be read.
    let failures: Vec<String> = found.failures.iter().map(ToString::to_string).collect();
    Err(match failures.as_slice() {
        [] => Unsupported::RootMap { device }.into(),
        failures => Error::Part {
            text: format!(
                "whether the root {device} is a logical volume that can be read is not known: {}",
                failures.join("; also: ")
            ),
            refusal: false,
        },
    })
}

/// Refuses a root that is neither a logical volume nor on a partition or disk. It
/// is needed because software RAID has disks below it, too.
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
mod tests;
