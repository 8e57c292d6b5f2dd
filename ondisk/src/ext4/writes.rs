// SPDX-License-Identifier: MIT OR Apache-2.0
//! The blocks that must be written, as few long runs.

use super::layout::Layout;
use super::resize;
use super::superblock;

/// Runs are cut at this length in bytes, so that memory stays small.
const RUN: usize = 1 << 20;
/// mke2fs clears 64 KiB to 128 KiB at the end, where md RAID has superblocks.
const END: u64 = 65536;

/// Bytes for a place on the device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Write {
    /// Byte offset; a multiple of the block size, except the superblock's.
    pub offset: u64,
    /// The bytes; at most 1 MiB.
    pub data: Vec<u8>,
}

/// What a block holds. The order is that of precedence: when two claim one
/// block the first wins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Content {
    Superblock(u32),
    Descriptors(u32),
    Reserved(u32),
    BlockBitmap(u32),
    InodeBitmap,
    InodeTable(u32),
    Root,
    LostFound(u32),
    DoubleIndirect,
    JournalSuperblock,
    JournalLeaf,
    Zero,
}

impl Layout {
    /// Zeros over the boot block and over an old superblock. To be written and
    /// flushed before anything else: what was there no longer mounts, and no
    /// half of the new one does.
    #[must_use]
    pub fn erase(&self) -> Write {
        // The front of the device up to the descriptors or the end of block 0.
        let length = (self.tables.geometry.first_data_block + 1) * u64::from(self.block_size());
        Write {
            offset: 0,
            data: vec![0; usize::try_from(length).unwrap_or(0)],
        }
    }

    /// Everything but the primary superblock, ascending.
    #[must_use]
    pub fn body(&self) -> Writes<'_> {
        let mut blocks = self.contents();
        blocks.sort_unstable();
        blocks.dedup_by_key(|entry| entry.0);
        if self.options.zeroed {
            blocks.retain(|entry| entry.1 != Content::Zero);
        }
        Writes {
            layout: self,
            blocks: blocks.into_iter().peekable(),
        }
    }

    /// The superblock as it stands in `group`, with zeros to the block's end.
    fn superblock_block(&self, group: u32) -> Vec<u8> {
        let mut block = superblock::encode(self, group).to_vec();
        block.resize(self.block_bytes(), 0);
        block
    }

    /// The primary superblock: to be written last, after a flush of all else,
    /// and flushed.
    #[must_use]
    pub fn superblock(&self) -> Write {
        Write {
            offset: superblock::OFFSET,
            data: superblock::encode(self, 0).to_vec(),
        }
    }

    /// All writes in their order: [`Layout::erase`], [`Layout::body`],
    /// [`Layout::superblock`].
    pub fn writes(&self) -> impl Iterator<Item = Write> {
        std::iter::once(self.erase())
            .chain(self.body())
            .chain(std::iter::once_with(|| self.superblock()))
    }

    /// Bytes that [`Layout::writes`] yields in all.
    #[must_use]
    pub fn write_bytes(&self) -> u64 {
        let body = self.body().blocks.len() as u64 * u64::from(self.block_size());
        (self.erase().data.len() + superblock::BYTES) as u64 + body
    }

    fn contents(&self) -> Vec<(u64, Content)> {
        let tables = &self.tables;
        let geometry = &tables.geometry;
        let mut blocks = Vec::new();
        let descriptor_blocks = u32::try_from(geometry.descriptor_blocks).unwrap_or(u32::MAX);
        for group in std::iter::once(0).chain(geometry.backup_groups()) {
            let first = geometry.first_block(group);
            if group != 0 {
                blocks.push((first, Content::Superblock(group)));
            }
            blocks.extend(
                (first + 1..)
                    .zip(0..descriptor_blocks)
                    .map(|(b, i)| (b, Content::Descriptors(i))),
            );
        }
        let reserved = u32::try_from(geometry.reserved_gdt).unwrap_or(u32::MAX);
        blocks.extend(
            (resize::first_reserved(geometry)..)
                .zip(0..reserved)
                .map(|(b, i)| (b, Content::Reserved(i))),
        );
        let bitmaps = (0..geometry.groups).filter(|&group| tables.has_block_bitmap(group));
        blocks.extend(bitmaps.map(|group| {
            (
                tables.group(group).block_bitmap,
                Content::BlockBitmap(group),
            )
        }));
        let first = tables.group(0);
        blocks.push((first.inode_bitmap, Content::InodeBitmap));
        blocks.extend(
            (first.inode_table..)
                .zip(0..geometry.used_table_blocks())
                .map(|(b, i)| (b, Content::InodeTable(i))),
        );
        blocks.push((self.root, Content::Root));
        blocks.extend(
            self.lost_found
                .iter()
                .copied()
                .zip(0..)
                .map(|(b, i)| (b, Content::LostFound(i))),
        );
        blocks.push((self.double_indirect, Content::DoubleIndirect));
        blocks.push((self.journal.first_block(), Content::JournalSuperblock));
        blocks.extend(self.journal.leaf.map(|leaf| (leaf, Content::JournalLeaf)));

        let step = END / u64::from(geometry.block_size);
        let end = geometry.blocks - geometry.blocks % step;
        let end = if end > step { end - step } else { end };
        blocks.extend((end..geometry.blocks).map(|block| (block, Content::Zero)));
        blocks
    }

    fn content(&self, content: Content) -> Vec<u8> {
        let geometry = &self.tables.geometry;
        match content {
            Content::Superblock(group) => self.superblock_block(group),
            Content::Descriptors(index) => self.descriptor_block(index),
            Content::Reserved(index) => resize::indirect(geometry, u64::from(index)),
            Content::BlockBitmap(group) => self.tables.block_bitmap(group),
            Content::InodeBitmap => self.inode_bitmap(),
            Content::InodeTable(index) => self.inode_table(index),
            Content::Root => self.root_block(),
            Content::LostFound(index) => self.lost_found_block(index),
            Content::DoubleIndirect => resize::double_indirect(geometry),
            Content::JournalSuperblock => self.journal.superblock(
                geometry.block_size,
                &self.options.uuid,
                self.options.journal_sequence,
            ),
            Content::JournalLeaf => self.journal_leaf(),
            Content::Zero => vec![0; self.block_bytes()],
        }
    }
}

