// SPDX-License-Identifier: MIT OR Apache-2.0
//! Writing sector 0 of a disk, which decides what the machine starts.
//!
//! It is written by one function only. A disk whose physical blocks are larger
//! than its sectors reads such a block, changes it and writes it again; if the
//! power goes meanwhile, all of the block can be lost. So the whole block is
//! written, at once and aligned, with what follows sector 0 unchanged.

use std::{io, ops::Range};

use super::{Disk, Error, direct};

/// The minimum that is written at once. No disk in use has larger blocks without
/// saying so.
const LEAST: u32 = 4096;
/// The maximum: a disk that claims larger blocks is not believed.
const MOST: u32 = 1 << 20;

/// The disk's unit of writing in bytes, from the block size that it claims.
fn unit(physical_block: u32) -> usize {
    let sane = physical_block.is_power_of_two() && physical_block <= MOST;
    let unit = if sane { physical_block } else { LEAST };
    unit.max(LEAST) as usize
}

/// Changes bytes of sector 0, and returns after they were read back from the
/// medium. `offset` is the place in the sector; `what` names the bytes in the
/// error. Everything written before is flushed first.
///
/// # Errors
/// [`Error::ReadBack`] if other bytes are read back.
pub fn write(disk: &Disk, what: &'static str, offset: u64, bytes: &[u8]) -> Result<(), Error> {
    let failed = |source| Error::Write {
        path: disk.path().to_owned(),
        what,
        offset,
        source,
    };
    let end = offset.saturating_add(bytes.len() as u64);
    if end > u64::from(disk.block_size()) {
        return Err(failed(io::ErrorKind::InvalidInput.into()));
    }
    disk.check(what, offset..end)?;
    // Cached changes of this block must be written before it is read.
    disk.sync(what)?;
    let old = disk.read_fresh(0, unit(disk.physical_block()))?;
    let mut new = old.clone();
    let place = offset as usize..end as usize;
    if let Some(changed) = new.get_mut(place) {
        changed.copy_from_slice(bytes);
    }
    direct::write(disk.file(), 0, &new).map_err(failed)?;
    disk.sync(what)?;
    let found = disk.read_fresh(0, new.len())?;
    match found.iter().zip(&new).position(|(a, b)| a != b) {
        None => Ok(()),
        Some(at) => Err(Error::ReadBack {
            path: disk.path().to_owned(),
            what,
            offset: at as u64,
        }),
    }
}

/// The part of a range of bytes that lies in sector 0, and the rest.
pub(super) fn split(disk: &Disk, bytes: &Range<u64>) -> (Range<u64>, Range<u64>) {
    let end = match disk.has_sector_0() {
        true => u64::from(disk.block_size()),
        false => 0,
    };
    let cut = end.clamp(bytes.start, bytes.end.max(bytes.start));
    (bytes.start..cut, cut..bytes.end)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::FileExt;

    fn disk(dir: &std::path::Path) -> Disk {
        let path = testkit::sparse(dir.join("disk"), 1 << 20);
        let disk = Disk::open_writable(path).unwrap();
        disk.file().write_all_at(&[7; 1 << 16], 0).unwrap();
        disk
    }

    #[test]
    fn what_is_beside_it_stays() {
        let dir = tempfile::tempdir().unwrap();
        let disk = disk(dir.path());
        write(&disk, "the mark", 0, &[1; 440]).unwrap();
        write(&disk, "a table", 446, &[2; 66]).unwrap();
        let expected = [&[1; 440][..], &[7; 6], &[2; 66], &[7; 7680]].concat();
        assert_eq!(disk.read_fresh(0, 8192).unwrap(), expected);
        // Only in sector 0, which is larger elsewhere.
        for (offset, length) in [(0, 513), (512, 1), (u64::MAX, 2)] {
            let error = write(&disk, "a table", offset, &vec![3; length]).unwrap_err();
            assert!(error.to_string().contains("a table"), "{error}");
        }
        assert_eq!(disk.read_fresh(0, 8192).unwrap(), expected);
        let disk = disk.with_block_size(4096);
        write(&disk, "a table", 446, &[4; 3650]).unwrap();
        assert_eq!(disk.read_fresh(445, 3652).unwrap()[1..3651], [4; 3650]);
        assert_eq!(disk.read_fresh(4096, 1).unwrap(), [7]);
    }

    #[test]
    fn nothing_else_writes_it() {
        let dir = tempfile::tempdir().unwrap();
        let disk = disk(dir.path());
        for (offset, length) in [(0, 1), (0, 4096), (511, 1)] {
            let error = disk.write_at("GRUB", offset, &vec![0; length]).unwrap_err();
            let text = error.to_string();
            assert!(
                text.contains("GRUB") && text.contains(&format!("byte {offset}")),
                "{text}"
            );
        }
        disk.write_at("GPT", 512, &[8; 512]).unwrap();
        disk.write_at("nothing", 0, &[]).unwrap();
        assert_eq!(disk.read_fresh(0, 512).unwrap(), [7; 512]);
        let disk = disk.with_block_size(4096);
        disk.write_at("GPT", 4095, &[9]).unwrap_err();
        disk.write_at("GPT", 4096, &[9]).unwrap();
        // The first sector of a volume is nothing special.
        let volume = disk.as_volume();
        volume.write_at("a label", 0, &[6; 512]).unwrap();
        assert_eq!(volume.read_fresh(0, 512).unwrap(), [6; 512]);
    }

    #[test]
    fn blocks_are_those_of_the_disk_and_4_kib_at_least() {
        let units = [0, 512, 4096, 16384, 1 << 20, 3000, 1 << 21, u32::MAX].map(unit);
        assert_eq!(units, [4096, 4096, 4096, 16384, 1 << 20, 4096, 4096, 4096]);
    }

    #[test]
    fn ranges_are_cut_at_its_end() {
        let dir = tempfile::tempdir().unwrap();
        let disk = disk(dir.path());
        assert_eq!(split(&disk, &(446..9000)), (446..512, 512..9000));
        assert_eq!(split(&disk, &(0..100)), (0..100, 100..100));
        assert_eq!(split(&disk, &(600..700)), (600..600, 600..700));
        assert_eq!(split(&disk, &(5..5)), (5..5, 5..5));
        assert_eq!(split(&disk.as_volume(), &(0..9)), (0..0, 0..9));
    }
}
