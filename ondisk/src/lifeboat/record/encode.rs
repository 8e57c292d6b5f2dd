// SPDX-License-Identifier: MIT OR Apache-2.0
//! A record to bytes.

use super::error::within_bounds;
use super::layout::{Kind, MAGIC, OWN_RUNS, SECTION, SUM, checksum};
use super::{Pinned, Record, RecordError, VERSION};
use crate::lifeboat::role::Role;
use std::ops::Range;

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
        let sections = Kind::ALL.iter().map(|kind| self.section_bytes(*kind));
        let head = u64::try_from(SUM.end).unwrap_or(u64::MAX);
        sections.fold(head, |sum, bytes| {
            sum.saturating_add(SECTION).saturating_add(bytes)
        })
    }

    /// Bytes of a section's contents.
    pub(super) fn section_bytes(&self, kind: Kind) -> u64 {
        size(&self.section(kind))
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
