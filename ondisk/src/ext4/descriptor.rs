// SPDX-License-Identifier: MIT OR Apache-2.0
//! Group descriptors of 64 bytes (kernel: `struct ext4_group_desc`).

use super::checksum::crc32c;
use super::field::{put_u16, put_u32};

/// The group's inode bitmap is not written: no inode in use.
pub(super) const INODE_UNINIT: u64 = 1;
/// The group's block bitmap is not written.
pub(super) const BLOCK_UNINIT: u64 = 2;
/// The group's inode table is all zeros.
pub(super) const INODE_ZEROED: u64 = 4;

/// What a descriptor says.
#[derive(Debug, Clone, Copy)]
pub(super) struct Descriptor {
    pub block_bitmap: u64,
    pub inode_bitmap: u64,
    pub inode_table: u64,
    pub free_blocks: u64,
    pub free_inodes: u64,
    pub directories: u64,
    /// Checksum of the block bitmap, if it is written.
    pub block_bitmap_checksum: Option<u32>,
    /// Checksum of the inode bitmap, if it is written.
    pub inode_bitmap_checksum: Option<u32>,
    /// Whether the whole inode table is known to be zero.
    pub table_zeroed: bool,
}

impl Descriptor {
    /// The 64 bytes of group `number`. `seed` is the UUID's.
    pub(super) fn encode(&self, number: u32, seed: u32) -> [u8; 64] {
        let mut record = [0; 64];
        let addresses = [
            (0, self.block_bitmap),
            (4, self.inode_bitmap),
            (8, self.inode_table),
        ];
        for (offset, block) in addresses {
            put_u32(&mut record, offset, block);
            put_u32(&mut record, offset + 32, block >> 32);
        }
        // All inodes in use lie at the table's start: the free ones are unused.
        let counts = [
            (12, self.free_blocks),
            (14, self.free_inodes),
            (16, self.directories),
            (28, self.free_inodes),
        ];
        for (offset, count) in counts {
            put_u16(&mut record, offset, count);
            let high = if offset == 28 { 50 } else { offset + 32 };
            put_u16(&mut record, high, count >> 16);
        }
        let flags = [
            (self.inode_bitmap_checksum.is_none(), INODE_UNINIT),
            (self.block_bitmap_checksum.is_none(), BLOCK_UNINIT),
            (self.table_zeroed, INODE_ZEROED),
        ];
        let flags = flags.iter().filter(|flag| flag.0).map(|flag| flag.1).sum();
        put_u16(&mut record, 18, flags);
        let checksums = [
            (24, self.block_bitmap_checksum),
            (26, self.inode_bitmap_checksum),
        ];
        for (offset, checksum) in checksums {
            let checksum = u64::from(checksum.unwrap_or(0));
            put_u16(&mut record, offset, checksum);
            put_u16(&mut record, offset + 32, checksum >> 16);
        }
        let checksum = crc32c(crc32c(seed, &number.to_le_bytes()), &record);
        put_u16(&mut record, 30, u64::from(checksum));
        record
    }
}
