// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a file system made here does not use, after a kernel has written to it
//! and unmounted it: free blocks, the body of the clean journal, and what of
//! the inode tables was never in use.
//!
//! Source: the kernel's `Documentation/filesystems/ext4/` (superblock, group
//! descriptors, bitmaps). Every bitmap is believed only with its checksum, for
//! who asks means to overwrite these blocks.

use std::ops::Range;

use super::checksum::crc32c;
use super::descriptor::{BLOCK_UNINIT, INODE_UNINIT, INODE_ZEROED};
use super::geometry::INODE_BYTES;
use super::layout::Layout;
use super::superblock;

/// Why it is not known what the file system uses.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UnusedError {
    /// The superblock, or something that it says.
    #[error("the superblock {0}")]
    Superblock(&'static str),
    /// A group descriptor.
    #[error("the descriptor of block group {group} {what}")]
    Descriptor {
        /// The group.
        group: u32,
        /// What is wrong with it.
        what: &'static str,
    },
    /// A block bitmap.
    #[error("the block bitmap of block group {group} does not have its checksum")]
    Bitmap {
        /// The group.
        group: u32,
    },
}

/// What a group descriptor says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Group {
    number: u32,
    /// Byte offset of the block bitmap, which has the size of one block; none
    /// where no block was ever allocated in the group.
    pub bitmap: Option<u64>,
    checksum: u32,
    /// Inodes at the end of the table that were never in use.
    unused_inodes: u32,
    /// The whole inode table is known to be zero behind those in use.
    zeroed: bool,
    /// No inode was ever in use, and the inode bitmap is not looked at.
    no_inodes: bool,
}

impl Layout {
    /// Where the superblock is, in bytes.
    #[must_use]
    pub fn superblock_range(&self) -> Range<u64> {
        superblock::OFFSET..superblock::OFFSET + superblock::BYTES as u64
    }

    /// Where the table of group descriptors is, in bytes.
    #[must_use]
    pub fn descriptor_range(&self) -> Range<u64> {
        let start = (self.tables.geometry.first_data_block + 1) * u64::from(self.block_size());
        start..start + 64 * u64::from(self.tables.geometry.groups)
    }

    /// Reads superblock and descriptors, as they lie in the two ranges above.
    ///
    /// # Errors
    /// [`UnusedError`] when the file system is not the planned one, was not
    /// unmounted cleanly, or a checksum is wrong.
    pub fn groups(&self, superblock: &[u8], table: &[u8]) -> Result<Vec<Group>, UnusedError> {
        self.check_superblock(superblock)?;
        let mut groups = Vec::new();
        for (number, record) in (0..self.tables.geometry.groups).zip(table.chunks_exact(64)) {
            groups.push(self.group(number, record)?);
        }
        match groups.len() == self.descriptors.len() {
            true => Ok(groups),
            false => Err(UnusedError::Descriptor {
                group: u32::try_from(groups.len()).unwrap_or(u32::MAX),
                what: "is missing",
            }),
        }
    }

    fn check_superblock(&self, bytes: &[u8]) -> Result<(), UnusedError> {
        const STATE_CLEAN: u64 = 1;
        const NEEDS_RECOVERY: u64 = 4;
        let wrong = |what| Err(UnusedError::Superblock(what));
        let Some((record, checksum)) = bytes.split_at_checked(superblock::BYTES - 4) else {
            return wrong("is cut");
        };
        if u64::from(crc32c(!0, record)) != number(checksum, 0, 4) {
            return wrong("does not have its checksum");
        }
        if record.get(0x68..0x78) != Some(&self.options.uuid)
            || number(record, 0x04, 4) | number(record, 0x150, 4) << 32 != self.blocks()
        {
            return wrong("is of another file system");
        }
        if number(record, 0x3a, 2) & STATE_CLEAN == 0
            || number(record, 0x60, 4) & NEEDS_RECOVERY != 0
        {
            return wrong("says that it was not unmounted cleanly");
        }
        Ok(())
    }

