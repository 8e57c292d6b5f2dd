// SPDX-License-Identifier: MIT OR Apache-2.0
//! The superblock (kernel: `struct ext4_super_block`).

use super::checksum::crc32c;
use super::extent;
use super::field::{low16, put, put_u16, put_u32};
use super::geometry::{DESCRIPTOR_BYTES, FLEX_GROUPS, INODE_BYTES, USED_INODES};
use super::inode;
use super::layout::Layout;
use crate::numbers::array_at;

/// Length in bytes.
pub const BYTES: usize = 1024;
/// Byte offset of the primary one.
pub const OFFSET: u64 = 1024;

/// Where its magic number, state and incompatible features are, and the UUID.
const MAGIC_AT: usize = 0x38;
const STATE_AT: usize = 0x3a;
const INCOMPAT_AT: usize = 0x60;
const UUID_AT: usize = 0x68;
const MAGIC: u16 = 0xef53;
/// The state of a file system that was unmounted.
const CLEAN: u8 = 1;
/// `needs_recovery`, an incompatible feature.
const NEEDS_RECOVERY: u8 = 4;

/// The UUID of the ext2, ext3 or ext4 file system that a device begins with.
#[must_use]
pub fn uuid(head: &[u8]) -> Option<[u8; 16]> {
    let superblock = head.get(OFFSET as usize..)?;
    let magic: &[u8; 2] = superblock.get(MAGIC_AT..)?.first_chunk()?;
    (*magic == MAGIC.to_le_bytes()).then_some(())?;
    array_at(superblock, UUID_AT)
}

/// Whether the file system with this superblock has a journal to replay, or
/// none and was not unmounted.
#[must_use]
pub fn is_in_use(superblock: &[u8; BYTES]) -> bool {
    let has = |at: usize, bit: u8| superblock.get(at).is_some_and(|byte| byte & bit != 0);
    has(INCOMPAT_AT, NEEDS_RECOVERY) || !has(STATE_AT, CLEAN)
}

/// `has_journal`, `ext_attr`, `resize_inode`, `dir_index`.
const COMPAT: u64 = 0x3c;
/// `filetype`, `extent`, `64bit`, `flex_bg`.
const INCOMPAT: u64 = 0x2c2;
/// `sparse_super`, `large_file`, `huge_file`, `dir_nlink`, `extra_isize`,
/// `metadata_csum`.
const RO_COMPAT: u64 = 0x46b;

/// The superblock as it stands in `group`; the primary one is group 0's.
pub(super) fn encode(layout: &Layout, group: u32) -> [u8; BYTES] {
    let mut record = [0; BYTES];
    let geometry = &layout.tables.geometry;
    let options = &layout.options;
    let time = u64::from(options.time);
    let log_block_size = u64::from(geometry.log_block_size());

    let words = [
        (0x00, geometry.inodes()),
        (0x04, geometry.blocks),
        (0x08, geometry.reserved_blocks),
        (0x0c, layout.free_blocks),
        (0x10, geometry.inodes() - u64::from(USED_INODES)),
        (0x14, geometry.first_data_block),
        (0x18, log_block_size),
        (0x1c, log_block_size), // clusters are blocks
        (0x20, geometry.blocks_per_group),
        (0x24, geometry.blocks_per_group),
        (0x28, u64::from(geometry.inodes_per_group)),
        (0x30, time),                         // last write
        (0x40, time),                         // last check
        (0x4c, 1),                            // revision with inode sizes and features
        (0x54, u64::from(inode::LOST_FOUND)), // first inode that is not reserved
        (0x5c, COMPAT),
        (INCOMPAT_AT, INCOMPAT),
        (0x64, RO_COMPAT),
        (0xe0, u64::from(inode::JOURNAL)),
        (0x100, 0x0c), // mount options user_xattr and acl
        (0x108, time), // creation
        (0x150, geometry.blocks >> 32),
        (0x154, geometry.reserved_blocks >> 32),
        (0x158, layout.free_blocks >> 32),
        (0x160, 1), // directory hash of signed characters
        (0x178, layout.kbytes_written),
        (0x17c, layout.kbytes_written >> 32),
        (0x248, layout.overhead),
    ];
    for (offset, value) in words {
        put_u32(&mut record, offset, value);
    }
    let halves = [
        (0x36, 0xffff), // no check after a number of mounts
        (MAGIC_AT, u64::from(MAGIC)),
        // Copies say "not cleanly unmounted": whoever needs one, checks.
        (STATE_AT, u64::from(group == 0)),
        (0x3c, 1), // errors: go on
        (0x58, u64::from(INODE_BYTES)),
        (0x5a, u64::from(group.min(0xffff))),
        (0xce, geometry.reserved_gdt),
        (0xfe, u64::from(DESCRIPTOR_BYTES)),
        (0x15c, 32), // bytes of extra inode fields: least
        (0x15e, 32), // and wanted
    ];
    for (offset, value) in halves {
        put_u16(&mut record, offset, value);
    }
    put(&mut record, UUID_AT, &options.uuid);
    put(&mut record, 0x78, &options.label.bytes());
    put(&mut record, 0xec, &options.hash_seed);
    // Hash half_md4; the journal's inode is kept in the superblock, too.
    put(&mut record, 0xfc, &[1, 1]);
    put(
        &mut record,
        0x10c,
        &extent::root(&layout.journal.extents, layout.journal.leaf),
    );
    let journal_size = layout.journal.blocks * u64::from(geometry.block_size);
    put_u32(&mut record, 0x148, journal_size >> 32);
    put_u32(&mut record, 0x14c, journal_size);
    let [log_flex, _] = low16(u64::from(FLEX_GROUPS.ilog2())).to_le_bytes();
    put(&mut record, 0x174, &[log_flex, 1]); // and checksums are crc32c

    let checksum = crc32c(!0, record.get(..BYTES - 4).unwrap_or_default());
    put_u32(&mut record, BYTES - 4, u64::from(checksum));
    record
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_of_it() {
        let mut head = [0; 2048];
        assert_eq!(uuid(&head), None);
        head[1024 + 0x38..][..2].copy_from_slice(&[0x53, 0xef]);
        head[1024 + 0x68..][..16].copy_from_slice(&[7; 16]);
        assert_eq!(uuid(&head), Some([7; 16]));
        assert_eq!(uuid(&head[..1024 + 0x77]), None);
        let mut superblock = [0; BYTES];
        // Neither unmounted nor with a journal.
        assert!(is_in_use(&superblock));
        superblock[0x3a] = 1;
        assert!(!is_in_use(&superblock));
        superblock[0x60] = 0xc6;
        assert!(is_in_use(&superblock));
    }
}
