// SPDX-License-Identifier: MIT OR Apache-2.0
//! The result of checking the files that lie on the disk twice, for a person.

use super::Error;
use crate::disk;
use ondisk::lifeboat::record::Pinned;
use ondisk::lifeboat::{Role, SECTOR};
use std::fmt;

/// The result for a pair of copies.
#[derive(Debug)]
pub enum Repair {
    /// One was damaged and has been restored.
    Mended {
        bad: Role,
        good: Role,
        /// Damaged sectors of 512 bytes of the disk: the first one of each MiB
        /// of the file.
        places: Vec<u64>,
    },
    /// One is damaged, and could not be restored.
    Left { bad: Role, at: Damage, error: Error },
    /// Both are damaged.
    Lost { roles: [Role; 2], at: [Damage; 2] },
}

/// Where a copy is damaged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Damage {
    /// This sector of 512 bytes of the disk, or one right behind it, cannot be
    /// read.
    Unreadable(u64),
    /// Somewhere in the file, which begins at this sector.
    Within(u64),
}

impl Damage {
    pub(super) fn of(file: Option<&Pinned>, why: Error) -> Damage {
        let run = file.and_then(|file| file.runs.first());
        match why {
            Error::Disk(disk::Error::Read { offset, .. }) => Damage::Unreadable(offset / SECTOR),
            _ => Damage::Within(run.map_or(0, |run| run.lba)),
        }
    }
}

impl Repair {
    /// Whether this copy is damaged still.
    pub(super) fn leaves(&self, role: Role) -> bool {
        match self {
            Repair::Mended { .. } => false,
            Repair::Left { bad, .. } => *bad == role,
            Repair::Lost { roles, .. } => roles.contains(&role),
        }
    }
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Damage::Unreadable(lba) => write!(f, "cannot be read from LBA {lba} on"),
            Damage::Within(lba) => {
                write!(f, "is not what was staged, where it lies from LBA {lba} on")
            }
        }
    }
}

impl fmt::Display for Repair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Repair::Mended { bad, good, places } => {
                write!(f, "{bad} was damaged on the disk")?;
                let mut before = " at LBA ";
                for place in places {
                    write!(f, "{before}{place}")?;
                    before = ", ";
                }
                write!(f, "; it was written anew from {good}")
            }
            Repair::Left { bad, at, error } => write!(
                f,
                "warning: {bad} {at}, and could not be written anew: {error}"
            ),
            Repair::Lost {
                roles: [a, b],
                at: [at_a, at_b],
            } => write!(f, "warning: {a} {at_a}, and {b} {at_b}"),
        }
    }
}
