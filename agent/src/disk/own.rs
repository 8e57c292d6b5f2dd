// SPDX-License-Identifier: MIT OR Apache-2.0
//! Writing what replant keeps on the disk for itself, in places that nobody
//! else may write.

use std::io;

use ondisk::run::{Run, join};

use super::{Disk, Error, direct};

/// Writes bytes past the cache at a byte offset within `own`, the places of one
/// of our files, which are protected against all other writes. Returns after they
/// were read back from the medium. Offset and length are whole blocks of the
/// disk.
///
/// # Errors
/// [`Error::Outside`] before anything is written; [`Error::ReadBack`].
pub fn write(
    disk: &Disk,
    what: &'static str,
    own: &[Run],
    offset: u64,
    bytes: &[u8],
) -> Result<(), Error> {
    let end = offset.saturating_add(bytes.len() as u64);
    let within = |run: &Run| {
        let place = run.bytes().unwrap_or_default();
        place.start <= offset && end <= place.end
    };
    let in_sector_0 = disk.has_sector_0() && offset < u64::from(disk.block_size());
    if in_sector_0 || end > disk.bytes() || !join(own).iter().any(within) {
        return Err(Error::Outside {
            path: disk.path().into(),
            what,
            offset,
        });
    }
    let failed = |source: io::Error| Error::Write {
        path: disk.path().into(),
        what,
        offset,
        source,
    };
    direct::write(disk.file(), offset, bytes).map_err(failed)?;
    disk.sync(what)?;
    let found = disk.read_fresh(offset, bytes.len())?;
    match found.iter().zip(bytes).position(|(a, b)| a != b) {
        None => Ok(()),
        Some(at) => Err(Error::ReadBack {
            path: disk.path().into(),
            what,
            offset: offset.saturating_add(at as u64),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ondisk::lifeboat::Protected;

    #[test]
    fn only_the_file_s_own_places_are_written_although_they_are_protected() {
        let dir = tempfile::tempdir().unwrap();
        let path = testkit::sparse(dir.path().join("disk"), 1 << 20);
        let run = |lba, sectors| Run { lba, sectors };
        let own = [run(16, 8), run(24, 8), run(0, 8)];
        let protected = Protected::new(own, 512, 1 << 20).unwrap();
        let disk = Disk::open_writable(&path).unwrap();
        let disk = disk.guarded(&protected).unwrap();
        disk.write_at("x", 8192, &[1; 512]).unwrap_err();
        write(&disk, "x", &own, 8192, &[1; 8192]).unwrap();
        let outside = |offset, bytes: &[u8]| {
            let error = write(&disk, "x", &own, offset, bytes).unwrap_err();
            assert!(matches!(error, Error::Outside { .. }), "{error}");
        };
        // Before it, over its end, sector 0 though it were ours, nowhere.
        outside(4096, &[2; 4096]);
        outside(12_288, &[2; 8192]);
        outside(0, &[2; 4096]);
        outside(u64::MAX - 4095, &[2; 4096]);
        let bytes = std::fs::read(&path).unwrap();
        assert!(bytes[8192..16_384].iter().all(|byte| *byte == 1));
        assert_eq!(bytes.iter().filter(|byte| **byte != 0).count(), 8192);
    }
}
