// SPDX-License-Identifier: MIT OR Apache-2.0
//! Making an ext4 file system on a block device or in an image file.

use std::path::PathBuf;

use ondisk::ext4::{self, Layout, Options, Write};

use super::Disk;

/// Why there is no new file system.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The device or the options do not allow a file system.
    #[error("{path}: {source}")]
    Plan { path: PathBuf, source: ext4::Error },
    /// Somebody asked to stop. There is no file system on the device now.
    #[error(transparent)]
    Stopped(#[from] crate::stop::Stopped),
    /// A protected range lies within the file system.
    #[error(transparent)]
    Guard(super::Error),
    /// A write failed, or did not reach the medium. There is no file system on
    /// the device now.
    #[error("{0}; check the disk, then format again")]
    Write(super::Error),
}

impl Error {
    /// Whether trying again may succeed.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Plan { .. } | Self::Stopped(_) => false,
            Self::Guard(error) | Self::Write(error) => error.is_transient(),
        }
    }
}

/// Makes the file system. Only the blocks that must be written are, some
/// megabytes on 100 GiB. `progress` gets the bytes written so far and the total.
///
/// At no moment is there half a file system that mounts: the old superblock is
/// cleared first, the new one is written last, each with a flush. May be
/// repeated.
///
/// # Errors
/// [`Error::Plan`] and [`Error::Guard`] before anything is written;
/// [`Error::Write`] after that.
pub fn format(
    disk: &Disk,
    options: &Options,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<(), Error> {
    let layout = Layout::plan(options).map_err(|source| Error::Plan {
        path: disk.path().to_owned(),
        source,
    })?;
    // Once mounted, the kernel writes anywhere in it, past our guard.
    disk.check("the new ext4 file system", 0..disk.bytes())
        .map_err(Error::Guard)?;
    let mut target = Target {
        disk,
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
    disk: &'a Disk,
    done: u64,
    total: u64,
    progress: &'a mut dyn FnMut(u64, u64),
}

impl Target<'_> {
    fn write(&mut self, write: &Write) -> Result<(), Error> {
        crate::stop::check()?;
        self.disk
            .write_at("the new ext4 file system", write.offset, &write.data)
            .map_err(Error::Write)?;
        self.done = self.done.saturating_add(write.data.len() as u64);
        (self.progress)(self.done, self.total);
        Ok(())
    }

    fn sync(&self, what: &'static str) -> Result<(), Error> {
        self.disk.sync(what).map_err(Error::Write)
    }
}
