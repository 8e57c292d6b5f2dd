// SPDX-License-Identifier: MIT OR Apache-2.0
//! Sizes, places and numbers of a record's bytes, for who writes and who reads
//! them.

use crate::lifeboat::filler::BLOCK;
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

/// Runs of both copies of the record that its first block has room for.
pub(super) const OWN_RUNS: usize =
    (BLOCK - SUM.end - SECTION as usize - 8 - 2 * FILE as usize) / RUN as usize;

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
