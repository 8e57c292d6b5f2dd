// SPDX-License-Identifier: MIT OR Apache-2.0
//! Making an ext4 file system on a block device or in an image file.

use std::{
    fs::File,
    io,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
};

use ondisk::ext4::{self, Layout, Options, Write};

/// Why there is no new file system.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The device or the options do not allow one.
    #[error("{path}: {source}")]
    Plan {
        /// The device's path.
        path: PathBuf,
        /// The reason.
        source: ext4::Error,
    },
    /// A write failed. There is no file system on the device now.
    #[error(
        "{path}: cannot write {length} bytes of the new ext4 file system at byte {offset}: \
         {source}; check the disk, then format again"
    )]
    Write {
        /// The device's path.
        path: PathBuf,
        /// Where, in bytes.
        offset: u64,
        /// How much, in bytes.
        length: usize,
        /// The kernel's reason.
        source: io::Error,
    },
    /// What was written did not reach the medium.
    #[error(
        "{path}: cannot write the cache out ({what}): {source}; check the disk, then format again"
    )]
    Sync {
        /// The device's path.
        path: PathBuf,
        /// What was written before.
        what: &'static str,
        /// The kernel's reason.
        source: io::Error,
    },
}

/// Makes the file system: only what must be written is, some megabytes on
/// 100 GiB. `progress` gets the bytes written so far and in all.
///
/// At no moment is there half a file system that mounts: the old superblock is
/// cleared first, the new one is written last, each with a flush. May be
/// repeated.
///
/// # Errors
/// [`Error::Plan`] before anything is written; [`Error::Write`] and
/// [`Error::Sync`] after that.
pub fn format(
    path: &Path,
    file: &File,
    options: &Options,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<(), Error> {
    let plan = |source| Error::Plan {
        path: path.to_owned(),
        source,
    };
    let layout = Layout::plan(options).map_err(plan)?;
    let mut target = Target {
        path,
        file,
        done: 0,
        total: layout.write_bytes(),
        progress,
    };
    (target.progress)(0, target.total);
    target.write(&layout.erase())?;
    target.sync("zeros over the old superblock")?;
    for write in layout.body() {
        target.write(&write)?;
    }
    target.sync("everything but the superblock")?;
    target.write(&layout.superblock())?;
    target.sync("the superblock")
}

struct Target<'a> {
    path: &'a Path,
    file: &'a File,
    done: u64,
    total: u64,
    progress: &'a mut dyn FnMut(u64, u64),
}

impl Target<'_> {
    fn write(&mut self, write: &Write) -> Result<(), Error> {
        let length = write.data.len();
        self.file
            .write_all_at(&write.data, write.offset)
            .map_err(|source| Error::Write {
                path: self.path.to_owned(),
                offset: write.offset,
                length,
                source,
            })?;
        self.done = self.done.saturating_add(length as u64);
        (self.progress)(self.done, self.total);
        Ok(())
    }

    fn sync(&self, what: &'static str) -> Result<(), Error> {
        self.file.sync_data().map_err(|source| Error::Sync {
            path: self.path.to_owned(),
            what,
            source,
        })
    }
}
