// SPDX-License-Identifier: MIT OR Apache-2.0
//! Checks that all staged files are still on the disk.

use super::{Error, Lifeboat};
use crate::disk::{self, Disk};
use ondisk::lifeboat::boot_sector::BlobPlace;
use ondisk::lifeboat::record::Pinned;
use ondisk::lifeboat::{Blob, Role, Twin};
use ondisk::sha256::Sha256Sum;

impl Lifeboat {
    /// Compares the checksum of each file that does not change, read from its
    /// places. `progress` gets bytes that were read and all.
    ///
    /// # Errors
    /// [`Error::Changed`] names the file.
    pub(super) fn is_intact(
        &self,
        disk: &Disk,
        progress: &mut dyn FnMut(u64, u64),
    ) -> Result<(), Error> {
        let files = self.record.files.iter();
        let fixed: Vec<(&Pinned, Sha256Sum)> =
            files.filter_map(|file| Some((file, file.sum?))).collect();
        let all = fixed.iter().map(|(file, _)| file.bytes).sum();
        let mut done: u64 = 0;
        for (file, sum) in fixed {
            progress(done, all);
            if disk::sha256(disk, &file.runs, file.bytes)? != sum {
                return Err(Error::Changed { role: file.role });
            }
            done = done.saturating_add(file.bytes);
        }
        progress(done, all);
        for role in Role::ALL {
            self.file(role)?;
        }
        Ok(())
    }

    /// The places of the blobs for stage 1. Each blob must be of this staging,
    /// and lead back to the boot sector `old`.
    ///
    /// # Errors
    /// [`Error::Blob`], [`Error::Changed`].
    pub(super) fn blobs(&self, disk: &Disk, old: &[u8; 512]) -> Result<[BlobPlace; 2], Error> {
        let place = |number, twin| {
            let role = Role::Blob(twin);
            let unfit = |why: &str| Error::Blob {
                role,
                why: why.into(),
            };
            let file = self.file(role)?;
            let bytes = read(disk, file)?;
            let blob = Blob::decode(&bytes).map_err(|error| Error::blob(role, error))?;
            if (blob.id, blob.twin) != (self.record.id, twin) {
                return Err(unfit("it belongs to another staging or copy"));
            }
            if blob.old_sector != *old {
                return Err(unfit("the boot sector has changed since"));
            }
            match file.runs.as_slice() {
                [run] => Ok(BlobPlace::of(run.lba, number, &bytes)?),
                _ => Err(unfit("it does not lie in one piece")),
            }
        };
        Ok([place(1, Twin::A)?, place(2, Twin::B)?])
    }
}

/// Reads a small file, and compares its checksum.
pub(super) fn read(disk: &Disk, file: &Pinned) -> Result<Vec<u8>, Error> {
    let role = file.role;
    let places = |short| Error::Places { role, short };
    let sectors = file.bytes.div_ceil(ondisk::lifeboat::SECTOR);
    let mut bytes = Vec::new();
    for run in ondisk::lifeboat::cut(&file.runs, 0, sectors).map_err(places)? {
        let place = run.bytes().ok_or(Error::Changed { role })?;
        let length = usize::try_from(place.end - place.start);
        let length = length.map_err(|_| Error::Changed { role })?;
        bytes.extend(disk.read_fresh(place.start, length)?);
    }
    bytes.truncate(usize::try_from(file.bytes).unwrap_or(usize::MAX));
    match file.sum {
        Some(sum) if sum != Sha256Sum::of(&bytes) => Err(Error::Changed { role }),
        _ => Ok(bytes),
    }
}
