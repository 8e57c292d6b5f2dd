// SPDX-License-Identifier: MIT OR Apache-2.0
//! A whole file system, computed before any of it is written.

use super::checksum::{crc32c, inode_seed, uuid_seed};
use super::descriptor::Descriptor;
use super::directory;
use super::extent;
use super::geometry::{Geometry, USED_INODES};
use super::inode::{self, Inode};
use super::journal::Journal;
use super::lifetime::{self, Places};
use super::options::{Error, Options};
use super::resize;
use super::tables::{Bitmap, Tables};

/// A planned file system.
///
/// Takes some 100 bytes per block group (128 MiB) of memory: 2 MB for 2 TiB.
#[derive(Debug, Clone)]
pub struct Layout {
    pub(super) options: Options,
    pub(super) tables: Tables,
    pub(super) root: u64,
    pub(super) lost_found: Vec<u64>,
    pub(super) double_indirect: u64,
    pub(super) journal: Journal,
    /// Blocks that hold metadata and journal for good.
    pub(super) overhead: u64,
    pub(super) free_blocks: u64,
    pub(super) kbytes_written: u64,
    /// Group descriptors, 64 bytes each.
    pub(super) descriptors: Vec<[u8; 64]>,
    pub(super) seed: u32,
}

impl Layout {
    /// Plans a file system.
    ///
    /// # Errors
    /// See [`Error`]; nothing was written yet.
    pub fn plan(options: &Options) -> Result<Self, Error> {
        let geometry = Geometry::new(options)?;
        let mut tables = Tables::place(geometry)?;
        let whole = geometry.first_data_block..geometry.blocks;
        let in_tables = tables.map.count(whole.clone());

        let root = tables.allocate_near(geometry.first_block(0), "root directory")?;
        // lost+found has 16 KiB, so that e2fsck need not allocate, but no
        // indirect blocks: 12 blocks at most.
        let count = (16384 / geometry.block_size).min(12);
        let mut lost_found = Vec::new();
        let mut goal = geometry.first_block(0);
        for _ in 0..count {
            goal = tables.allocate_near(goal, "lost+found")?;
            lost_found.push(goal);
        }
        let double_indirect = tables.allocate_near(resize::goal(&geometry), "resize inode")?;
        let journal = Journal::place(&mut tables)?;

        let kbytes_written = lifetime::kbytes_written(&Places {
            tables: &tables,
            root,
            lost_found: &lost_found,
            double_indirect,
            journal: &journal,
        });
        let mut layout = Self {
            options: *options,
            root,
            lost_found,
            double_indirect,
            overhead: in_tables + journal.blocks + geometry.first_data_block,
            free_blocks: whole.end - whole.start - tables.map.count(whole),
            kbytes_written,
            journal,
            descriptors: Vec::new(),
            seed: uuid_seed(&options.uuid),
            tables,
        };
        layout.descriptors = (0..geometry.groups)
            .map(|group| layout.descriptor(group))
            .collect();
        Ok(layout)
    }

    /// Size of a block in bytes.
    #[must_use]
    pub fn block_size(&self) -> u32 {
        self.tables.geometry.block_size
    }

    /// Number of blocks of [`Layout::block_size`].
    #[must_use]
    pub fn blocks(&self) -> u64 {
        self.tables.geometry.blocks
    }

    /// Bytes that files can take, those reserved for root included.
    #[must_use]
    pub fn free_bytes(&self) -> u64 {
        self.free_blocks * u64::from(self.block_size())
    }

    /// Number of files that can be made.
    #[must_use]
    pub fn free_inodes(&self) -> u64 {
        self.tables.geometry.inodes() - u64::from(USED_INODES)
    }

    pub(super) fn block_bytes(&self) -> usize {
        usize::try_from(self.block_size()).unwrap_or(0)
    }

    fn descriptor(&self, group: u32) -> [u8; 64] {
        let tables = &self.tables;
        let place = tables.group(group);
        let used = if group == 0 { USED_INODES } else { 0 };
        let checksum = |bitmap: Vec<u8>, bytes: u32| {
            let bytes = usize::try_from(bytes).unwrap_or(0);
            crc32c(self.seed, bitmap.get(..bytes).unwrap_or_default())
        };
        Descriptor {
            block_bitmap: place.block_bitmap,
            inode_bitmap: place.inode_bitmap,
            inode_table: place.inode_table,
            free_blocks: tables.free(group),
            free_inodes: u64::from(tables.geometry.inodes_per_group - used),
            directories: if group == 0 { 2 } else { 0 },
            block_bitmap_checksum: tables
                .has_block_bitmap(group)
                .then(|| checksum(tables.block_bitmap(group), tables.geometry.block_size)),
            inode_bitmap_checksum: (group == 0)
                .then(|| checksum(self.inode_bitmap(), tables.geometry.inodes_per_group / 8)),
            table_zeroed: self.options.zeroed,
        }
        .encode(group, self.seed)
    }

