// SPDX-License-Identifier: MIT OR Apache-2.0
//! What must hold for a record, before it is written and after it was read.

use super::{Chunks, OLD_HEAD_BLOCKS, OLD_TAIL_BLOCKS, Pinned, Record};
use crate::lifeboat::filler::BLOCK;
use crate::lifeboat::protected::{Protected, ProtectedError};
use crate::lifeboat::role::{Role, Twin};
use crate::lifeboat::state;
use crate::run::{Run, SECTOR};

/// The biggest chunk in bytes. Nothing of a chunk is used before its checksum
/// is right, so a reader holds a few of them in memory, on machines that have
/// little.
pub const MAX_CHUNK: u64 = 1 << 20;
/// Bytes that must lie between the copies of the state, for what destroys one
/// place of a disk destroys what is near.
const APART: u64 = 1 << 20;
/// Bytes of a text that a disk or a machine has for itself.
const MAX_TEXT: usize = 1024;

/// What contradicts the rest of a record.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Inconsistent {
    /// A role twice, or not in the order of roles.
    #[error("{0} is there twice, or not in its place")]
    Order(Role),
    /// A file without which nothing works.
    #[error("{0} is missing")]
    Missing(Role),
    /// A run that is empty or not on the disk.
    #[error("{role} lies at {} sectors from sector {} on, which the disk does not have",
        .run.sectors, .run.lba)]
    Outside {
        /// The file.
        role: Role,
        /// The run.
        run: Run,
    },
    /// A run that may be overwritten.
    #[error("{role} lies at sector {}, which is not protected", .run.lba)]
    Unprotected {
        /// The file.
        role: Role,
        /// The run.
        run: Run,
    },
    /// Two files in one place.
    #[error("{a} and {b} both lie at sector {lba}")]
    Overlap {
        /// The one that begins first.
        a: Role,
        /// The other one.
        b: Role,
        /// First sector of both.
        lba: u64,
    },
    /// More bytes than sectors for them, or none.
    #[error("{role} has {bytes} bytes and {sectors} sectors")]
    Size {
        /// The file.
        role: Role,
        /// Its size.
        bytes: u64,
        /// Sectors of its runs.
        sectors: u64,
    },
    /// A checksum of a file that changes, or no checksum of one that does not.
    #[error("{0} changes and has a checksum, or does not change and has none")]
    Sum(Role),
    /// Chunks of an odd size or of more than [`MAX_CHUNK`] bytes, or not as
    /// many as the file has.
    #[error("the chunks of {0} are not those of its size")]
    Chunks(Role),
    /// The record's first block would be torn apart.
    #[error("the first 4096 bytes of {0} do not lie in one piece")]
    FirstBlock(Role),
    /// A file of the record that cannot hold it.
    #[error("{role} has {bytes} bytes, the record has {need}")]
    Room {
        /// The file.
        role: Role,
        /// Its size.
        bytes: u64,
        /// Bytes of the record.
        need: u64,
    },
    /// No aligned block for the state.
    #[error("no aligned block of the disk lies in {0}")]
    NoBlock(Role),
    /// The two copies of the state are too near to each other.
    #[error("the copies of the state lie at sectors {a} and {b}, less than 1 MiB apart")]
    Near {
        /// First sector of copy A.
        a: u64,
        /// First sector of copy B.
        b: u64,
    },
    /// Block sizes, or a set of protected ranges, that cannot be.
    #[error(transparent)]
    Protected(#[from] ProtectedError),
    /// A range to wipe that is empty, not on the disk, or not behind the one
    /// before it.
    #[error("the bytes {start} to {end} cannot be wiped")]
    Wipe {
        /// First byte.
        start: u64,
        /// The byte after the last one.
        end: u64,
    },
    /// Not as many blocks as are kept.
    #[error("of the old disk's {what}, {have} bytes are there, it should be {want}")]
    Old {
        /// Which end.
        what: &'static str,
        /// Bytes that there are.
        have: u64,
        /// Bytes that there should be.
        want: u64,
    },
    /// A logical block that no disk has.
    #[error("a logical block of {0} bytes is not supported")]
    LogicalBlock(u32),
    /// A long text where a short one belongs.
    #[error("the {what} has {bytes} bytes")]
    Text {
        /// What it is.
        what: &'static str,
        /// Its bytes.
        bytes: usize,
    },
}

impl Chunks {
    /// Whether they can be those of a file of `bytes` bytes: each of whole
    /// sectors and no bigger than [`MAX_CHUNK`], and as many as it has.
    #[must_use]
    pub fn are_of(&self, bytes: u64) -> bool {
        let size = (1..=MAX_CHUNK).contains(&self.bytes) && self.bytes.is_multiple_of(SECTOR);
        let count = u64::try_from(self.sums.len()).ok();
        size && count == Some(bytes.div_ceil(self.bytes))
    }
}

