// SPDX-License-Identifier: MIT OR Apache-2.0
//! Copies of blobs, record and state in memory, to restore them if other programs
//! overwrite them on the disk.

use super::look::TWINS;
use super::mend::{first_difference, read_at};
use super::write::rewrite;
use super::{Error, Lifeboat};
use crate::disk::{self, Disk};
use ondisk::lifeboat::Role;
use ondisk::lifeboat::record::Pinned;

/// The files by which the machine comes back, without the large ones.
#[derive(Debug)]
pub struct Snapshot {
    files: Vec<(Pinned, Vec<u8>)>,
}

/// A file that a program has changed.
#[derive(Debug)]
pub struct PutBack {
    pub role: Role,
    /// The first sector of 512 bytes of the disk that was changed.
    pub lba: u64,
    /// Whether it could be restored.
    pub result: Result<(), Error>,
}

impl Lifeboat {
    /// Blobs, record and state as they must be. A copy that is damaged already
    /// is left out.
    ///
    /// # Errors
    /// A record that cannot be encoded.
    pub fn snapshot(&self, disk: &Disk) -> Result<Snapshot, Error> {
        let record = self.record.encode()?;
        let mut files = Vec::new();
        for role in [Role::Record, Role::Blob, Role::State]
            .into_iter()
            .flat_map(|of| TWINS.map(of))
        {
            let file = self.file(role)?;
            let length = match role {
                Role::Record(_) => record.len() as u64,
                _ => file.bytes,
            };
            let bytes = read_at(disk, file, 0, length);
            let right = |bytes: &Vec<u8>| match role {
                Role::Record(_) => *bytes == record,
                _ => file
                    .sum
                    .is_none_or(|sum| sum == ondisk::sha256::Sha256Sum::of(bytes)),
            };
            if let Some(bytes) = bytes.ok().filter(right) {
                files.push((file.clone(), bytes));
            }
        }
        Ok(Snapshot { files })
    }
}

impl Snapshot {
    /// Compares with the disk, and rewrites what differs.
    ///
    /// # Errors
    /// A disk whose cache cannot be written out.
    pub fn put_back(&self, disk: &Disk) -> Result<Vec<PutBack>, disk::Error> {
        disk.flush()?;
        let changed = |(file, bytes): &(Pinned, Vec<u8>)| {
            let (lba, result) = match first_difference(disk, file, 0, bytes) {
                Ok(None) => return None,
                Ok(Some(lba)) => (lba, rewrite(disk, file, 0, bytes)),
                // Its places in the record do not hold it.
                Err(error) => (file.runs.first().map_or(0, |run| run.lba), Err(error)),
            };
            Some(PutBack {
                role: file.role,
                lba,
                result,
            })
        };
        Ok(self.files.iter().filter_map(changed).collect())
    }
}
