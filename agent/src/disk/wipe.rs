// SPDX-License-Identifier: MIT OR Apache-2.0
//! Clearing old signatures, so that nothing on the new disk is taken for what
//! was on the old one: partition tables, LVM labels, filesystems, swap, md.

use std::ops::Range;

use ondisk::gpt::Table;

use super::{
    Disk, Error, sector_0,
    table::{Present, check_disk},
};

/// Bytes cleared at the start and at the end of the disk and of each
/// partition. Labels and superblocks of every kind in use lie within them:
/// at the start XFS 0, ext4 1 KiB, LVM 512 to 2 KiB and its metadata area,
/// swap 4 KiB, md 4 KiB, iso9660 32 KiB, btrfs 64 KiB; at the end md 0.90 and
/// 1.0, a second LVM metadata area, ZFS.
const EDGE: u64 = 1 << 20;
/// Boot code and disk signature are not cleared here: the step that writes the
/// new sector 0 decides whether they stay.
const BOOT_CODE: u64 = 446;

/// The ranges of bytes to clear before `new` is written over `present`: both
/// ends of the disk (old tables), the places of a GPT's backup copy that the
/// old header names (in the middle of a disk that grew), and both ends of
/// every old and every new partition. Sorted, apart from each other, within
/// the disk.
///
/// # Errors
/// [`Error::WrongDisk`] if `new` was planned for another disk: then this is not
/// the one to wipe.
pub fn ranges(disk: &Disk, present: &Present, new: &Table) -> Result<Vec<Range<u64>>, Error> {
    check_disk(disk, new)?;
    let disk_bytes = disk.bytes();
    let mut ranges = vec![BOOT_CODE..EDGE, disk_bytes.saturating_sub(EDGE)..disk_bytes];
    if let Present::Gpt(gpt) = present {
        ranges.extend(gpt.places.iter().cloned());
    }
    let old = present.partitions().into_iter().map(|p| p.bytes);
    for bytes in old.chain(new.partitions.iter().map(|p| new.byte_range(p))) {
        ranges.extend(edges(
            bytes.start.min(disk_bytes)..bytes.end.min(disk_bytes),
        ));
    }
    Ok(merge(ranges, BOOT_CODE..disk_bytes))
}

/// The parts of a range where old signatures can be: its first and last MiB.
pub fn edges(bytes: Range<u64>) -> [Range<u64>; 2] {
    let Range { start, end } = bytes;
    [
        start..start.saturating_add(EDGE).min(end),
        end.saturating_sub(EDGE).max(start)..end,
    ]
}

/// Sorts, cuts to `within`, and joins what overlaps or touches.
fn merge(mut ranges: Vec<Range<u64>>, within: Range<u64>) -> Vec<Range<u64>> {
    ranges.sort_unstable_by_key(|r| r.start);
    let mut merged: Vec<Range<u64>> = Vec::new();
    for range in ranges {
        let range = range.start.max(within.start)..range.end.min(within.end);
        if range.is_empty() {
            continue;
        }
        match merged.last_mut() {
            Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
            _ => merged.push(range),
        }
    }
    merged
}

/// Zeroes byte ranges of a disk, and returns when they are zero on the medium and
/// in no cache. Ranges beyond the end of the disk are cut. Sector 0 comes last,
/// so that after an interruption the old partitions, and with them the same
/// ranges, can still be found. May be repeated.
pub fn clear(disk: &Disk, ranges: &[Range<u64>]) -> Result<(), Error> {
    const WHAT: &str = "zeros over an old signature";
    let zeros = vec![0; EDGE as usize];
    // Cached data of an old partition must not be written after this.
    disk.flush()?;
    for range in ranges {
        let (_, rest) = sector_0::split(disk, range);
        let end = rest.end.min(disk.bytes());
        let mut at = rest.start;
        while at < end {
            let len = (end - at).min(EDGE) as usize;
            disk.write_at(WHAT, at, zeros.get(..len).unwrap_or(&zeros))?;
            at += len as u64;
        }
    }
    disk.sync(WHAT)?;
    for range in ranges {
        let (first, _) = sector_0::split(disk, range);
        if !first.is_empty() {
            let length = (first.end - first.start).min(EDGE) as usize;
            let zeros = zeros.get(..length).unwrap_or(&zeros);
            sector_0::write(disk, WHAT, first.start, zeros)?;
        }
    }
    disk.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn merged_ranges_are_sorted_and_apart() {
        let ranges = vec![90..200, 10..20, 15..30, 30..40, 50..50, 45..47, 300..400];
        assert_eq!(merge(ranges, 12..100), [12..40, 45..47, 90..100]);
    }

    /// What is protected stands for a place that cannot be written.
    #[test]
    fn a_table_is_there_until_all_else_is_cleared() {
        use ondisk::lifeboat::{Protected, Run};
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("disk");
        std::fs::write(&path, vec![7; 4 << 20]).unwrap();
        let run = Run {
            lba: 6144,
            sectors: 8,
        };
        let protected = Protected::new([run], 512, 4 << 20).unwrap();
        let disk = Disk::open_writable(&path).unwrap();
        let disk = disk.guarded(&protected).unwrap();
        let ranges = [446..EDGE, 2 * EDGE..4 * EDGE];
        clear(&disk, &ranges).unwrap_err();
        let bytes = std::fs::read(&path).unwrap();
        assert!(bytes[..512].iter().all(|byte| *byte == 7));
        assert!(bytes[512..1 << 20].iter().all(|byte| *byte == 0));
        clear(&disk, &[446..EDGE, 2 * EDGE..3 * EDGE]).unwrap();
        let bytes = std::fs::read(&path).unwrap();
        assert!(bytes[..446].iter().all(|byte| *byte == 7));
        assert!(bytes[446..1 << 20].iter().all(|byte| *byte == 0));
    }

    #[test]
    fn edges_stay_within() {
        const MIB: u64 = 1 << 20;
        assert_eq!(edges(MIB..11 * MIB), [MIB..2 * MIB, 10 * MIB..11 * MIB]);
        // Of what is shorter than both, all.
        assert_eq!(edges(7..9), [7..9, 7..9]);
        assert_eq!(edges(5..5), [5..5, 5..5]);
    }
}