    fn group(&self, group: u32, record: &[u8]) -> Result<Group, UnusedError> {
        let wrong = |what| Err(UnusedError::Descriptor { group, what });
        let both = |low, high, bytes: usize| {
            number(record, low, bytes) | number(record, high, bytes) << (8 * bytes)
        };
        let mut blank = record.to_vec();
        super::field::put_u16(&mut blank, 30, 0);
        let checksum = crc32c(crc32c(self.seed, &group.to_le_bytes()), &blank);
        if u64::from(checksum & 0xffff) != number(record, 30, 2) {
            return wrong("does not have its checksum");
        }
        let place = self.tables.group(group);
        let places = [both(0, 32, 4), both(4, 36, 4), both(8, 40, 4)];
        if places != [place.block_bitmap, place.inode_bitmap, place.inode_table] {
            return wrong("names other places than the file system was made with");
        }
        let flags = number(record, 18, 2);
        let has_bitmap = flags & BLOCK_UNINIT == 0;
        let unused = both(28, 50, 2).min(u64::from(self.tables.geometry.inodes_per_group));
        Ok(Group {
            number: group,
            bitmap: has_bitmap.then(|| place.block_bitmap * u64::from(self.block_size())),
            checksum: u32::try_from(both(24, 56, 2)).unwrap_or(0),
            unused_inodes: u32::try_from(unused).unwrap_or(0),
            zeroed: flags & INODE_ZEROED != 0,
            no_inodes: flags & INODE_UNINIT != 0,
        })
    }

    /// Byte ranges of a group that nothing uses, ascending. `bitmap` is the
    /// block at [`Group::bitmap`]; where that is `None` it is not looked at.
    ///
    /// # Errors
    /// [`UnusedError::Bitmap`].
    pub fn unused(&self, group: &Group, bitmap: &[u8]) -> Result<Vec<Range<u64>>, UnusedError> {
        let geometry = &self.tables.geometry;
        let planned;
        let bitmap = if group.bitmap.is_some() {
            let bytes = usize::try_from(geometry.blocks_per_group / 8).unwrap_or(usize::MAX);
            match bitmap.get(..bytes) {
                Some(bits) if crc32c(self.seed, bits) == group.checksum => bits,
                _ => {
                    return Err(UnusedError::Bitmap {
                        group: group.number,
                    });
                }
            }
        } else {
            // Only what the file system was made with.
            planned = self.tables.block_bitmap(group.number);
            &planned
        };
        let block = u64::from(self.block_size());
        let blocks = self.tables.range(group.number);
        let mut ranges: Vec<Range<u64>> = Vec::new();
        for number in blocks.clone() {
            if !is_set(bitmap, number - blocks.start) {
                push(&mut ranges, number * block..(number + 1) * block);
            }
        }
        if !group.zeroed {
            let used = geometry.inodes_per_group - group.unused_inodes;
            let used = (u64::from(used) * u64::from(INODE_BYTES)).div_ceil(block);
            let table = self.tables.group(group.number).inode_table;
            let rest = (table + used) * block..(table + geometry.table_blocks) * block;
            if !rest.is_empty() {
                ranges.push(rest);
            }
        }
        // Bitmaps that were never written hold what lay there before.
        let place = self.tables.group(group.number);
        let never_written = [
            (group.bitmap.is_none(), place.block_bitmap),
            (group.no_inodes, place.inode_bitmap),
        ];
        let never_written = never_written.iter().filter(|(is_so, _)| *is_so);
        ranges.extend(never_written.map(|(_, number)| number * block..(number + 1) * block));
        // So do the blocks behind the copies of the descriptor table, which are
        // kept for a larger one. Those of the first group have content.
        if group.number > 0 && geometry.has_super(group.number) {
            let first = blocks.start + 1 + geometry.descriptor_blocks;
            ranges.push(first * block..(first + geometry.reserved_gdt) * block);
        }
        ranges.sort_unstable_by_key(|range| range.start);
        Ok(ranges)
    }

    /// Byte ranges of the journal behind its superblock. In a file system that
    /// was unmounted cleanly nothing of it is needed.
    #[must_use]
    pub fn journal_body(&self) -> Vec<Range<u64>> {
        let block = u64::from(self.block_size());
        let body = |extent: &super::extent::Extent| {
            let first = extent.physical + u64::from(extent.logical == 0);
            first * block..(extent.physical + extent.length) * block
        };
        self.journal.extents.iter().map(body).collect()
    }
}

