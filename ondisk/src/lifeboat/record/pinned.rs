// SPDX-License-Identifier: MIT OR Apache-2.0
//! A file that lies on the disk and must stay there.

use crate::lifeboat::role::Role;
use crate::run::{Run, SECTOR, cut};
use crate::sha256::Sha256Sum;
use std::fmt;

/// A file that is read from the disk without its file system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pinned {
    /// What it is for.
    pub role: Role,
    /// Its size in bytes.
    pub bytes: u64,
    /// Its checksum; none for what changes after the record was made.
    pub sum: Option<Sha256Sum>,
    /// Where it lies, in the order of its contents.
    pub runs: Vec<Run>,
    /// Checksums of its chunks.
    pub chunks: Option<Chunks>,
}

/// Checksums of a file's chunks, by which damage is found before the data is
/// used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chunks {
    /// Bytes of each chunk but the last: a multiple of 512, at most
    /// [`MAX_CHUNK`](super::MAX_CHUNK).
    pub bytes: u64,
    /// The checksum of each.
    pub sums: Vec<Sha256Sum>,
}

/// A chunk of a file that is not what it was.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("chunk {chunk} of {role} is damaged: {}", Places(.runs))]
pub struct Damage {
    /// The file.
    pub role: Role,
    /// Number of the part, from 0.
    pub chunk: u64,
    /// Where it lies on the disk.
    pub runs: Vec<Run>,
}

/// Sectors, for a person who looks for a bad disk.
struct Places<'a>(&'a [Run]);

impl fmt::Display for Places<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("sectors of 512 bytes of the disk:")?;
        let mut comma = "";
        for run in self.0 {
            let last = run.lba.saturating_add(run.sectors).saturating_sub(1);
            write!(f, "{comma} {} to {last}", run.lba)?;
            comma = ",";
        }
        Ok(())
    }
}

impl Pinned {
    /// Sectors of all runs; `None` where that is beyond 64 bits.
    #[must_use]
    pub fn sectors(&self) -> Option<u64> {
        let mut sectors = self.runs.iter().map(|run| run.sectors);
        sectors.try_fold(0u64, u64::checked_add)
    }

    /// The bytes of the file that chunk `index` (from 0) has: its first one and
    /// how many. `None` behind the last one, and without chunks.
    #[must_use]
    pub fn chunk(&self, index: u64) -> Option<(u64, u64)> {
        let chunks = self.chunks.as_ref()?;
        let start = index.checked_mul(chunks.bytes)?;
        let left = self.bytes.checked_sub(start).filter(|left| *left > 0)?;
        Some((start, left.min(chunks.bytes)))
    }

    /// Where chunk `index` lies: whole sectors, of which the last may have more
    /// than the file.
    #[must_use]
    pub fn chunk_runs(&self, index: u64) -> Option<Vec<Run>> {
        let (start, bytes) = self.chunk(index)?;
        cut(&self.runs, start / SECTOR, bytes.div_ceil(SECTOR)).ok()
    }

    /// Compares what was read from [`Pinned::chunk_runs`] with the chunk's
    /// checksum, and returns the chunk's bytes.
    ///
    /// # Errors
    /// Where the damage lies.
    pub fn checked<'a>(&self, index: u64, read: &'a [u8]) -> Result<&'a [u8], Damage> {
        let damage = || Damage {
            role: self.role,
            chunk: index,
            runs: self.chunk_runs(index).unwrap_or_default(),
        };
        let whole = || {
            let (_, bytes) = self.chunk(index)?;
            let part = read.get(..usize::try_from(bytes).ok()?)?;
            let sums = &self.chunks.as_ref()?.sums;
            let sum = sums.get(usize::try_from(index).ok()?)?;
            (Sha256Sum::of(part) == *sum).then_some(part)
        };
        whole().ok_or_else(damage)
    }
}
