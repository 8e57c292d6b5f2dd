// SPDX-License-Identifier: MIT OR Apache-2.0
//! Makes pinned files removable again.

use crate::block::DevNo;
use rustix::fs::{IFlags, OFlags, ioctl_getflags, ioctl_setflags};
use rustix::io::Errno;
use std::fs::{self, File, OpenOptions};
use std::io::ErrorKind;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;
use sys::{FileError, cannot};

/// Clears the immutable flag of a file, or of all files below a directory on its
/// file system, so that they can be removed. A file with a further hard link is
/// not a pinned one: it loses its name here and keeps its flag. Links are not
/// followed; a missing path is no error.
///
/// # Errors
/// When a file cannot be looked at or its flag cannot be cleared.
pub fn release(path: &Path) -> Result<(), FileError> {
    let meta = match fs::symlink_metadata(path) {
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(()),
        meta => meta.map_err(cannot("look at", path))?,
    };
    below(path, &meta, meta.dev())
}

/// Removes a file that is not immutable. It is truncated first, because some file
/// systems free the space of removed files later.
pub(super) fn remove(file: &File, path: &Path) -> Result<(), FileError> {
    file.set_len(0).map_err(cannot("shorten", path))?;
    fs::remove_file(path).map_err(cannot("remove", path))
}

fn below(path: &Path, meta: &fs::Metadata, filesystem: u64) -> Result<(), FileError> {
    if DevNo::from(meta.dev()) != DevNo::from(filesystem) {
        return Ok(());
    }
    if meta.is_file() {
        return clear(path);
    }
    if !meta.is_dir() {
        return Ok(());
    }
    for entry in fs::read_dir(path).map_err(cannot("read", path))? {
        let path = entry.map_err(cannot("read", path))?.path();
        match fs::symlink_metadata(&path) {
            Err(e) if e.kind() == ErrorKind::NotFound => {}
            meta => below(&path, &meta.map_err(cannot("look at", &path))?, filesystem)?,
        }
    }
    Ok(())
}

fn clear(path: &Path) -> Result<(), FileError> {
    let mut options = OpenOptions::new();
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    options.read(true).custom_flags(flags.bits() as i32);
    let file: File = match options.open(path) {
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(()),
        file => file.map_err(cannot("open", path))?,
    };
    let flags = match ioctl_getflags(&file) {
        // The file system has no such flags.
        Err(Errno::NOTTY | Errno::OPNOTSUPP | Errno::NOSYS | Errno::INVAL) => return Ok(()),
        flags => flags.map_err(cannot("read the flags of", path))?,
    };
    if !flags.contains(IFlags::IMMUTABLE) {
        return Ok(());
    }
    let cleared = ioctl_setflags(&file, flags - IFlags::IMMUTABLE);
    cleared.map_err(cannot("make changeable", path))?;
    if file.metadata().map_err(cannot("look at", path))?.nlink() > 1 {
        let removed = fs::remove_file(path).map_err(cannot("remove", path));
        let again = ioctl_setflags(&file, flags);
        removed.and(again.map_err(cannot("make immutable again", path)))?;
    }
    Ok(())
}