impl Record {
    /// Checks all that must hold; a record is neither written nor read without.
    ///
    /// # Errors
    /// The first thing that does not hold.
    pub fn check(&self) -> Result<(), Inconsistent> {
        let disk = &self.disk;
        let block = u64::from(disk.logical_block);
        if !block.is_power_of_two() || !(512..=4096).contains(&block) {
            return Err(Inconsistent::LogicalBlock(disk.logical_block));
        }
        // As it was made for a disk of this size and blocks.
        let ranges = self.protected.ranges().to_vec();
        Protected::from_ranges(ranges, disk.physical_block, disk.bytes)?;
        let texts = [
            ("serial number", &disk.serial),
            ("world wide name", &disk.wwn),
            ("host name", &self.host),
        ];
        for (what, text) in texts {
            if text.len() > MAX_TEXT {
                let bytes = text.len();
                return Err(Inconsistent::Text { what, bytes });
            }
        }
        let ordered = self.files.iter().zip(self.files.iter().skip(1));
        if let Some((_, file)) = ordered.clone().find(|(a, b)| a.role >= b.role) {
            return Err(Inconsistent::Order(file.role));
        }
        for file in &self.files {
            self.check_file(file)?;
        }
        self.check_apart()?;
        self.check_own()?;
        let mut free = 0;
        for range in &self.wipe {
            if range.is_empty() || range.start < free || range.end > disk.bytes {
                let (start, end) = (range.start, range.end);
                return Err(Inconsistent::Wipe { start, end });
            }
            free = range.end;
        }
        if let Some(old) = &self.old {
            let ends = [
                ("head", old.head.len(), OLD_HEAD_BLOCKS),
                ("tail", old.tail.len(), OLD_TAIL_BLOCKS),
            ];
            for (what, have, blocks) in ends {
                let have = u64::try_from(have).unwrap_or(u64::MAX);
                let want = blocks.saturating_mul(block);
                if have != want {
                    return Err(Inconsistent::Old { what, have, want });
                }
            }
        }
        Ok(())
    }

    fn check_file(&self, file: &Pinned) -> Result<(), Inconsistent> {
        let role = file.role;
        for &run in &file.runs {
            let bytes = run.bytes().filter(|bytes| !bytes.is_empty());
            let bytes = bytes.filter(|bytes| bytes.end <= self.disk.bytes);
            let bytes = bytes.ok_or(Inconsistent::Outside { role, run })?;
            if !self.protected.outside(&bytes).is_empty() {
                return Err(Inconsistent::Unprotected { role, run });
            }
        }
        let sectors = file.sectors().unwrap_or(0);
        let bytes = file.bytes;
        if bytes == 0 || bytes.div_ceil(SECTOR) > sectors {
            return Err(Inconsistent::Size {
                role,
                bytes,
                sectors,
            });
        }
        if file.sum.is_some() == role.changes() {
            return Err(Inconsistent::Sum(role));
        }
        if file
            .chunks
            .as_ref()
            .is_some_and(|chunks| !chunks.are_of(bytes))
        {
            return Err(Inconsistent::Chunks(role));
        }
        Ok(())
    }

    /// No sector belongs to two files, or to one twice.
    fn check_apart(&self) -> Result<(), Inconsistent> {
        let runs = |file: &Pinned| {
            file.runs
                .iter()
                .map(|run| (*run, file.role))
                .collect::<Vec<_>>()
        };
        let mut all: Vec<(Run, Role)> = self.files.iter().flat_map(runs).collect();
        all.sort_unstable_by_key(|(run, _)| run.lba);
        for ((run, a), (next, b)) in all.iter().zip(all.iter().skip(1)) {
            if run.overlaps(*next) {
                let (a, b, lba) = (*a, *b, next.lba);
                return Err(Inconsistent::Overlap { a, b, lba });
            }
        }
        Ok(())
    }

    /// The places that are read before the record is known must be the expected
    /// ones.
    fn check_own(&self) -> Result<(), Inconsistent> {
        let file = |role| self.file(role).ok_or(Inconsistent::Missing(role));
        for role in [Role::Record(Twin::A), Role::Record(Twin::B)] {
            let (bytes, need) = (file(role)?.bytes, self.length());
            if bytes < need {
                return Err(Inconsistent::Room { role, bytes, need });
            }
            let first = file(role)?.runs.first().map_or(0, |run| run.sectors);
            if first < BLOCK as u64 / SECTOR {
                return Err(Inconsistent::FirstBlock(role));
            }
        }
        let block = |role| {
            let place = state::place(&file(role)?.runs, self.disk.physical_block)?;
            place.ok_or(Inconsistent::NoBlock(role))
        };
        let (a, b) = (block(Role::State(Twin::A))?, block(Role::State(Twin::B))?);
        if a.abs_diff(b).saturating_mul(SECTOR) < APART {
            return Err(Inconsistent::Near { a, b });
        }
        Ok(())
    }
}
