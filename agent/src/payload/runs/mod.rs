// SPDX-License-Identifier: MIT OR Apache-2.0
//! Reads a file of a file system that no longer exists, from known places of a
//! disk, past the page cache. Each chunk is verified before a byte of it is used.

mod chunk;
mod error;
mod reader;

pub use error::{Changed, Error, Invalid};

use crate::disk::Disk;
use ondisk::lifeboat::record::{MAX_CHUNK, Pinned};
use ondisk::lifeboat::{self, Run, SECTOR};
use reader::Reader;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Chunks in memory: one being handed out, one waiting, one being read.
const BUFFERS: usize = 3;

/// The most memory in bytes that one reader takes, however long the file is:
/// its chunks, and one for a disk that wants other alignment.
pub const READ_AHEAD: u64 = (BUFFERS as u64 + 1) * MAX_CHUNK;

/// The places of the file, and the checksums of its chunks.
#[derive(Debug)]
pub struct Runs {
    /// Held open, so that no other disk gets its number.
    disk: Disk,
    name: PathBuf,
    file: Pinned,
    chunk_bytes: usize,
}

impl Runs {
    /// A file of the record on `disk`. `name` is what messages call it.
    ///
    /// # Errors
    /// When the places cannot be on that disk, or the record has no checksums of
    /// chunks.
    pub fn new(disk: Disk, name: impl Into<PathBuf>, file: Pinned) -> Result<Runs, Invalid> {
        let name = name.into();
        let invalid = |why: String| Invalid {
            name: name.clone(),
            disk: disk.path().into(),
            why,
        };
        let Some(chunks) = &file.chunks else {
            return Err(invalid("no checksums of its chunks".into()));
        };
        // A record that was parsed is consistent already. This one may come from
        // anywhere, and it decides how much memory is allocated.
        if !chunks.are_of(file.bytes) {
            let (count, bytes, size) = (chunks.sums.len(), chunks.bytes, file.bytes);
            return Err(invalid(format!(
                "{count} chunks of {bytes} bytes for {size} bytes"
            )));
        }
        for run in &file.runs {
            let is_on_disk = run
                .bytes()
                .is_some_and(|bytes| !bytes.is_empty() && bytes.end <= disk.bytes());
            if !is_on_disk {
                let Run { lba, sectors } = run;
                let bytes = disk.bytes();
                return Err(invalid(format!(
                    "{sectors} sectors from LBA {lba} on a disk of {bytes} bytes"
                )));
            }
        }
        lifeboat::cut(&file.runs, 0, file.bytes.div_ceil(SECTOR))
            .map_err(|short| invalid(short.to_string()))?;
        Ok(Runs {
            // At most MAX_CHUNK.
            chunk_bytes: usize::try_from(chunks.bytes).unwrap_or_default(),
            disk,
            name,
            file,
        })
    }

    /// What messages call the file.
    pub fn name(&self) -> &Path {
        &self.name
    }

    /// Bytes of the file.
    pub fn size(&self) -> u64 {
        self.file.bytes
    }

    /// Reads the whole file, which should be small.
    ///
    /// # Errors
    /// The place on the disk that cannot be read or has other bytes.
    pub fn read(self) -> Result<Vec<u8>, Error> {
        let name = self.name.clone();
        let ended = |error: std::io::Error| match Error::inside(&error) {
            Some(error) => error.clone(),
            None => Error::Ended(name.clone()),
        };
        let mut bytes = Vec::new();
        let mut reader = Arc::new(self).open().map_err(&ended)?;
        reader.read_to_end(&mut bytes).map_err(&ended)?;
        Ok(bytes)
    }

    /// A reader of all of it, with a thread that reads ahead.
    ///
    /// # Errors
    /// When the disk cannot be opened again, or no thread can be had.
    pub(super) fn open(self: &Arc<Self>) -> std::io::Result<Reader> {
        Reader::new(Arc::clone(self))
    }
}

#[cfg(test)]
mod tests;
