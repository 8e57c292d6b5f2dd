// SPDX-License-Identifier: MIT OR Apache-2.0
//! Sizes and counts that follow from the size of the device.

use super::options::{Error, MIN_BYTES, Options};

/// Size of an inode in bytes.
pub(super) const INODE_BYTES: u32 = 256;
/// Size of a group descriptor in bytes.
pub(super) const DESCRIPTOR_BYTES: u32 = 64;
/// Inodes 1 to 11 are in use: the reserved ones and lost+found.
pub(super) const USED_INODES: u32 = 11;
/// Block groups whose bitmaps and inode tables lie together.
pub(super) const FLEX_GROUPS: u32 = 16;

/// Numbers of blocks, groups and inodes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Geometry {
    /// Size of the device, for messages.
    pub size_bytes: u64,
    /// 1024 or 4096 (2048 on a small device with such sectors).
    pub block_size: u32,
    /// Blocks of the file system, the boot block of 1 KiB blocks included.
    pub blocks: u64,
    /// Blocks that only root may use.
    pub reserved_blocks: u64,
    /// Block of the primary superblock's group: 1 with 1 KiB blocks, else 0.
    pub first_data_block: u64,
    /// Blocks per group: as many as a bitmap block has bits.
    pub blocks_per_group: u64,
    /// Number of block groups.
    pub groups: u32,
    pub inodes_per_group: u32,
    /// Blocks of one group's inode table.
    pub table_blocks: u64,
    /// Blocks of the group descriptor table.
    pub descriptor_blocks: u64,
    /// Blocks behind it that it can grow into.
    pub reserved_gdt: u64,
}

impl Geometry {
    /// Computes them.
    ///
    /// # Errors
    /// When the size or the sector size is out of range.
    pub(super) fn new(options: &Options) -> Result<Self, Error> {
        let size = options.size_bytes;
        if size < MIN_BYTES {
            return Err(Error::TooSmall {
                size,
                minimum: MIN_BYTES,
            });
        }
        if !matches!(options.sector_bytes, 512 | 1024 | 2048 | 4096) {
            return Err(Error::SectorSize {
                sector: options.sector_bytes,
            });
        }
        // mke2fs rounds down to pages before it chooses by size.
        let bytes = size & !4095;
        let (block_size, inode_ratio) = match bytes >> 20 {
            0..512 => (1024.max(options.sector_bytes), 4096),
            512..0x40_0000 => (4096, 16384),
            0x40_0000..0x100_0000 => (4096, 32768),
            _ => (4096, 65536),
        };
        let blocks = bytes / u64::from(block_size);
        if blocks > u64::from(u32::MAX) {
            let maximum = u64::from(u32::MAX) * u64::from(block_size);
            return Err(Error::TooLarge { size, maximum });
        }
        let wanted_inodes = bytes / inode_ratio;
        let reserved_blocks = share(5.0, blocks);
        let whole = Self::with_blocks(size, block_size, blocks, reserved_blocks, wanted_inodes);

        // A tail that would be nearly all metadata is left out.
        let last = whole.groups - 1;
        let mut overhead = 2 + whole.table_blocks;
        if whole.has_super(last) {
            overhead += 1 + whole.descriptor_blocks + whole.reserved_gdt;
        }
        let tail = (blocks - whole.first_data_block) % whole.blocks_per_group;
        if tail == 0 || tail >= overhead + 50 {
            return Ok(whole);
        }
        if whole.groups == 1 {
            return Err(Error::NoRoom {
                size,
                what: "first block group",
            });
        }
        let cut = blocks - tail;
        let reserved_blocks = share(percent(reserved_blocks, blocks), cut);
        Ok(Self::with_blocks(
            size,
            block_size,
            cut,
            reserved_blocks,
            wanted_inodes,
        ))
    }

    fn with_blocks(
        size_bytes: u64,
        block_size: u32,
        blocks: u64,
        reserved_blocks: u64,
        inodes: u64,
    ) -> Self {
        let first_data_block = u64::from(block_size == 1024);
        let blocks_per_group = u64::from(block_size) * 8;
        let groups = (blocks - first_data_block).div_ceil(blocks_per_group);
        let per_block = u64::from(block_size / DESCRIPTOR_BYTES);
        let descriptor_blocks = groups.div_ceil(per_block);

        // The table of a group fills whole blocks, and a multiple of 8 keeps
        // bitmaps at byte boundaries.
        let inode_bytes = u64::from(INODE_BYTES);
        let block_bytes = u64::from(block_size);
        let wanted = inodes.max(u64::from(USED_INODES) + 1).div_ceil(groups);
        let table_blocks = (wanted * inode_bytes).div_ceil(block_bytes);
        let inodes_per_group = (table_blocks * block_bytes / inode_bytes).max(8) & !7;
        let table_blocks = (inodes_per_group * inode_bytes).div_ceil(block_bytes);

        // Room to grow to 1024 times the size, or to 2^32 blocks.
        let most = u64::from(u32::MAX);
        let most = if blocks < most / 1024 {
            blocks * 1024
        } else {
            most
        };
        let reserved_gdt = (most - first_data_block)
            .div_ceil(blocks_per_group)
            .div_ceil(per_block)
            .saturating_sub(descriptor_blocks)
            .min(block_bytes / 4);

        Self {
            size_bytes,
            block_size,
            blocks,
            reserved_blocks,
            first_data_block,
            blocks_per_group,
            // Under 2^32 blocks there are at most 2^19 groups.
            groups: u32::try_from(groups).unwrap_or(u32::MAX),
            inodes_per_group: u32::try_from(inodes_per_group).unwrap_or(u32::MAX),
            table_blocks,
            descriptor_blocks,
            reserved_gdt,
        }
    }

