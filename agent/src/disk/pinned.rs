// SPDX-License-Identifier: MIT OR Apache-2.0
//! Content at known places of a disk, whatever file system is around it.

use ondisk::run::{Run, SECTOR, cut, join};
use ondisk::sha256::{Sha256, Sha256Sum};

use super::{Disk, Error};

/// Bytes that are read at once.
const PIECE: u64 = 1 << 20;

/// A file's content and its places on the disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pinned {
    /// Its places, in the order of the file; the last sector may be used in part.
    pub runs: Vec<Run>,
    /// Its length in bytes.
    pub bytes: u64,
    pub sha256: Sha256Sum,
}

impl Pinned {
    /// Whether the disk has this content at its places, read from the medium
    /// without the file system. It is asked after the content was written, and
    /// again before anything relies on it, for a defragmenter may have moved the
    /// file since.
    ///
    /// # Errors
    /// When the places cannot be read. An answer of `false` is no error.
    pub fn is_on(&self, disk: &Disk) -> Result<bool, Error> {
        Ok(sha256(disk, &self.runs, self.bytes)? == self.sha256)
    }
}

/// The checksum of the first `bytes` bytes of these places, read from the
/// medium.
///
/// # Errors
/// When they cannot be read, or are fewer.
pub fn sha256(disk: &Disk, runs: &[Run], bytes: u64) -> Result<Sha256Sum, Error> {
    let runs = cut(runs, 0, bytes.div_ceil(SECTOR)).map_err(|short| Error::Places {
        path: disk.path().into(),
        short,
    })?;
    let mut hash = Sha256::new();
    let mut left = bytes;
    for run in join(&runs) {
        let Some(place) = run.bytes() else {
            return Err(beyond(disk, run));
        };
        let mut at = place.start;
        while at < place.end && left > 0 {
            crate::stop::check()?;
            let length = (place.end - at).min(PIECE).min(left);
            // At most 1 MiB.
            hash.update(&disk.read_fresh(at, length as usize)?);
            at += length;
            left -= length;
        }
    }
    Ok(hash.finish())
}

fn beyond(disk: &Disk, run: Run) -> Error {
    Error::Read {
        path: disk.path().into(),
        offset: run.lba.saturating_mul(SECTOR),
        len: 0,
        source: std::io::ErrorKind::UnexpectedEof.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::FileExt;

    #[test]
    fn one_byte_at_its_place_is_noticed() {
        let dir = tempfile::tempdir().unwrap();
        let path = testkit::sparse(dir.path().join("disk"), 8 << 20);
        let disk = Disk::open_writable(&path).unwrap();
        let content: Vec<u8> = (0..2_500_001u32).map(|n| (n / 7 % 251) as u8).collect();
        // The second half lies before the first one.
        let (first, second) = content.split_at(2048 * 512);
        disk.file().write_all_at(first, 9000 * 512).unwrap();
        disk.file().write_all_at(second, 3 * 512).unwrap();
        let run = |lba, sectors| Run { lba, sectors };
        let pinned = Pinned {
            runs: vec![run(9000, 2000), run(9048 + 1952, 48), run(3, 3000)],
            bytes: content.len() as u64,
            sha256: Sha256Sum::of(&content),
        };
        assert!(pinned.is_on(&disk).unwrap());
        // What stands behind the end is not looked at.
        let end = 3 * 512 + second.len() as u64;
        disk.file().write_all_at(b"x", end).unwrap();
        assert!(pinned.is_on(&disk).unwrap());
        disk.file().write_all_at(b"x", end - 1).unwrap();
        assert!(!pinned.is_on(&disk).unwrap());
        for (runs, words) in [
            (vec![run(0, 2)], "have 2 sectors"),
            (vec![run(16_000, 4883)], "cannot read"),
            (vec![run(u64::MAX - 9000, 4883)], "cannot read"),
        ] {
            let error = Pinned {
                runs,
                ..pinned.clone()
            }
            .is_on(&disk)
            .unwrap_err();
            assert!(error.to_string().contains(words), "{error}");
        }
    }
}
