// SPDX-License-Identifier: MIT OR Apache-2.0
//! The old root: which device `root=` means, and which disk that is on.
//!
//! Only devices that cannot be taken for one another are taken: what could be
//! meant twice is refused, with all the devices named.

mod groups;
mod identify;

pub use groups::groups_elsewhere;
pub use identify::{Content, describe, identify};

use crate::cmdline::RootSpec;
use crate::device::{BlockDevice, Devices};
use crate::lvm::{Access, DevNo, Mapper, scan};
use crate::machine;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// The old root file system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Root {
    /// Its node.
    pub device: PathBuf,
    /// Its number.
    pub dev: (u32, u32),
    /// Its type, as mount(2) wants it.
    pub kind: String,
}

/// Why the old root was not found.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Nobody said which.
    #[error(
        "this boot was not staged: root= is missing on the kernel's command line; boot the old system and run upgrade_to_tiny_system.sh"
    )]
    NoRoot,
    /// It did not appear.
    #[error("{spec} did not appear; {}", .why.join("; "))]
    NotFound {
        /// What was looked for.
        spec: String,
        /// What was found instead, and what is wrong with it.
        why: Vec<String>,
    },
    /// Several devices match.
    #[error("{spec} is on several devices ({}); detach all but the machine's own disk", .devices.join(", "))]
    Ambiguous {
        /// What was looked for.
        spec: String,
        /// The devices.
        devices: Vec<String>,
    },
    /// The file system has a type that we cannot read.
    #[error("{}: the old root is {kind}; this version reads ext2, ext3, ext4 and xfs", device.display())]
    Kind {
        /// The device.
        device: PathBuf,
        /// The type.
        kind: String,
    },
    /// It is not on one disk.
    #[error(transparent)]
    Machine(#[from] machine::Error),
    /// Devices.
    #[error(transparent)]
    Device(#[from] crate::device::Error),
    /// Volume groups.
    #[error(transparent)]
    Lvm(#[from] crate::lvm::LvmError),
}

/// File systems that an old root can be, for which the tiny system has a module.
const KINDS: [&str; 4] = ["ext2", "ext3", "ext4", "xfs"];

/// Waits for the root device, activating volume groups read-only as their
/// physical volumes appear.
///
/// # Errors
/// [`Error::NotFound`] at the deadline, with what is there instead.
pub fn wait(devices: &mut Devices, spec: &RootSpec, deadline: Instant) -> Result<Root, Error> {
    let mut last = None;
    let found = devices.wait_for(&spec.to_string(), deadline, |blocks| {
        match look(blocks, spec) {
            Ok(Some(root)) => Some(Ok(root)),
            Ok(None) => None,
            // What is wrong already does not become right by waiting.
            Err(
                error @ (Error::Ambiguous { .. }
                | Error::Kind { .. }
                | Error::Lvm(crate::lvm::LvmError::Group { .. })),
            ) => Some(Err(error)),
            Err(error) => {
                last = Some(error);
                None
            }
        }
    });
    let timeout = match found {
        Ok(answer) => return answer,
        Err(timeout) => timeout,
    };
    let blocks = devices.block_devices()?;
    let mut why = vec![timeout.to_string()];
    why.extend(last.map(|e| e.to_string()));
    for group in &scan(&lvm_devices(&blocks)).groups {
        let name = &group.vg.name;
        why.extend(
            group
                .problems
                .iter()
                .map(|p| format!("volume group {name}: {p}")),
        );
        let visible = group.vg.lvs.iter().filter(|lv| lv.is_visible());
        why.extend(
            visible
                .filter_map(|lv| group.mapping(lv).err())
                .map(|e| e.to_string()),
        );
    }
    Err(Error::NotFound {
        spec: spec.to_string(),
        why,
    })
}

/// Looks once among the devices that are there.
fn look(blocks: &[BlockDevice], spec: &RootSpec) -> Result<Option<Root>, Error> {
    activate(blocks)?;
    let blocks = crate::device::list_block_devices(Path::new(crate::device::SYS))?;
    let mut matches: Vec<(&BlockDevice, Content)> = Vec::new();
    for block in &blocks {
        if let Some(content) = identify(&block.path()).filter(|c| matches_spec(block, c, spec)) {
            matches.push((block, content));
        }
    }
    match &matches[..] {
        [] => Ok(None),
        [(block, content)] => {
            let device = block.path();
            let kind = content.kind.clone();
            if !KINDS.contains(&kind.as_str()) {
                return Err(Error::Kind { device, kind });
            }
            Ok(Some(Root {
                device,
                dev: (block.major, block.minor),
                kind,
            }))
        }
        several => {
            let devices = several
                .iter()
                .map(|(b, _)| b.path().display().to_string())
                .collect();
            Err(Error::Ambiguous {
                spec: spec.to_string(),
                devices,
            })
        }
    }
}

/// Maps all volumes that can be mapped, for reading only. Refused ones are no
/// error here: they matter only if the root is among them, which is then told.
fn activate(blocks: &[BlockDevice]) -> Result<(), Error> {
    let groups = scan(&lvm_devices(blocks)).groups;
    if groups.is_empty() {
        return Ok(());
    }
    let mapper = Mapper::open()?;
    for group in &groups {
        let (_, refused) = mapper.activate_all(group, Access::ReadOnly)?;
        for error in refused {
            log::debug!("{error}");
        }
    }
    Ok(())
}

fn matches_spec(block: &BlockDevice, content: &Content, spec: &RootSpec) -> bool {
    match spec {
        RootSpec::Uuid(uuid) => content.uuid.eq_ignore_ascii_case(uuid),
        RootSpec::Label(label) => content.label == *label,
        RootSpec::PartUuid(uuid) => part_uuid(block).is_some_and(|p| p.eq_ignore_ascii_case(uuid)),
        RootSpec::Path(path) => {
            let path = Path::new(path);
            // /dev/mapper/X and /dev/VG/LV are links or nodes of their own.
            path == block.path()
                || same_device(path, block)
                || block
                    .dm_name
                    .as_ref()
                    .is_some_and(|n| path == Path::new("/dev/mapper").join(n))
        }
    }
}

/// The kernel's own name of a partition, from its uevent file.
fn part_uuid(block: &BlockDevice) -> Option<String> {
    let text = std::fs::read_to_string(block.sysfs.join("uevent")).ok()?;
    text.lines()
        .find_map(|line| line.strip_prefix("PARTUUID="))
        .map(str::to_string)
}

fn same_device(path: &Path, block: &BlockDevice) -> bool {
    use std::os::unix::fs::{FileTypeExt, MetadataExt};
    std::fs::metadata(path).is_ok_and(|meta| {
        meta.file_type().is_block_device()
            && rustix::fs::major(meta.rdev()) == block.major
            && rustix::fs::minor(meta.rdev()) == block.minor
    })
}

fn lvm_devices(blocks: &[BlockDevice]) -> Vec<crate::lvm::BlockDevice> {
    let real = blocks.iter().filter(|b| b.dm_name.is_none());
    real.map(|b| crate::lvm::BlockDevice {
        path: b.path(),
        dev: DevNo {
            major: b.major,
            minor: b.minor,
        },
        size: b.bytes(),
    })
    .collect()
}

/// The one disk that the root is on.
///
/// # Errors
/// [`machine::Error::Disks`] when it is on several, or on none.
pub fn disk_of(blocks: &[BlockDevice], root: &Root) -> Result<BlockDevice, Error> {
    let names = machine::disks_below(Path::new(crate::device::SYS), root.dev)?;
    let disk = blocks
        .iter()
        .find(|b| names.len() == 1 && names.contains(&b.name));
    disk.cloned().ok_or_else(|| {
        let device = root.device.display().to_string();
        machine::Error::Disks {
            device,
            disks: names.into_iter().collect(),
        }
        .into()
    })
}
