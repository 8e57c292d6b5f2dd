// SPDX-License-Identifier: MIT OR Apache-2.0
//! A record to bytes.

use super::error::within_bounds;
use super::head::OWN_RUNS;
use super::{Pinned, Record, RecordError, VERSION};
use crate::lifeboat::role::Role;
use crate::sha256::{Sha256, Sha256Sum};
use std::ops::Range;

pub(super) const MAGIC: &[u8; 16] = b"replant record\0\0";
/// Where the checksum of all other bytes is; the sections follow it.
pub(super) const SUM: Range<usize> = 48..80;
/// Bytes before a section's contents: kind, zero, length.
pub(super) const SECTION: u64 = 16;
/// Bytes of a file's entry without its runs and chunks, of a run, of a chunk's sum, of
/// a range, and of the armed sector.
pub(super) const FILE: u64 = 64;
pub(super) const RUN: u64 = 16;
pub(super) const CHUNK: u64 = 32;
pub(super) const RANGE: u64 = 16;
pub(super) const ARMED: u64 = 512;

/// The sections, by their numbers, in their order. All are always there; one
/// that has nothing is empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub(super) enum Kind {
    Files = 1,
    Disk = 2,
    Origin = 3,
    Seed = 4,
    Manifest = 5,
    TableBackup = 6,
    Staged = 7,
    Protected = 8,
    Wipe = 9,
    OldHead = 10,
    OldTail = 11,
    Armed = 12,
}

impl Kind {
    pub(super) const ALL: [Kind; 12] = [
        Kind::Files,
        Kind::Disk,
        Kind::Origin,
        Kind::Seed,
        Kind::Manifest,
        Kind::TableBackup,
        Kind::Staged,
        Kind::Protected,
        Kind::Wipe,
        Kind::OldHead,
        Kind::OldTail,
        Kind::Armed,
    ];

    pub(super) fn number(self) -> u32 {
        self as u32
    }
}

/// The checksum of a record: of all bytes but those of the sum itself.
pub(super) fn checksum(record: &[u8]) -> Sha256Sum {
    let mut hash = Sha256::new();
    hash.update(record.get(..SUM.start).unwrap_or_default());
    hash.update(record.get(SUM.end..).unwrap_or_default());
    hash.finish()
}

impl Record {
    /// The record's bytes, as many as [`Record::length`] says; what follows
    /// them in the file does not matter.
    ///
    /// # Errors
    /// A record that [`Record::check`] refuses, is too long, or whose own files
    /// lie in too many pieces.
    pub fn encode(&self) -> Result<Vec<u8>, RecordError> {
        let length = within_bounds(self.length())?;
        self.check()?;
        let own = self
            .files
            .iter()
            .filter(|f| matches!(f.role, Role::Record(_)));
        let runs = own.map(|file| file.runs.len()).sum();
        if runs > OWN_RUNS {
            let max = OWN_RUNS;
            return Err(RecordError::OwnRuns { runs, max });
        }
        let mut bytes = MAGIC.to_vec();
        bytes.extend(VERSION.0.to_le_bytes());
        bytes.extend(VERSION.1.to_le_bytes());
        bytes.extend([0; 4]);
        bytes.extend(length.to_le_bytes());
        bytes.extend(self.id.0);
        bytes.resize(SUM.end, 0);
        for kind in Kind::ALL {
            let contents = self.section(kind);
            bytes.extend(kind.number().to_le_bytes());
            bytes.extend([0; 4]);
            bytes.extend(size(&contents).to_le_bytes());
            bytes.extend(contents);
        }
        let sum = checksum(&bytes);
        for (to, from) in bytes.iter_mut().skip(SUM.start).zip(sum.0) {
            *to = from;
        }
        Ok(bytes)
    }

    /// Bytes of the encoded record.
    #[must_use]
    pub fn length(&self) -> u64 {
        let sections = Kind::ALL.iter().map(|kind| size(&self.section(*kind)));
        let head = u64::try_from(SUM.end).unwrap_or(u64::MAX);
        sections.fold(head, |sum, bytes| {
            sum.saturating_add(SECTION).saturating_add(bytes)
        })
    }

    fn section(&self, kind: Kind) -> Vec<u8> {
        let old = self.old.as_ref();
        match kind {
            Kind::Files => {
                let files = self.files.iter().flat_map(file);
                count(self.files.len())
                    .into_iter()
                    .chain([0; 4])
                    .chain(files)
                    .collect()
            }
            Kind::Disk => {
                let disk = &self.disk;
                let mut bytes = disk.bytes.to_le_bytes().to_vec();
                bytes.extend(disk.logical_block.to_le_bytes());
                bytes.extend(disk.physical_block.to_le_bytes());
                text(&mut bytes, &disk.serial);
                text(&mut bytes, &disk.wwn);
                bytes
            }
            Kind::Origin => {
                let mut bytes = self.time.to_le_bytes().to_vec();
                text(&mut bytes, &self.host);
                bytes
            }
            Kind::Seed => self.seed.to_vec(),
            Kind::Manifest => self.manifest.clone(),
            Kind::TableBackup => self.table_backup.clone(),
            Kind::Staged => self.staged.clone(),
            Kind::Protected => ranges(self.protected.ranges()),
            Kind::Wipe => ranges(&self.wipe),
            Kind::OldHead => old.map_or_else(Vec::new, |old| old.head.clone()),
            Kind::OldTail => old.map_or_else(Vec::new, |old| old.tail.clone()),
            Kind::Armed => old.map_or_else(Vec::new, |old| old.armed.to_vec()),
        }
    }
}

fn size(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}

/// A number of things. No list of as many as this cannot count is within a
/// record's size.
fn count(number: usize) -> [u8; 4] {
    u32::try_from(number).unwrap_or(u32::MAX).to_le_bytes()
}

fn text(bytes: &mut Vec<u8>, text: &str) {
    bytes.extend(count(text.len()));
    bytes.extend(text.as_bytes());
}

fn ranges(ranges: &[Range<u64>]) -> Vec<u8> {
    let ends = ranges.iter().flat_map(|range| [range.start, range.end]);
    ends.flat_map(u64::to_le_bytes).collect()
}

fn file(file: &Pinned) -> Vec<u8> {
    let mut bytes = file.role.number().to_le_bytes().to_vec();
    bytes.extend([0; 4]);
    bytes.extend(file.bytes.to_le_bytes());
    bytes.extend(file.sum.map_or([0; 32], |sum| sum.0));
    let (chunk, sums) = match &file.chunks {
        Some(chunks) => (chunks.bytes, chunks.sums.as_slice()),
        None => (0, [].as_slice()),
    };
    bytes.extend(chunk.to_le_bytes());
    bytes.extend(count(file.runs.len()));
    bytes.extend(count(sums.len()));
    for run in &file.runs {
        bytes.extend(run.lba.to_le_bytes());
        bytes.extend(run.sectors.to_le_bytes());
    }
    for sum in sums {
        bytes.extend(sum.0);
    }
    bytes
}