    /// The inode bitmap of group 0; bits behind its end are set.
    pub(super) fn inode_bitmap(&self) -> Vec<u8> {
        let geometry = &self.tables.geometry;
        let mut bitmap = Bitmap::new(geometry.block_size);
        bitmap.set(0..u64::from(USED_INODES));
        bitmap.set(u64::from(geometry.inodes_per_group)..u64::from(geometry.block_size) * 8);
        bitmap.0
    }

    /// Block `index` of the inode table of group 0.
    pub(super) fn inode_table(&self, index: u32) -> Vec<u8> {
        let geometry = &self.tables.geometry;
        let mut block = Vec::with_capacity(self.block_bytes());
        for number in
            (1..=USED_INODES).filter(|&number| geometry.table_index(number) == u64::from(index))
        {
            block.extend(self.inode(number));
        }
        block.resize(self.block_bytes(), 0);
        block
    }

    fn inode(&self, number: u32) -> Vec<u8> {
        let block_size = u64::from(self.block_size());
        let sectors = |blocks: u64| blocks * block_size / 512;
        let directory = |mode: u64, links, blocks: &[u64]| Inode {
            mode: 0o040_000 | mode,
            links,
            size: blocks.len() as u64 * block_size,
            sectors: sectors(blocks.len() as u64),
            flags: inode::EXTENTS,
            map: extent::root(&extent::from_blocks(blocks), None),
        };
        let inode = match number {
            inode::ROOT => directory(0o755, 3, &[self.root]),
            inode::LOST_FOUND => directory(0o700, 2, &self.lost_found),
            inode::RESIZE => {
                let geometry = &self.tables.geometry;
                let mut map = [0; 60];
                super::field::put_u32(&mut map, 13 * 4, self.double_indirect);
                Inode {
                    mode: 0o100_600,
                    links: 1,
                    size: resize::size(geometry),
                    sectors: sectors(resize::blocks(geometry)),
                    flags: 0,
                    map,
                }
            }
            inode::JOURNAL => Inode {
                mode: 0o100_600,
                links: 1,
                size: self.journal.blocks * block_size,
                sectors: sectors(self.journal.blocks + u64::from(self.journal.leaf.is_some())),
                flags: inode::EXTENTS,
                map: extent::root(&self.journal.extents, self.journal.leaf),
            },
            _ => return inode::unused(number, self.options.time, self.seed),
        };
        inode::encode(number, &inode, self.options.time, self.seed)
    }

    /// The root directory's block.
    pub(super) fn root_block(&self) -> Vec<u8> {
        let seed = inode_seed(self.seed, inode::ROOT);
        let entries: [(u32, &[u8]); 3] = [
            (inode::ROOT, b"."),
            (inode::ROOT, b".."),
            (inode::LOST_FOUND, b"lost+found"),
        ];
        directory::block(&entries, self.block_bytes(), seed)
    }

    /// Block `index` of lost+found.
    pub(super) fn lost_found_block(&self, index: u32) -> Vec<u8> {
        let seed = inode_seed(self.seed, inode::LOST_FOUND);
        let entries: [(u32, &[u8]); 2] = [(inode::LOST_FOUND, b"."), (inode::ROOT, b"..")];
        let entries = if index == 0 { entries.as_slice() } else { &[] };
        directory::block(entries, self.block_bytes(), seed)
    }

    /// The block of the journal's extents, if it has one.
    pub(super) fn journal_leaf(&self) -> Vec<u8> {
        let seed = inode_seed(self.seed, inode::JOURNAL);
        extent::leaf(&self.journal.extents, self.block_bytes(), seed)
    }

    /// Block `index` of the group descriptor table.
    pub(super) fn descriptor_block(&self, index: u32) -> Vec<u8> {
        let per_block = self.block_bytes() / 64;
        let first = usize::try_from(index)
            .unwrap_or(usize::MAX)
            .saturating_mul(per_block);
        let mut block: Vec<u8> = self
            .descriptors
            .iter()
            .skip(first)
            .take(per_block)
            .flatten()
            .copied()
            .collect();
        block.resize(self.block_bytes(), 0);
        block
    }
}
