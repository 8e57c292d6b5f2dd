// SPDX-License-Identifier: MIT OR Apache-2.0
//! Inodes of 256 bytes (kernel: `struct ext4_inode`).

use super::checksum::{crc32c, inode_seed};
use super::field::{put, put_u16, put_u32};
use super::geometry::INODE_BYTES;

/// Inode number of the bad block list.
pub(super) const BAD_BLOCKS: u32 = 1;
/// Inode number of the root directory.
pub(super) const ROOT: u32 = 2;
/// Inode number of the file that holds the reserved descriptor blocks.
pub(super) const RESIZE: u32 = 7;
/// Inode number of the journal.
pub(super) const JOURNAL: u32 = 8;
/// Inode number of lost+found.
pub(super) const LOST_FOUND: u32 = 11;

/// `i_flags`: the file has extents.
pub(super) const EXTENTS: u64 = 0x8_0000;

/// What differs between the inodes of a fresh file system.
#[derive(Debug, Clone, Copy)]
pub(super) struct Inode {
    /// Type and permissions.
    pub mode: u64,
    /// Hard links.
    pub links: u64,
    /// Size in bytes.
    pub size: u64,
    /// Sectors of 512 bytes.
    pub sectors: u64,
    /// `i_flags`.
    pub flags: u64,
    /// `i_block`.
    pub map: [u8; 60],
}

/// An inode's 256 bytes. `seed` is the UUID's.
pub(super) fn encode(number: u32, inode: &Inode, time: u32, seed: u32) -> Vec<u8> {
    let mut record = blank(time);
    put_u16(&mut record, 0, inode.mode);
    put_u32(&mut record, 4, inode.size);
    put_u16(&mut record, 26, inode.links);
    put_u32(&mut record, 28, inode.sectors);
    put_u32(&mut record, 32, inode.flags);
    put(&mut record, 40, &inode.map);
    put_u32(&mut record, 108, inode.size >> 32);
    put_u16(&mut record, 116, inode.sectors >> 32);
    put_u16(&mut record, 128, 32); // extra fields in use, in bytes
    put_u32(&mut record, 144, u64::from(time)); // creation
    finish(number, &mut record, seed);
    record
}

/// An inode that is not in use but still has a checksum. The bad block list
/// has times besides.
pub(super) fn unused(number: u32, time: u32, seed: u32) -> Vec<u8> {
    let mut record = if number == BAD_BLOCKS {
        blank(time)
    } else {
        blank(0)
    };
    finish(number, &mut record, seed);
    record
}

fn blank(time: u32) -> Vec<u8> {
    let mut record = vec![0; usize::try_from(INODE_BYTES).unwrap_or(0)];
    for offset in [8, 12, 16] {
        put_u32(&mut record, offset, u64::from(time)); // access, change, modification
    }
    record
}

/// Fills in the checksum: the high half only where the extra fields reach it.
fn finish(number: u32, record: &mut [u8], seed: u32) {
    let extra = record.get(128).copied().unwrap_or(0);
    let checksum = u64::from(crc32c(inode_seed(seed, number), record));
    put_u16(record, 124, checksum);
    if extra >= 4 {
        put_u16(record, 130, checksum >> 16);
    }
}