/// Iterator over runs of adjacent blocks; see [`Layout::body`].
#[derive(Debug)]
pub struct Writes<'a> {
    layout: &'a Layout,
    blocks: std::iter::Peekable<std::vec::IntoIter<(u64, Content)>>,
}

impl Iterator for Writes<'_> {
    type Item = Write;

    fn next(&mut self) -> Option<Write> {
        let (first, content) = self.blocks.next()?;
        let mut data = self.layout.content(content);
        let mut next = first + 1;
        while data.len() < RUN
            && let Some((_, content)) = self.blocks.next_if(|&(block, _)| block == next)
        {
            data.append(&mut self.layout.content(content));
            next += 1;
        }
        Some(Write {
            offset: first * u64::from(self.layout.block_size()),
            data,
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::ext4::{Layout, Options};
    use testkit::Random;

    /// Bytes where the kernel looks for the magic number.
    const MAGIC: std::ops::Range<u64> = 1080..1082;

    #[test]
    fn nothing_mounts_before_the_last_write() {
        for size in [64 << 20, 1 << 30] {
            let layout = Layout::plan(&Options::new(size, [1; 16], [2; 16], 3)).unwrap();
            let writes: Vec<_> = layout.writes().collect();
            let covers = |w: &super::Write| {
                w.offset <= MAGIC.start && w.offset + w.data.len() as u64 >= MAGIC.end
            };
            let (first, last) = (writes.first().unwrap(), writes.last().unwrap());
            assert!(covers(first) && first.data.iter().all(|&byte| byte == 0));
            assert_eq!((last.offset, last.data.len()), (1024, 1024));
            assert_eq!(last.data.get(56..58), Some(&[0x53, 0xef][..]));
            let body = writes.get(1..writes.len() - 1).unwrap();
            assert!(
                body.iter()
                    .all(|write| write.offset >= 2048 && !covers(write))
            );
            assert!(body.is_sorted_by(|a, b| a.offset + a.data.len() as u64 <= b.offset));
            let bytes: usize = writes.iter().map(|write| write.data.len()).sum();
            assert_eq!(bytes as u64, layout.write_bytes());
        }
    }

    #[test]
    fn runs_are_long_and_bounded() {
        let layout = Layout::plan(&Options::new(2 << 40, [1; 16], [2; 16], 3)).unwrap();
        let runs = layout.body().count();
        assert!(runs < 3000, "{runs} runs");
        assert!(layout.body().all(|write| write.data.len() <= 1 << 20));
    }

    #[test]
    fn every_size_gives_a_plan_or_an_error() {
        let mut random = Random(1);
        for round in 0..400_u32 {
            // Mostly small ones, where things collide; at times any number.
            let bits = [26, 26, 30, 34, 38, 64][round as usize % 6];
            let mut options = Options::new(random.next() >> (64 - bits), [1; 16], [2; 16], 3);
            options.sector_bytes = if round % 5 == 0 { 4096 } else { 512 };
            let Ok(layout) = Layout::plan(&options) else {
                continue;
            };
            let end = layout.blocks() * u64::from(layout.block_size());
            assert!(end <= options.size_bytes && end + (256 << 20) > options.size_bytes);
            assert!(
                layout
                    .body()
                    .all(|write| write.offset + write.data.len() as u64 <= end)
            );
        }
        let limit = Layout::plan(&Options::new((1 << 44) - 4096, [1; 16], [2; 16], 3)).unwrap();
        assert_eq!(limit.blocks(), (1 << 32) - 1);
    }
}
