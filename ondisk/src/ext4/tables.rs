// SPDX-License-Identifier: MIT OR Apache-2.0
//! Where the bitmaps and inode tables of the groups lie.
//!
//! With flex_bg the block bitmaps of 16 groups lie together, then their inode
//! bitmaps, then their inode tables, all from the first free block of the
//! first of these groups on.

use std::ops::Range;

use super::blockmap::BlockMap;
use super::geometry::{FLEX_GROUPS, Geometry};
use super::options::Error;

/// The places of one group's metadata.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Group {
    pub block_bitmap: u64,
    pub inode_bitmap: u64,
    /// First block of the inode table.
    pub inode_table: u64,
    /// Whether anything but the copies of superblock and descriptors was
    /// allocated in the group; if not, its bitmap is not written.
    pub touched: bool,
}

/// The block groups with all that is allocated in them.
#[derive(Debug, Clone)]
pub(super) struct Tables {
    pub geometry: Geometry,
    pub groups: Vec<Group>,
    pub map: BlockMap,
}

impl Tables {
    /// Places everything that has a fixed place or belongs to a group.
    ///
    /// # Errors
    /// [`Error::NoRoom`] on the smallest devices.
    pub(super) fn place(geometry: Geometry) -> Result<Self, Error> {
        let count = usize::try_from(geometry.groups).unwrap_or(usize::MAX);
        let mut tables = Self {
            geometry,
            groups: vec![Group::default(); count],
            map: BlockMap::new(geometry.first_data_block..geometry.blocks),
        };
        let copy = 1 + geometry.descriptor_blocks + geometry.reserved_gdt;
        for group in (0..geometry.groups).filter(|&group| geometry.has_super(group)) {
            tables.map.mark(geometry.first_block(group), copy);
        }
        let mut before = Group::default();
        for group in 0..geometry.groups {
            before = tables.place_group(group, before)?;
            if let Some(slot) = usize::try_from(group)
                .ok()
                .and_then(|i| tables.groups.get_mut(i))
            {
                *slot = Group {
                    touched: slot.touched,
                    ..before
                };
            }
        }
        Ok(tables)
    }

    /// Places one group's metadata; `before` is that of the group before it.
    fn place_group(&mut self, group: u32, before: Group) -> Result<Group, Error> {
        let geometry = self.geometry;
        let table = geometry.table_blocks;
        let last = (group | (FLEX_GROUPS - 1)).min(geometry.groups - 1);
        let first_of_flex = group.is_multiple_of(FLEX_GROUPS);
        // The last flex group keeps only as much room as it has groups; one
        // that is a single group keeps it all.
        let spread = match last % FLEX_GROUPS {
            rest if rest != 0 && last == geometry.groups - 1 => u64::from(rest) + 1,
            _ => u64::from(FLEX_GROUPS),
        };

        let hint = if first_of_flex {
            0
        } else {
            before.block_bitmap + 1
        };
        let block_bitmap = self.take(group, last, hint, 1, "block bitmaps")?;
        let hint = if first_of_flex {
            block_bitmap + spread
        } else {
            before.inode_bitmap + 1
        };
        let inode_bitmap = self.take(group, last, hint, 1, "inode bitmaps")?;
        let hint = if first_of_flex {
            inode_bitmap + spread
        } else {
            before.inode_table + table
        };
        let start = self.offset(group, last, hint, table);
        let inode_table = self
            .map
            .search(start, geometry.end_block(last) - 1, table)
            .ok_or_else(|| self.no_room("inode tables"))?;
        self.allocate(inode_table, table);
        Ok(Group {
            block_bitmap,
            inode_bitmap,
            inode_table,
            touched: false,
        })
    }

    /// Allocates one bitmap block.
    fn take(
        &mut self,
        group: u32,
        last: u32,
        hint: u64,
        size: u64,
        what: &'static str,
    ) -> Result<u64, Error> {
        let end = self.geometry.end_block(last) - 1;
        let start = self.offset(group, last, hint, size);
        let block = self
            .map
            .search(start, end, 1)
            .or_else(|| self.map.search(self.geometry.first_block(group), end, 1))
            .ok_or_else(|| self.no_room(what))?;
        self.allocate(block, 1);
        Ok(block)
    }

