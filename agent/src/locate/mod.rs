// SPDX-License-Identifier: MIT OR Apache-2.0
//! The old root: which device `root=` means, and which disk that is on.
//!
//! Nothing is guessed: where several devices match, it is an error that names
//! them all.

mod crypttab;
mod groups;
mod identify;
mod members;
mod survey;
#[cfg(test)]
mod tests;

pub use crypttab::keys;
pub use identify::{Content, content, identify};
pub use survey::others;

use crate::block::{self, BlockDevice, DevNo, NotOneDisk, SYS, node};
use crate::cmdline::RootSpec;
use crate::device::Devices;
use crate::disk::Disk;
use crate::disk::table::{self, Present};
use crate::lvm::{Access, LvmError, Mapper, mapping, scan};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use sys::FileError;

/// The old root file system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Root {
    pub device: PathBuf,
    pub dev: DevNo,
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
        spec: String,
        /// What was found instead, and what is wrong with it.
        why: Vec<String>,
    },
    /// Several devices match.
    #[error("{spec} is on several devices ({}); detach all but the machine's own disk", .devices.join(", "))]
    Ambiguous { spec: String, devices: Vec<String> },
    /// The file system has a type that we cannot read.
    #[error("{}: the old root is {kind}; this version reads ext2, ext3, ext4 and xfs", device.display())]
    Kind { device: PathBuf, kind: String },
    /// The disk refuses writes.
    #[error("{disk} is read-only; switch its write protection off")]
    ReadOnly { disk: String },
    /// It is not on one disk.
    #[error(transparent)]
    NotOneDisk(#[from] NotOneDisk),
    /// A file of /sys.
    #[error(transparent)]
    File(#[from] FileError),
    /// Devices.
    #[error(transparent)]
    Device(#[from] crate::device::Error),
    /// Volume groups.
    #[error(transparent)]
    Lvm(#[from] LvmError),
}

impl Error {
    /// Whether trying again may succeed.
    pub fn is_transient(&self) -> bool {
        match self {
            Error::NotFound { .. } => true,
            Error::File(error) => error.is_transient(),
            Error::Device(error) => error.is_transient(),
            Error::Lvm(error) => error.is_transient(),
            Error::NoRoot
            | Error::NotOneDisk(_)
            | Error::Ambiguous { .. }
            | Error::Kind { .. }
            | Error::ReadOnly { .. } => false,
        }
    }
}

/// File systems that an old root can be, for which the tiny system has a module.
pub const KINDS: [&str; 4] = ["ext2", "ext3", "ext4", "xfs"];

/// A root is accepted only after this long without a new device, for a copy of it
/// may be on a disk that appears later...
pub(crate) const QUIET: Duration = Duration::from_secs(1);
/// ...but never later than this, for one device may send events all the time.
pub(crate) const RESTLESS: Duration = Duration::from_secs(10);
/// Upper limit of the wait, for `rd.retry=` may contain any number.
pub(crate) const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

/// Waits for the root device, at most for `patience`, activating volume groups
/// read-only as their physical volumes appear. What is found is looked for
/// again when all disks have had their time to appear.
///
/// # Errors
/// [`Error::NotFound`] in the end, with what is there instead.
pub fn wait(devices: &mut Devices, spec: &RootSpec, patience: Duration) -> Result<Root, Error> {
    let begin = Instant::now();
    let patience = patience.min(LONGEST);
    let mut last = None;
    let found = devices.wait_for(&spec.to_string(), begin + patience, |blocks| {
        match look(blocks, spec) {
            Ok(Outcome::Root(root)) => Some(Ok(root)),
            Ok(Outcome::Nothing) => None,
            // The group may hold the root or not: other devices get a part of the
            // remaining time.
            Ok(Outcome::Blocked(error)) => {
                (begin.elapsed() >= patience / 4).then(|| Err(error.into()))
            }
            // Waiting does not repair this.
            Err(
                error @ (Error::Ambiguous { .. }
                | Error::Kind { .. }
                | Error::Lvm(LvmError::Group { .. })),
            ) => Some(Err(error)),
            Err(error) => {
                last = Some(error);
                None
            }
        }
    });
    let mut why = match found {
        Ok(Err(error)) => return Err(error),
        Ok(Ok(_)) => {
            devices.settle(QUIET, Instant::now() + RESTLESS)?;
            match look(&devices.block_devices()?, spec)? {
                Outcome::Root(root) => return Ok(root),
                Outcome::Blocked(error) => return Err(error.into()),
                Outcome::Nothing => vec!["it was there, and went away".to_string()],
            }
        }
        Err(timeout) => vec![timeout.to_string()],
    };
    let blocks = devices.block_devices()?;
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
                .filter_map(|lv| mapping(group, lv).err())
                .map(|e| e.to_string()),
        );
    }
    Err(Error::NotFound {
        spec: spec.to_string(),
        why,
    })
}

/// The result of looking once through the devices.
#[derive(Debug)]
enum Outcome {
    Root(Root),
    Nothing,
    /// The root was not found, and a volume group that may hold it cannot be used
    /// as it is.
    Blocked(LvmError),
}

/// Looks once among the devices that are there.
fn look(blocks: &[BlockDevice], spec: &RootSpec) -> Result<Outcome, Error> {
    let troubles = activate(blocks)?;
    let blocks = block::list(Path::new(SYS))?;
    let mut matches: Vec<(&BlockDevice, Content)> = Vec::new();
    for block in &blocks {
        if let Some(content) = identify(&block.path()).filter(|c| matches_spec(block, c, spec)) {
            matches.push((block, content));
        }
    }
    judge(&matches, troubles, spec)
}

/// A volume group of which something could not be mapped.
#[derive(Debug)]
struct Trouble {
    /// The prefix of the device-mapper uuids of its volumes.
    prefix: String,
    error: LvmError,
}

/// Decides by the number of devices that match.
fn judge(
    matches: &[(&BlockDevice, Content)],
    troubles: Vec<Trouble>,
    spec: &RootSpec,
) -> Result<Outcome, Error> {
    let blocking = |trouble: &Trouble| matches!(trouble.error, LvmError::Group { .. });
    match matches {
        [] => {
            let (blocked, others): (Vec<_>, Vec<_>) = troubles.into_iter().partition(blocking);
            let first = |troubles: Vec<Trouble>| troubles.into_iter().next().map(|t| t.error);
            match (first(blocked), first(others)) {
                (Some(error), _) => Ok(Outcome::Blocked(error)),
                (None, Some(error)) => Err(error.into()),
                (None, None) => Ok(Outcome::Nothing),
            }
        }
        [(block, content)] => {
            // It was mapped before a copy of a physical volume appeared.
            let uuid = block.dm_uuid.as_deref().unwrap_or_default();
            let own = |trouble: &Trouble| blocking(trouble) && uuid.starts_with(&trouble.prefix);
            if let Some(trouble) = troubles.into_iter().find(own) {
                return Err(trouble.error.into());
            }
            let device = block.path();
            let kind = content.kind.clone();
            if !KINDS.contains(&kind.as_str()) {
                return Err(Error::Kind { device, kind });
            }
            Ok(Outcome::Root(Root {
                device,
                dev: block.dev,
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

/// Maps all volumes that can be mapped, read-only. A volume that cannot be is no
/// error here: it matters only if it holds the root.
fn activate(blocks: &[BlockDevice]) -> Result<Vec<Trouble>, Error> {
    let groups = scan(&lvm_devices(blocks)).groups;
    let mut troubles = Vec::new();
    if groups.is_empty() {
        return Ok(troubles);
    }
    let mapper = Mapper::open()?;
    for group in &groups {
        match mapper.activate_all(group, Access::ReadOnly) {
            Ok((_, refused)) => refused.iter().for_each(|error| log::debug!("{error}")),
            Err(error) => {
                log::debug!("{error}");
                let prefix = format!("LVM-{}", group.vg.id.compact());
                troubles.push(Trouble { prefix, error });
            }
        }
    }
    Ok(troubles)
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

/// The PARTUUID of a partition, read from its table, for kernels before 6.3 do
/// not show it.
fn part_uuid(block: &BlockDevice) -> Option<String> {
    let (disk, partition) = (block.parent.as_deref()?, block.partition?);
    match Disk::open(node(disk)).and_then(|disk| table::read(&disk)) {
        Ok(table) => table_uuid(&table, partition.number),
        Err(error) => {
            log::debug!("{error}");
            None
        }
    }
}

/// The GUID of a GPT's partition; a DOS table's signature and the number.
fn table_uuid(table: &Present, number: u32) -> Option<String> {
    match table {
        Present::None => None,
        Present::Gpt(gpt) => gpt.table.partition(number).map(|p| p.guid.to_string()),
        Present::Dos(dos) => Some(format!("{:08x}-{number:02x}", dos.signature)),
    }
}

fn same_device(path: &Path, block: &BlockDevice) -> bool {
    use std::os::unix::fs::{FileTypeExt, MetadataExt};
    std::fs::metadata(path).is_ok_and(|meta| {
        meta.file_type().is_block_device() && DevNo::from(meta.rdev()) == block.dev
    })
}

/// The devices that a name from a file means: `UUID=...`, or a path.
pub fn named<'a>(blocks: &'a [BlockDevice], name: &str) -> impl Iterator<Item = &'a BlockDevice> {
    blocks
        .iter()
        .filter(move |block| crypttab::is_meant(block, name))
}

/// The devices that may be physical volumes of this machine's own groups. Logical
/// volumes are left out, for they may hold a guest's groups; so are disks with
/// partitions, as lvm2 does it: a label there is left over from earlier use.
pub fn lvm_devices(blocks: &[BlockDevice]) -> Vec<BlockDevice> {
    let parents: BTreeSet<&str> = blocks.iter().filter_map(|b| b.parent.as_deref()).collect();
    let real = blocks
        .iter()
        .filter(|b| b.dm_name.is_none() && !parents.contains(b.name.as_str()));
    real.cloned().collect()
}

/// The one disk that the root is on.
///
/// # Errors
/// [`Error::NotOneDisk`] when it is on several, or on none;
/// [`Error::ReadOnly`].
pub fn disk_of(blocks: &[BlockDevice], root: &Root) -> Result<BlockDevice, Error> {
    let names = block::disks_below(Path::new(SYS), root.dev)?;
    only_disk(blocks, names, &root.device)
}

fn only_disk(
    blocks: &[BlockDevice],
    names: BTreeSet<String>,
    device: &Path,
) -> Result<BlockDevice, Error> {
    let mut disks: Vec<String> = names.into_iter().collect();
    if let [name] = disks.as_slice() {
        match blocks.iter().find(|b| b.name == *name && b.is_disk()) {
            Some(disk) if disk.read_only => {
                let disk = disk.describe();
                return Err(Error::ReadOnly { disk });
            }
            Some(disk) => return Ok(disk.clone()),
            // A loop device or a RAM disk is not a disk to replace.
            None => disks.clear(),
        }
    }
    let device = device.display().to_string();
    Err(NotOneDisk { device, disks }.into())
}