/// Adds a range, joined to the last one if it touches it.
fn push(ranges: &mut Vec<Range<u64>>, range: Range<u64>) {
    match ranges.last_mut() {
        Some(last) if last.end == range.start => last.end = range.end,
        _ => ranges.push(range),
    }
}

fn is_set(bitmap: &[u8], bit: u64) -> bool {
    let byte = usize::try_from(bit / 8).ok().and_then(|i| bitmap.get(i));
    byte.is_none_or(|byte| byte >> (bit % 8) & 1 == 1)
}

/// A little-endian number of up to 8 bytes; 0 beyond the end.
fn number(bytes: &[u8], offset: usize, length: usize) -> u64 {
    let field = bytes.get(offset..offset + length).unwrap_or_default();
    field
        .iter()
        .rev()
        .fold(0, |value, byte| value << 8 | u64::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ext4::Options;

    /// The image of a fresh file system, in memory.
    fn image(layout: &Layout, bytes: u64) -> Vec<u8> {
        let mut image = vec![0xee; usize::try_from(bytes).unwrap()];
        for write in layout.writes() {
            let start = usize::try_from(write.offset).unwrap();
            image[start..start + write.data.len()].copy_from_slice(&write.data);
        }
        image
    }

    fn at(image: &[u8], range: Range<u64>) -> &[u8] {
        &image[usize::try_from(range.start).unwrap()..usize::try_from(range.end).unwrap()]
    }

    fn groups(layout: &Layout, image: &[u8]) -> Result<Vec<Group>, UnusedError> {
        layout.groups(
            at(image, layout.superblock_range()),
            at(image, layout.descriptor_range()),
        )
    }

    #[test]
    fn a_fresh_file_system_uses_what_was_written_for_it() {
        for bytes in [64 << 20, 600 << 20] {
            let layout = Layout::plan(&Options::new(bytes, [1; 16], [2; 16], 3)).unwrap();
            let image = image(&layout, bytes);
            let mut free = 0;
            for group in groups(&layout, &image).unwrap() {
                let block = u64::from(layout.block_size());
                let bitmap = group.bitmap.map_or(&[][..], |b| at(&image, b..b + block));
                for range in layout.unused(&group, bitmap).unwrap() {
                    let content = at(&image, range.clone());
                    // The device's end is cleared of old signatures.
                    let blank = |b: &u8| *b == 0xee || *b == 0;
                    assert!(content.iter().all(blank), "{range:?}");
                    free += range.end - range.start;
                }
            }
            let tables = free - layout.free_bytes();
            assert!(tables > 0, "the rest of the inode tables is unused");
            for body in layout.journal_body() {
                assert!(at(&image, body).iter().all(|b| *b == 0xee));
            }
        }
    }

    #[test]
    fn nothing_is_unused_without_checksums() {
        let bytes = 64 << 20;
        let layout = Layout::plan(&Options::new(bytes, [1; 16], [2; 16], 3)).unwrap();
        let good = image(&layout, bytes);
        let damage = |offset: u64| {
            let mut image = good.clone();
            image[usize::try_from(offset).unwrap()] ^= 1;
            let block = u64::from(layout.block_size());
            groups(&layout, &image).and_then(|groups| {
                groups.iter().try_for_each(|group| {
                    let bitmap = group.bitmap.map_or(&[][..], |b| at(&image, b..b + block));
                    layout.unused(group, bitmap).map(|_| ())
                })
            })
        };
        let table = layout.descriptor_range().start;
        let bitmap = groups(&layout, &good).unwrap()[0].bitmap.unwrap();
        for offset in [1024, 1024 + 0x60, 1024 + 0x3fc] {
            assert!(matches!(damage(offset), Err(UnusedError::Superblock(_))));
        }
        for offset in [table, table + 18, table + 64 + 30] {
            assert!(matches!(
                damage(offset),
                Err(UnusedError::Descriptor { .. })
            ));
        }
        for offset in [bitmap, bitmap + 1023] {
            assert_eq!(damage(offset), Err(UnusedError::Bitmap { group: 0 }));
        }
        assert!(layout.groups(&[], &[]).is_err());
        let other = Layout::plan(&Options::new(bytes, [9; 16], [2; 16], 3)).unwrap();
        assert_eq!(
            groups(&other, &good),
            Err(UnusedError::Superblock("is of another file system"))
        );
    }
}
