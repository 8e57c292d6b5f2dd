// SPDX-License-Identifier: MIT OR Apache-2.0
//! The journal: its size, its place, its superblock.

use super::extent::{Extent, IN_INODE, MAX_LENGTH};
use super::field::put;
use super::geometry::{FLEX_GROUPS, Geometry};
use super::options::Error;
use super::tables::Tables;

/// Where the journal lies.
#[derive(Debug, Clone)]
pub(super) struct Journal {
    /// Its blocks.
    pub blocks: u64,
    /// Its extents; 2 TiB have a journal of 8 or more.
    pub extents: Vec<Extent>,
    /// The block that holds the extents when the inode cannot.
    pub leaf: Option<u64>,
}

/// Blocks of the journal by blocks of the file system.
fn blocks(geometry: &Geometry) -> u64 {
    match geometry.blocks {
        0..0x8000 => 1024,
        0x8000..0x4_0000 => 4096,
        0x4_0000..0x8_0000 => 8192,
        0x8_0000..0x40_0000 => 16384,
        0x40_0000..0x80_0000 => 32768,
        0x80_0000..0x100_0000 => 65536,
        0x100_0000..0x200_0000 => 131_072,
        _ => 262_144,
    }
}

/// The block from which on room is looked for: in the middle, in the emptiest
/// of two or three groups.
fn goal(tables: &Tables) -> u64 {
    let geometry = &tables.geometry;
    let last = geometry.groups - 1;
    let mut middle = geometry.group_of((geometry.blocks - geometry.first_data_block) / 2);
    let start = if middle > FLEX_GROUPS {
        middle -= middle % FLEX_GROUPS;
        while middle <= last && tables.free(middle) == 0 {
            middle += 1;
        }
        if middle > last {
            middle = 0;
        }
        middle
    } else {
        middle.saturating_sub(1)
    };
    let mut best = start;
    for group in start..=(middle + 1).min(last) {
        if tables.free(group) > tables.free(best) {
            best = group;
        }
    }
    geometry.first_block(best)
}

impl Journal {
    /// Allocates the journal.
    ///
    /// # Errors
    /// [`Error::NoRoom`].
    pub(super) fn place(tables: &mut Tables) -> Result<Self, Error> {
        let what = "journal";
        let blocks = blocks(&tables.geometry);
        let mut journal = Self {
            blocks,
            extents: Vec::new(),
            leaf: None,
        };
        let mut goal = tables
            .map
            .next_free(goal(tables))
            .ok_or_else(|| tables.no_room(what))?;
        let mut logical = 0;
        while logical < blocks {
            let physical = tables.map.near(goal).ok_or_else(|| tables.no_room(what))?;
            let most = (blocks - logical).min(MAX_LENGTH);
            let end = (physical + most).min(tables.geometry.blocks);
            let end = tables
                .map
                .next_used(physical)
                .map_or(end, |used| used.min(end));
            let length = end - physical;
            tables.allocate(physical, length);
            // The fifth extent moves all of them into a block of their own,
            // next to the first one. It is allocated at that time: behind the
            // blocks of the fifth, before those of the sixth.
            if journal.extents.len() == IN_INODE {
                let before = journal
                    .extents
                    .first()
                    .map_or(0, |first| first.physical - 1);
                journal.leaf = Some(tables.allocate_near(before, what)?);
            }
            journal.extents.push(Extent {
                logical,
                physical,
                length,
            });
            logical += length;
            goal = end;
        }
        Ok(journal)
    }

    /// The device's block of the journal's superblock.
    pub(super) fn first_block(&self) -> u64 {
        self.extents.first().map_or(0, |extent| extent.physical)
    }

    /// The journal's superblock (kernel: `struct journal_superblock_s`);
    /// big-endian, version 2, clean, no features: the first mount adds them.
    pub(super) fn superblock(&self, block_size: u32, uuid: &[u8; 16], sequence: u32) -> Vec<u8> {
        let mut block = vec![0; usize::try_from(block_size).unwrap_or(0)];
        let blocks = u32::try_from(self.blocks).unwrap_or(u32::MAX);
        let fields = [
            (0, 0xc03b_3998), // magic
            (4, 4),           // block type: superblock version 2
            (12, block_size),
            (16, blocks),
            (20, 1), // first block of the log
            (24, sequence),
            (64, 1), // one file system uses it
        ];
        for (offset, value) in fields {
            put(&mut block, offset, &u32::to_be_bytes(value));
        }
        put(&mut block, 48, uuid);
        block
    }
}
