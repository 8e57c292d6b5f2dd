// SPDX-License-Identifier: MIT OR Apache-2.0
//! How big a record's own file must be, before it is known where it lies.

use super::error::within_bounds;
use super::layout::{ARMED, CHUNK, FILE, Kind, RANGE, RUN, SECTION, SUM};
use super::{OLD_HEAD_BLOCKS, OLD_TAIL_BLOCKS, Record, RecordError};
use crate::lifeboat::filler::BLOCK;
use crate::lifeboat::role::Role;
use std::collections::BTreeSet;

/// The most that all files of a record together will have when it is whole,
/// those that it has already included. Its own two files are among them, so
/// the numbers are not known when these are made, but bounds of them are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    /// Runs.
    pub runs: u64,
    /// Chunks that have a checksum.
    pub chunks: u64,
}

impl Record {
    /// Bytes, in whole blocks of 4096, in which this record has room whatever
    /// is still missing: files, up to `whole`; what these must have protected;
    /// and [`Record::old`]. Everything else must be there. So it does not matter
    /// which files were added before, and whether they are protected yet.
    ///
    /// # Errors
    /// More than [`MAX_BYTES`](super::MAX_BYTES).
    pub fn reserve(&self, whole: Counts) -> Result<u64, RecordError> {
        let times = |number: u64, size: u64| number.saturating_mul(size);
        let runs = whole
            .runs
            .max(number(self.files.iter().map(|f| f.runs.len())));
        let sums = self.files.iter().filter_map(|file| file.chunks.as_ref());
        let chunks = whole
            .chunks
            .max(number(sums.map(|chunks| chunks.sums.len())));
        let files = number([Role::ALL.len()]);
        let sections = Kind::ALL.iter().map(|&kind| match kind {
            // Their number, then each.
            Kind::Files => 8u64
                .saturating_add(times(files, FILE))
                .saturating_add(times(runs, RUN))
                .saturating_add(times(chunks, CHUNK)),
            // At worst each run is one by itself.
            Kind::Protected => times(runs.saturating_add(self.of_no_file()), RANGE),
            Kind::OldHead => times(OLD_HEAD_BLOCKS, self.disk.logical_block.into()),
            Kind::OldTail => times(OLD_TAIL_BLOCKS, self.disk.logical_block.into()),
            Kind::Armed => ARMED,
            Kind::Disk
            | Kind::Origin
            | Kind::Seed
            | Kind::Manifest
            | Kind::TableBackup
            | Kind::Staged
            | Kind::Wipe => self.section_bytes(kind),
        });
        let bytes = sections.fold(number([SUM.end]), |sum, section| {
            sum.saturating_add(SECTION).saturating_add(section)
        });
        let block = BLOCK as u64;
        within_bounds(times(bytes.div_ceil(block), block))
    }

    /// Protected ranges in which no file is that the record has yet.
    fn of_no_file(&self) -> u64 {
        let runs = self.files.iter().flat_map(|file| &file.runs);
        let bytes = runs.filter_map(|run| run.bytes());
        let has_one = bytes.filter_map(|bytes| self.protected.overlap(&bytes));
        let starts: BTreeSet<u64> = has_one.map(|range| range.start).collect();
        number([self.protected.ranges().len()]).saturating_sub(number([starts.len()]))
    }
}

fn number(of: impl IntoIterator<Item = usize>) -> u64 {
    of.into_iter().fold(0, |sum: u64, more| {
        sum.saturating_add(u64::try_from(more).unwrap_or(u64::MAX))
    })
}
