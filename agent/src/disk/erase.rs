// SPDX-License-Identifier: MIT OR Apache-2.0
//! Zeroing free space: by a command of the disk that promises zeros where it has
//! one, otherwise by writing zeros.

use super::{Disk, Error};
use ondisk::ext4::{Layout, Options};
use rustix::fs::FallocateFlags;
use rustix::io::Errno;
use std::ops::Range;

/// Bytes that are zeroed at once, so that progress is visible.
const STEP: u64 = 64 << 20;
/// Bytes that are read back at three places of each range.
const SAMPLE: u64 = 4096;

/// Byte ranges of `disk` that are free in its ext4 file system, which must have
/// been made with `options` and be unmounted.
///
/// # Errors
/// [`Error`] when it cannot be read, or when its free space cannot be determined.
pub fn unused(disk: &Disk, options: &Options) -> Result<Vec<Range<u64>>, Error> {
    let failed = |why: String| Error::Unused {
        path: disk.path().into(),
        why,
    };
    let layout = Layout::plan(options).map_err(|e| failed(e.to_string()))?;
    let read = |range: Range<u64>| {
        let mut bytes = vec![0; usize::try_from(range.end - range.start).unwrap_or(0)];
        disk.read_at(range.start, &mut bytes).map(|()| bytes)
    };
    let superblock = read(layout.superblock_range())?;
    let table = read(layout.descriptor_range())?;
    let groups = layout
        .groups(&superblock, &table)
        .map_err(|e| failed(e.to_string()))?;
    let mut ranges = layout.journal_body();
    for group in groups {
        let bitmap = match group.bitmap {
            Some(start) => read(start..start + u64::from(layout.block_size()))?,
            None => Vec::new(),
        };
        let unused = layout.unused(&group, &bitmap);
        ranges.extend(unused.map_err(|e| failed(e.to_string()))?);
    }
    Ok(ranges)
}

/// Zeroes byte ranges on the medium. `progress` gets the bytes done.
///
/// # Errors
/// [`Error`] names the place.
pub fn zero(
    disk: &Disk,
    ranges: &[Range<u64>],
    progress: &mut dyn FnMut(u64),
) -> Result<(), Error> {
    const WHAT: &str = "zeros over free space";
    // Cached data for these ranges must not be written after this.
    disk.sync(WHAT)?;
    for range in ranges {
        let end = range.end.min(disk.bytes());
        let mut at = range.start;
        while at < end {
            crate::stop::check()?;
            let length = (end - at).min(STEP);
            disk.may_write(WHAT, at..at + length)?;
            zero_piece(disk, at, length).map_err(|error| Error::Write {
                path: disk.path().into(),
                what: WHAT,
                offset: at,
                source: error.into(),
            })?;
            at += length;
            progress(length);
        }
    }
    disk.sync(WHAT)?;
    disk.flush()
}

/// Tries the command that may unmap and promises zeros (the kernel refuses it
/// where the disk has none), then the one that writes zeros.
fn zero_piece(disk: &Disk, offset: u64, length: u64) -> rustix::io::Result<()> {
    let keep = FallocateFlags::KEEP_SIZE;
    let punched = rustix::fs::fallocate(
        disk.file(),
        FallocateFlags::PUNCH_HOLE | keep,
        offset,
        length,
    );
    match punched {
        Err(Errno::OPNOTSUPP | Errno::REMOTEIO | Errno::NOTTY | Errno::INVAL) => {
            rustix::fs::fallocate(
                disk.file(),
                FallocateFlags::ZERO_RANGE | keep,
                offset,
                length,
            )
        }
        other => other,
    }
}

/// The first place where a range is not zero, by samples from the medium at
/// the start, in the middle and at the end of each.
///
/// # Errors
/// The error of reading.
pub fn not_zero(disk: &Disk, ranges: &[Range<u64>]) -> Result<Option<u64>, Error> {
    for range in ranges {
        let length = (range.end - range.start).min(SAMPLE);
        let middle = range.start + (range.end - range.start) / 2;
        // Direct reading needs an aligned offset.
        let middle = (middle - middle % SAMPLE).clamp(range.start, range.end - length);
        for at in [range.start, middle, range.end - length] {
            let bytes = disk.read_fresh(at, usize::try_from(length).unwrap_or(0))?;
            if bytes.iter().any(|byte| *byte != 0) {
                return Ok(Some(at));
            }
        }
    }
    Ok(None)
}
