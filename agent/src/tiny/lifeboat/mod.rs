// SPDX-License-Identifier: MIT OR Apache-2.0
//! The record and the state of a migration that may be cut off at any moment.
//!
//! [`find`] looks for the one disk that has them, by the address on the kernel's
//! command line; [`Lifeboat`] reads and writes them, always past the page cache,
//! and reads back. The pure function [`Course::of`] decides what follows from the
//! state. If the command line has no address, none of this is used.

mod arm;
mod clear;
mod course;
mod error;
mod find;
mod intact;
mod look;
mod mend;
mod package;
mod plan;
mod repair;
mod sector_0;
mod sign;
mod snapshot;
#[cfg(test)]
pub(crate) mod tests;
mod write;

pub use course::{Back, Course, Start, goes_on_at_once};
pub use error::Error;
pub use find::find;
pub use package::{BadContents, Contents};
pub use plan::plan;
pub use repair::{Damage, Repair};
pub use sign::is_on;
pub use snapshot::{PutBack, Snapshot};

use crate::disk::Disk;
use ondisk::lifeboat::record::{Pinned, Record};
use ondisk::lifeboat::state::{Newest, Phase};
use ondisk::lifeboat::{Address, Role};
use std::ops::Range;
use std::path::{Path, PathBuf};

/// After this many failures without progress a person is asked.
pub const MOST_FAILURES: u32 = 3;

/// The record and the state of a migration, and the disk that has them.
#[derive(Debug, Clone)]
pub struct Lifeboat {
    /// The disk's node.
    path: PathBuf,
    address: Address,
    record: Record,
    newest: Newest,
    /// Whether the loader finds an undamaged copy of all that it needs, as far as
    /// is known.
    starts: bool,
}

impl Lifeboat {
    /// The disk's node when it was found.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where it lies.
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// What the migration is computed from.
    pub fn record(&self) -> &Record {
        &self.record
    }

    /// The phase of the migration.
    pub fn phase(&self) -> Phase {
        self.newest.state.phase
    }

    /// Whether the loader would start this system again, if the machine were
    /// switched off now.
    pub fn starts(&self) -> bool {
        self.starts
    }

    /// The ranges of the disk that are wiped. They come from the record, because
    /// the old table is no longer there when wiping is continued. Sector 0
    /// belongs to the loader, and protected ranges stay.
    pub fn wiped(&self) -> Vec<Range<u64>> {
        let Record {
            disk,
            wipe,
            protected,
            ..
        } = &self.record;
        let first = u64::from(disk.logical_block);
        let ranges = wipe.iter().map(|range| range.start.max(first)..range.end);
        ranges.flat_map(|range| protected.outside(&range)).collect()
    }

    fn file(&self, role: Role) -> Result<&Pinned, Error> {
        self.record.file(role).ok_or(Error::Missing(role))
    }

    /// Opens the disk for writing, if it still has this state.
    fn open(&mut self) -> Result<Disk, Error> {
        let disk = Disk::open_writable(&self.path)?;
        let found = look::newest_state(&disk, &self.address);
        let other = |why: String| Error::OtherDisk {
            disk: self.path.clone(),
            why,
        };
        let found = found.map_err(|error| other(error.to_string()))?;
        if found.state.generation < self.newest.state.generation {
            return Err(other("it has an older state".into()));
        }
        // A newer state comes from a write whose flush or read-back failed.
        self.newest = found;
        Ok(disk)
    }
}
