// SPDX-License-Identifier: MIT OR Apache-2.0
//! The record's first block, by which the rest of it is found.

use super::RecordError;
use super::decode::{Start, start};
use super::layout::Kind;
use super::reader::Reader;
use crate::lifeboat::filler::BLOCK;
use crate::lifeboat::id::Id;
use crate::lifeboat::role::{Role, Twin};
use crate::lifeboat::run::{Run, SECTOR};

/// How long a record is and where its copies lie. Nothing has been checked but
/// its form: only [`Record::decode`](super::Record::decode) looks at the
/// checksum.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// Bytes of the record.
    pub length: u64,
    /// Where copies A and B lie.
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
            let room = |runs: &[Run]| {
                let mut sectors = runs.iter().map(|run| run.sectors);
                let sectors = sectors.try_fold(0u64, u64::checked_add)?;
                (sectors >= length.div_ceil(SECTOR)).then_some(())
            };
            room(&a.runs)?;
            room(&b.runs)?;
            right.then_some([a.runs, b.runs])
        };
        let what = "first block";
        let runs = own().ok_or(RecordError::Form { what })?;
        Ok(Head { length, runs })
    }
}
