// SPDX-License-Identifier: MIT OR Apache-2.0
//! All that the tiny system must know to go on after a power cut.
//!
//! The record has what a plan is computed from, not the plan, and no name that
//! a kernel gave. ARCHITECTURE.md has the layout.

mod check;
mod decode;
mod encode;
mod error;
mod head;
mod layout;
mod pinned;
mod reader;
mod reserve;
#[cfg(test)]
mod tests;

pub use check::{Inconsistent, MAX_CHUNK};
pub use error::RecordError;
pub use head::Head;
pub use pinned::{Chunks, Damage, Pinned};
pub use reserve::Counts;

use super::id::Id;
use super::protected::Protected;
use super::role::Role;
use std::ops::Range;

/// The version that is written: a reader of the same first number that knows
/// all sections may read it.
pub const VERSION: (u16, u16) = (1, 0);
/// More bytes than any record has: one of a payload of 64 GiB in 10,000 runs
/// has less than 3 MiB.
pub const MAX_BYTES: u64 = 8 << 20;
/// Blocks of the disk that are kept from its start, and from its end.
pub const OLD_HEAD_BLOCKS: u64 = 34;
/// See [`OLD_HEAD_BLOCKS`].
pub const OLD_TAIL_BLOCKS: u64 = 33;

/// The record of a staging.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// The staging.
    pub id: Id,
    /// The disk that is replaced.
    pub disk: Disk,
    /// Seconds since 1970, as the plan has them.
    pub time: u64,
    /// The old machine's host name, as the plan has it.
    pub host: String,
    /// Of all random values of the plan: [`Stream`](super::Stream) draws them again.
    pub seed: [u8; 32],
    /// migration.toml.
    pub manifest: Vec<u8>,
    /// The table's backup, as the package has it.
    pub table_backup: Vec<u8>,
    /// staged.toml.
    pub staged: Vec<u8>,
    /// The files that lie pinned on the disk, in the order of their roles.
    pub files: Vec<Pinned>,
    /// What must not be written, in which all those files are.
    pub protected: Protected,
    /// What is wiped, in bytes from the start of the disk, but for what is
    /// protected.
    pub wipe: Vec<Range<u64>>,
    /// The old contents of both ends of the disk; not known before the old system's
    /// last mount.
    pub old: Option<Old>,
}

/// The properties by which the disk is recognised.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Disk {
    /// Size in bytes.
    pub bytes: u64,
    /// Logical block size in bytes.
    pub logical_block: u32,
    /// Physical block size in bytes.
    pub physical_block: u32,
    /// Serial number; empty without one.
    pub serial: String,
    /// World wide name; empty without one.
    pub wwn: String,
}

/// What the old system had at the ends of the disk, and what took its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Old {
    /// The first 34 blocks.
    pub head: Vec<u8>,
    /// The last 33 blocks.
    pub tail: Vec<u8>,
    /// Sector 0 (512 bytes) while the migration is armed: our loader, and the
    /// old table.
    pub armed: [u8; 512],
}

impl Record {
    /// The pinned file of this role.
    #[must_use]
    pub fn file(&self, role: Role) -> Option<&Pinned> {
        self.files.iter().find(|file| file.role == role)
    }
}