    /// Where the search for `size` blocks of `group` begins: behind the same
    /// thing of the group before (`hint`, 0 for none) if room is near, else
    /// where all that the rest of the flex group needs fits in one piece.
    fn offset(&self, group: u32, last: u32, hint: u64, size: u64) -> u64 {
        let geometry = &self.geometry;
        let rest = u64::from(last - group + 1);
        let whole = (rest * size).min(geometry.blocks_per_group / 4);
        if hint != 0
            && hint < geometry.blocks
            && let Some(block) = self.map.search(hint, hint + whole, size)
        {
            return block;
        }
        let first = geometry.first_block(group - group % FLEX_GROUPS);
        let end = geometry.end_block(last) - 1;
        self.map
            .search(first, end, whole)
            .or_else(|| self.map.search(first, end, size))
            .or_else(|| self.map.search(0, end, size))
            .unwrap_or(0)
    }

    /// Takes blocks, and marks the groups they lie in.
    pub(super) fn allocate(&mut self, start: u64, length: u64) {
        if length == 0 {
            return;
        }
        self.map.mark(start, length);
        let groups = self.geometry.group_of(start)..=self.geometry.group_of(start + length - 1);
        for group in groups {
            if let Some(group) = usize::try_from(group)
                .ok()
                .and_then(|i| self.groups.get_mut(i))
            {
                group.touched = true;
            }
        }
    }

    /// Takes the first free block from `goal` on.
    pub(super) fn allocate_near(&mut self, goal: u64, what: &'static str) -> Result<u64, Error> {
        let block = self.map.near(goal).ok_or_else(|| self.no_room(what))?;
        self.allocate(block, 1);
        Ok(block)
    }

    /// The error for something that found no place.
    pub(super) fn no_room(&self, what: &'static str) -> Error {
        Error::NoRoom {
            size: self.geometry.size_bytes,
            what,
        }
    }

    /// The blocks of a group.
    pub(super) fn range(&self, group: u32) -> Range<u64> {
        self.geometry.first_block(group)..self.geometry.end_block(group)
    }

    /// Free blocks of a group.
    pub(super) fn free(&self, group: u32) -> u64 {
        let range = self.range(group);
        range.end - range.start - self.map.count(range)
    }

    /// Whether the group's block bitmap is written. The last group's always
    /// is, for it says where the file system ends.
    pub(super) fn has_block_bitmap(&self, group: u32) -> bool {
        group + 1 == self.geometry.groups || self.group(group).touched
    }

    /// A group's places.
    pub(super) fn group(&self, group: u32) -> Group {
        usize::try_from(group)
            .ok()
            .and_then(|i| self.groups.get(i))
            .copied()
            .unwrap_or_default()
    }

    /// A group's block bitmap; bits behind its end are set.
    pub(super) fn block_bitmap(&self, group: u32) -> Vec<u8> {
        let range = self.range(group);
        let bits = u64::from(self.geometry.block_size) * 8;
        let mut bitmap = Bitmap::new(self.geometry.block_size);
        for piece in self.map.pieces(range.clone()) {
            bitmap.set(piece.start - range.start..piece.end - range.start);
        }
        bitmap.set(range.end - range.start..bits);
        bitmap.0
    }
}

/// One block of bits.
pub(super) struct Bitmap(pub Vec<u8>);

impl Bitmap {
    /// All clear.
    pub(super) fn new(block_size: u32) -> Self {
        Self(vec![0; usize::try_from(block_size).unwrap_or(0)])
    }

    /// Sets a range of bits.
    pub(super) fn set(&mut self, bits: Range<u64>) {
        for (byte, start) in self.0.iter_mut().zip((0u64..).step_by(8)) {
            let low = bits.start.clamp(start, start + 8) - start;
            let high = bits.end.clamp(start, start + 8) - start;
            if low < high {
                let mask = (0xff_u16 >> (8 - (high - low))) << low;
                *byte |= mask.to_le_bytes()[0];
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits() {
        let mut bitmap = Bitmap::new(1024);
        bitmap.set(3..5);
        bitmap.set(14..26);
        assert_eq!(
            bitmap.0.get(..5),
            Some(&[0b1_1000, 0b1100_0000, 0xff, 0b11, 0][..])
        );
    }
}
