// SPDX-License-Identifier: MIT OR Apache-2.0
//! The other disks of a machine, and what spans several.

use ondisk::gpt::Guid;
use std::collections::BTreeSet;

/// A volume group with a physical volume on a disk that is not replaced.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct OtherGroup {
    pub name: String,
    /// A device of it that is on another disk.
    pub device: String,
    /// A device of it on the disk that is replaced, if it has one there too:
    /// with that, what it has elsewhere would be lost.
    pub here: Option<String>,
}

/// Something made of several devices (RAID, btrfs, ...) with a member on the disk
/// that is replaced.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Whole {
    /// What it is, as `RAID array`.
    pub kind: String,
    pub name: String,
    /// Its devices on the disk that is replaced.
    pub here: Vec<String>,
    pub elsewhere: Vec<String>,
    /// How many members were not found.
    pub missing: u64,
}

impl Whole {
    /// Its identifier, the same on both sides of a reboot.
    pub fn id(&self) -> String {
        format!("{} {}", self.kind, self.name)
    }
}

/// A name that something on another disk has.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Name {
    /// A file system's UUID, as blkid writes it.
    Uuid(String),
    /// A file system's label.
    Label(String),
    /// A GPT's own GUID.
    Table(Guid),
    /// A partition's GUID (PARTUUID).
    Partition(Guid),
}

/// A disk that is not replaced.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OtherDisk {
    pub device: String,
    /// What is on it, as `/dev/sdb1: ext4 "data"`.
    pub holds: Vec<String>,
    /// Contents that are not understood, in the same form.
    pub unclear: Vec<String>,
}

/// The other disks of a machine, and what of them depends on the disk that is
/// replaced.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Others {
    /// Volume groups with a physical volume on any other disk.
    pub groups: Vec<OtherGroup>,
    /// Wholes with a member on the disk that is replaced.
    pub wholes: Vec<Whole>,
    /// Files on the disk that is replaced, each with the encrypted device
    /// elsewhere that it opens.
    pub keys: Vec<(String, String)>,
    /// Names on other disks, each with its device.
    pub names: Vec<(Name, String)>,
    pub disks: Vec<OtherDisk>,
    /// Wholes that the old system found to be completely on the disk that is
    /// replaced, by [`Whole::id`]; here some members may be invisible.
    pub whole_before: BTreeSet<String>,
}

impl Others {
    /// Wholes that are completely on the disk that is replaced, and are lost with
    /// it.
    pub fn lost(&self) -> impl Iterator<Item = &Whole> {
        let whole = |w: &&Whole| w.elsewhere.is_empty() && w.missing == 0;
        self.wholes.iter().filter(whole)
    }
}
