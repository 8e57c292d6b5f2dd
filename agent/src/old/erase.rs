// SPDX-License-Identifier: MIT OR Apache-2.0
//! How long `[wipe] erase` may take on this machine.

use super::Error;
use crate::block;
use crate::disk::Disk;
use ondisk::manifest::{Erase, Manifest};
use std::fmt;
use std::path::Path;
use std::time::{Duration, Instant};

/// Bytes that are read to measure the disk's speed, for at most [`MOST`].
const SAMPLE: u64 = 64 << 20;
const STEP: usize = 4 << 20;
const MOST: Duration = Duration::from_secs(3);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Forecast {
    /// Bytes that will be made zero, roughly.
    pub(super) bytes: u64,
    /// Bytes per second that the disk reads; `None` when the disk zeroes by a
    /// command.
    pub(super) rate: Option<u64>,
}

impl Forecast {
    /// Seconds, if zeros are written as fast as the disk reads.
    pub(super) fn seconds(self) -> Option<u64> {
        self.rate.map(|rate| self.bytes.div_ceil(rate.max(1)))
    }

    /// Looks at the disk; none when the package does not ask for it.
    pub(super) fn of(manifest: &Manifest, disk: &Path) -> Result<Option<Forecast>, Error> {
        if manifest.wipe.erase != Some(Erase::Free) {
            return Ok(None);
        }
        let open = Disk::open(disk)?;
        let used = manifest.filesystems.iter().map(|f| f.content_bytes);
        let used = used.fold(0, u64::saturating_add);
        let block = open
            .dev()
            .map(|dev| block::by_number(Path::new(block::SYS), dev));
        let rate = match block.transpose()?.is_some_and(|block| block.makes_zeros()) {
            true => None,
            false => Some(read_rate(&open)?),
        };
        Ok(Some(Forecast {
            bytes: open.bytes().saturating_sub(used),
            rate,
        }))
    }
}

impl fmt::Display for Forecast {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mib = self.bytes >> 20;
        write!(f, "up to {mib} MiB of free space are made zero at the end")?;
        let (Some(seconds), Some(rate)) = (self.seconds(), self.rate) else {
            return f.write_str("; the disk has a command for that, which is quick");
        };
        let minutes = seconds.div_ceil(60);
        write!(f, "; about {minutes} min, at {} MiB/s", rate >> 20)
    }
}

/// Bytes per second, read from the middle of the disk, where it is neither at its
/// fastest nor at its slowest.
pub(super) fn read_rate(disk: &Disk) -> Result<u64, Error> {
    let begin = Instant::now();
    let start = disk.bytes() / 2;
    let end = start.saturating_add(SAMPLE).min(disk.bytes());
    let mut at = start;
    while at < end && (at == start || begin.elapsed() < MOST) {
        let length = usize::try_from(end - at).unwrap_or(STEP).min(STEP);
        disk.read_fresh(at, length)?;
        at += length as u64;
    }
    let micros = u64::try_from(begin.elapsed().as_micros()).unwrap_or(u64::MAX);
    Ok((at - start).saturating_mul(1_000_000) / micros.max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_how_long() {
        let of = |bytes, rate| Forecast { bytes, rate };
        assert_eq!(of(100 << 30, Some(100 << 20)).seconds(), Some(1024));
        let text = of(100 << 30, Some(100 << 20)).to_string();
        assert!(text.ends_with("about 18 min, at 100 MiB/s"), "{text}");
        assert_eq!(of(1 << 30, None).seconds(), None);
        assert!(of(1 << 30, None).to_string().contains("has a command"));
        assert_eq!(of(10, Some(0)).seconds(), Some(10));
    }

    #[test]
    fn measures_a_disk() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("disk");
        let image = std::fs::File::create(&path).unwrap();
        image.set_len(16 << 20).unwrap();
        let disk = Disk::open(&path).unwrap();
        assert!(read_rate(&disk).unwrap() > 0);
    }
}