    /// First block of a group.
    pub(super) fn first_block(&self, group: u32) -> u64 {
        self.first_data_block + u64::from(group) * self.blocks_per_group
    }

    /// One past the last block of a group.
    pub(super) fn end_block(&self, group: u32) -> u64 {
        (self.first_block(group) + self.blocks_per_group).min(self.blocks)
    }

    /// The group that a block belongs to.
    pub(super) fn group_of(&self, block: u64) -> u32 {
        let group = block.saturating_sub(self.first_data_block) / self.blocks_per_group;
        u32::try_from(group).unwrap_or(u32::MAX)
    }

    /// Whether a group begins with a copy of the superblock (`sparse_super`:
    /// groups 0, 1 and the powers of 3, 5 and 7).
    pub(super) fn has_super(&self, group: u32) -> bool {
        let power_of = |base: u32| {
            let mut rest = group;
            while rest.is_multiple_of(base) {
                rest /= base;
            }
            rest == 1
        };
        group <= 1 || power_of(3) || power_of(5) || power_of(7)
    }

    /// The groups behind group 0 that have a copy, ascending.
    pub(super) fn backup_groups(self) -> impl Iterator<Item = u32> {
        (1..self.groups).filter(move |&group| self.has_super(group))
    }

    /// All inodes.
    pub(super) fn inodes(&self) -> u64 {
        u64::from(self.inodes_per_group) * u64::from(self.groups)
    }

    /// Log2 of the block size over 1024.
    pub(super) fn log_block_size(&self) -> u32 {
        (self.block_size / 1024).ilog2()
    }

    /// The first inode table block that holds inode `number` (1 to 11).
    pub(super) fn table_index(&self, number: u32) -> u64 {
        u64::from((number - 1) * INODE_BYTES / self.block_size)
    }

    /// Inode table blocks of group 0 that hold inodes in use.
    pub(super) fn used_table_blocks(&self) -> u32 {
        (USED_INODES * INODE_BYTES).div_ceil(self.block_size)
    }
}

/// `percent` % of `blocks`, rounded down; in floating point, for mke2fs does so
/// and the last bit shows.
#[allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss
)]
fn share(percent: f64, blocks: u64) -> u64 {
    (percent * blocks as f64 / 100.0) as u64
}

/// What percentage `part` is of `whole`.
#[allow(clippy::cast_precision_loss)]
fn percent(part: u64, whole: u64) -> f64 {
    100.0 * part as f64 / whole as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(size: u64) -> Geometry {
        Geometry::new(&Options::new(size, [1; 16], [2; 16], 3)).unwrap()
    }

    #[test]
    fn known_sizes() {
        let small = of(300 << 20);
        assert_eq!(
            (small.blocks, small.groups, small.inodes_per_group),
            (307_200, 38, 2024)
        );
        assert_eq!((small.reserved_gdt, small.reserved_blocks), (256, 15360));
        let eight = of(8 << 30);
        assert_eq!(
            (eight.blocks, eight.groups, eight.inodes_per_group),
            (2_097_152, 64, 8192)
        );
        assert_eq!((eight.reserved_gdt, eight.reserved_blocks), (1023, 104_857));
        assert_eq!(of(512 << 20).block_size, 4096);
        assert_eq!(of((512 << 20) - 1).block_size, 1024);
    }

    #[test]
    fn a_short_tail_group_is_cut_off() {
        let group = 128 << 20;
        assert_eq!(of((1 << 30) + (400 << 12)).blocks, (1 << 30) >> 12);
        let kept = of((1 << 30) + group / 2);
        assert_eq!(
            (kept.groups, kept.blocks),
            (9, ((1 << 30) + group / 2) >> 12)
        );
    }

    #[test]
    fn out_of_range() {
        let plan = |size| Geometry::new(&Options::new(size, [1; 16], [2; 16], 3)).map(|g| g.blocks);
        assert_eq!(
            plan(MIN_BYTES - 1),
            Err(Error::TooSmall {
                size: MIN_BYTES - 1,
                minimum: MIN_BYTES
            })
        );
        let limit = u64::from(u32::MAX) * 4096;
        assert_eq!(
            plan(limit + 4096),
            Err(Error::TooLarge {
                size: limit + 4096,
                maximum: limit
            })
        );
        assert!(plan(limit).is_ok());
        assert!(matches!(plan(u64::MAX), Err(Error::TooLarge { .. })));
        let mut options = Options::new(1 << 30, [1; 16], [2; 16], 3);
        options.sector_bytes = 8192;
        assert_eq!(
            Geometry::new(&options).map(|g| g.blocks),
            Err(Error::SectorSize { sector: 8192 })
        );
    }

    #[test]
    fn copies_of_the_superblock() {
        let groups: Vec<u32> = of(64 << 30).backup_groups().collect();
        assert_eq!(groups, [1, 3, 5, 7, 9, 25, 27, 49, 81, 125, 243, 343]);
    }
}
