// SPDX-License-Identifier: MIT OR Apache-2.0
//! The record's first block, by which the rest of it is found.

use super::RecordError;
use super::decode::{Start, start};
use super::layout::Kind;
use super::reader::Reader;
use crate::lifeboat::filler::BLOCK;
use crate::lifeboat::id::Id;
use crate::lifeboat::role::{Role, Twin};
use crate::run::{Run, SECTOR, cut};

/// How long a record is and where its copies lie.
///
/// Nothing has been checked but its form, for there is one checksum, that of the
/// whole record, which is only read by these runs. That is safe:
/// [`Record::decode`](super::Record::decode) sees by the checksum that this
/// block was changed, or that runs led elsewhere, and the reader goes on with the
/// other copy. Until then a damaged block can make it read no more than
/// [`MAX_BYTES`](super::MAX_BYTES), in no more pieces than the block has room
/// for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// Bytes of the record.
    pub length: u64,
    /// Where copies A and B lie: as many sectors as the record has, whatever the
    /// size of their files. Each run's bytes can be told ([`Run::bytes`]), but
    /// need not be on the disk.
    pub runs: [Vec<Run>; 2],
}

impl Head {
    /// Reads the first 4096 bytes of a record of staging `id`.
    ///
    /// # Errors
    /// What is no such block.
    pub fn decode(block: &[u8], id: &Id) -> Result<Head, RecordError> {
        let mut reader = Reader(block.get(..BLOCK).unwrap_or(block));
        let Start { length, .. } = start(&mut reader, id)?;
        if block.len() < BLOCK {
            let [have, need] = [block.len(), BLOCK].map(|n| u64::try_from(n).unwrap_or(u64::MAX));
            return Err(RecordError::Short { have, need });
        }
        let own = || {
            // The section goes on behind this block.
            let mut reader = reader;
            let kind = reader.u32()?;
            reader.zero()?;
            reader.u64()?;
            (kind == Kind::Files.number()).then_some(())?;
            reader.u32()?;
            reader.zero()?;
            let (a, b) = (reader.file()?, reader.file()?);
            let right = [a.role, b.role] == [Role::Record(Twin::A), Role::Record(Twin::B)];
            let record = |runs: &[Run]| {
                let runs = cut(runs, 0, length.div_ceil(SECTOR)).ok()?;
                let valid = runs.iter().all(|run| run.bytes().is_some());
                valid.then_some(runs)
            };
            let runs = [record(&a.runs)?, record(&b.runs)?];
            right.then_some(runs)
        };
        let what = "first block";
        let runs = own().ok_or(RecordError::Form { what })?;
        Ok(Head { length, runs })
    }
}
