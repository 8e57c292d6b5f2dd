// SPDX-License-Identifier: MIT OR Apache-2.0
//! The superblock's `s_kbytes_written`, as it stands after mke2fs.
//!
//! mke2fs counts what leaves its block cache: 8 blocks, the longest unused
//! goes first. What is still in there when it writes the superblock is not
//! counted. To get the same number the cache is played through, with the
//! inode cache before it, for that decides which blocks are read; one step
//! here is one call there.

use super::geometry::Geometry;
use super::inode::{BAD_BLOCKS, JOURNAL, LOST_FOUND, RESIZE, ROOT};
use super::journal::Journal;
use super::resize;
use super::tables::Tables;

/// Blocks in the cache.
const CACHE_BLOCKS: usize = 8;
/// Inodes in the cache before it.
const CACHE_INODES: usize = 4;
/// Bytes that do not go through the cache: two runs of sectors at the front.
const DIRECT: u64 = 4096;

/// What has a place beyond the tables.
pub(super) struct Places<'a> {
    pub tables: &'a Tables,
    pub root: u64,
    pub lost_found: &'a [u64],
    pub double_indirect: u64,
    pub journal: &'a Journal,
}

struct Cache<'a> {
    geometry: &'a Geometry,
    /// First block of the inode table.
    table: u64,
    /// Block and whether it is to be written, the longest unused first.
    blocks: Vec<(u64, bool)>,
    /// Blocks written so far.
    written: u64,
    /// Inode numbers, a ring.
    inodes: [u32; CACHE_INODES],
    next_inode: usize,
    /// The inode table block in the inode cache's own buffer.
    buffer: u64,
}

impl Cache<'_> {
    fn touch(&mut self, block: u64, write: bool) {
        let mut dirty = write;
        if let Some(index) = self.blocks.iter().position(|entry| entry.0 == block) {
            dirty |= self.blocks.remove(index).1;
        } else if self.blocks.len() == CACHE_BLOCKS {
            self.written += u64::from(self.blocks.remove(0).1);
        }
        self.blocks.push((block, dirty));
    }

    fn read(&mut self, block: u64) {
        self.touch(block, false);
    }

    fn write(&mut self, block: u64) {
        self.touch(block, true);
    }

    fn load(&mut self, number: u32) -> u64 {
        let block = self.table + self.geometry.table_index(number);
        if self.buffer != block {
            self.read(block);
            self.buffer = block;
        }
        block
    }

    fn read_inode(&mut self, number: u32) {
        if !self.inodes.contains(&number) {
            self.load(number);
            if let Some(slot) = self.inodes.get_mut(self.next_inode) {
                *slot = number;
            }
            self.next_inode = (self.next_inode + 1) % CACHE_INODES;
        }
    }

    /// All of an inode is written.
    fn write_new_inode(&mut self, number: u32) {
        let block = self.load(number);
        self.write(block);
    }

    /// The first 128 bytes are written, the others are read before.
    fn write_inode(&mut self, number: u32) {
        self.read_inode(number);
        self.write_new_inode(number);
    }

    /// The checksum of a directory block or extent leaf needs the inode.
    fn write_owned(&mut self, block: u64, owner: u32) {
        self.read_inode(owner);
        self.write(block);
    }

    fn search_root(&mut self, root: u64) {
        self.read_inode(ROOT);
        self.read(root);
        self.read_inode(ROOT);
    }

    fn directories(&mut self, places: &Places) {
        self.write_new_inode(ROOT);
        self.write_owned(places.root, ROOT);
        self.write_inode(ROOT);

        let mut blocks = places.lost_found.iter();
        if let Some(&first) = blocks.next() {
            self.read_inode(ROOT);
            self.write_new_inode(LOST_FOUND);
            self.write_owned(first, LOST_FOUND);
            self.write_inode(LOST_FOUND);
        }
        self.search_root(places.root);
        self.search_root(places.root);
        self.write_owned(places.root, ROOT);
        self.write_inode(ROOT);
        self.search_root(places.root);
        for &block in blocks {
            self.read_inode(LOST_FOUND);
            self.write_owned(block, LOST_FOUND);
            self.write_inode(LOST_FOUND);
        }
    }

    fn journal(&mut self, journal: &Journal) {
        self.read_inode(JOURNAL);
        for index in 0..journal.extents.len() {
            match journal.leaf {
                Some(leaf) if index >= super::extent::IN_INODE => {
                    if index == super::extent::IN_INODE {
                        self.write(leaf);
                        self.write_owned(leaf, JOURNAL);
                        self.write_inode(JOURNAL);
                        self.read(leaf);
                        self.write_inode(JOURNAL);
                    } else {
                        self.read(leaf);
                    }
                    self.write_owned(leaf, JOURNAL);
                    self.read(leaf);
                }
                _ => self.write_inode(JOURNAL),
            }
        }
        self.write_new_inode(JOURNAL);
        if let Some(leaf) = journal.leaf {
            self.read(leaf);
        }
        self.write(journal.first_block());
    }
}

/// The value of `s_kbytes_written`, in KiB.
pub(super) fn kbytes_written(places: &Places) -> u64 {
    let tables = places.tables;
    let geometry = &tables.geometry;
    let mut cache = Cache {
        geometry,
        table: tables.group(0).inode_table,
        blocks: Vec::with_capacity(CACHE_BLOCKS),
        written: 0,
        inodes: [0; CACHE_INODES],
        next_inode: 0,
        buffer: 0,
    };
    for number in 1..LOST_FOUND {
        cache.write_new_inode(number);
    }
    cache.directories(places);
    cache.write_inode(BAD_BLOCKS);
    cache.read_inode(RESIZE);
    let first = resize::first_reserved(geometry);
    for block in first..first + geometry.reserved_gdt {
        cache.write(block);
    }
    cache.write(places.double_indirect);
    cache.write_new_inode(RESIZE);
    cache.journal(places.journal);
    for group in 0..geometry.groups {
        if tables.has_block_bitmap(group) {
            cache.write(tables.group(group).block_bitmap);
        }
        if group == 0 {
            cache.write(tables.group(0).inode_bitmap);
        }
    }
    let bytes = DIRECT + cache.written * u64::from(geometry.block_size);
    // The last term is mke2fs's guess at what is written after it counted; it
    // divides where it ought to multiply.
    let kib_per_block = u64::from(geometry.block_size / 1024);
    1 + bytes / 1024 + (geometry.descriptor_blocks + 1) / kib_per_block
}
