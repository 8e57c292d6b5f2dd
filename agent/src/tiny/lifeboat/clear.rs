// SPDX-License-Identifier: MIT OR Apache-2.0
//! Clears the disk after the migration: nothing of the old machine's identity may
//! stay, nor anything that looks like an unfinished migration.

use super::look::TWINS;
use super::write::overwrite;
use super::{Error, Lifeboat};
use crate::disk::Disk;
use ondisk::lifeboat::record::Pinned;
use ondisk::lifeboat::{Role, SECTOR, Twin};

impl Lifeboat {
    /// Zeroes the identity's places, then those of blobs, record and state. The
    /// record is cleared after all files that it names, and the state last.
    ///
    /// # Errors
    /// [`Error::Disk`]. It can be done again.
    pub fn clear(&mut self) -> Result<(), Error> {
        let disk = self.open()?;
        zero(&disk, "zeros over the identity", self.file(Role::Identity)?)?;
        for of in [Role::Blob, Role::Record] {
            for twin in TWINS {
                zero(&disk, "zeros over the record", self.file(of(twin))?)?;
            }
        }
        // The valid copy is cleared last.
        let (next, counts) = match self.newest.next {
            Twin::A => (Twin::A, Twin::B),
            Twin::B => (Twin::B, Twin::A),
        };
        for twin in [next, counts] {
            zero(&disk, "zeros over the state", self.file(Role::State(twin))?)?;
        }
        disk.flush()?;
        Ok(())
    }
}

/// Zeroes all places of a file.
fn zero(disk: &Disk, what: &'static str, file: &Pinned) -> Result<(), Error> {
    let all = file.sectors().unwrap_or(0).saturating_mul(SECTOR);
    // Identity, blobs, record and state are small.
    let zeros = vec![0; usize::try_from(all).unwrap_or_default()];
    overwrite(disk, what, file, &zeros)
}
