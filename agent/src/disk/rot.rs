// SPDX-License-Identifier: MIT OR Apache-2.0
//! For tests: simulates sectors of an image that cannot be read until they are
//! written.

use std::collections::BTreeSet;
use std::fs::File;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::{Mutex, MutexGuard};

use ondisk::lifeboat::SECTOR;
use rustix::io::Errno;

/// Device and inode of the image, and the sector. It is not kept per thread, for
/// a payload is read by a thread of its own.
type Bad = BTreeSet<(u64, u64, u64)>;

static BAD: Mutex<Bad> = Mutex::new(Bad::new());

fn bad() -> MutexGuard<'static, Bad> {
    BAD.lock().unwrap_or_else(|error| error.into_inner())
}

/// This sector of 512 bytes is bad from now on.
pub(crate) fn at(image: &Path, lba: u64) {
    let meta = std::fs::metadata(image).unwrap();
    bad().insert((meta.dev(), meta.ino(), lba));
}

/// All sectors of the image are good again.
pub(crate) fn gone(image: &Path) {
    let meta = std::fs::metadata(image).unwrap();
    bad().retain(|(dev, ino, _)| (*dev, *ino) != (meta.dev(), meta.ino()));
}

fn sectors(offset: u64, length: usize) -> std::ops::Range<u64> {
    offset / SECTOR..offset.saturating_add(length as u64).div_ceil(SECTOR)
}

/// Fails if one of these bytes is in a bad sector.
pub(super) fn read(file: &File, offset: u64, length: usize) -> io::Result<()> {
    let meta = file.metadata()?;
    let (dev, ino, sectors) = (meta.dev(), meta.ino(), sectors(offset, length));
    let range = (dev, ino, sectors.start)..(dev, ino, sectors.end);
    match bad().range(range).next() {
        Some(_) => Err(Errno::IO.into()),
        None => Ok(()),
    }
}

/// Makes the sectors of these bytes good again, as a write does.
pub(super) fn written(file: &File, offset: u64, length: usize) -> io::Result<()> {
    let meta = file.metadata()?;
    let mut bad = bad();
    for sector in sectors(offset, length) {
        bad.remove(&(meta.dev(), meta.ino(), sector));
    }
    Ok(())
}
