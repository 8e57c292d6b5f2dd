// SPDX-License-Identifier: MIT OR Apache-2.0
//! Blocks of the two directories of a fresh file system.

use super::checksum::crc32c;
use super::field::{put, put_u16, put_u32};

/// Size of the tail that holds a directory block's checksum.
const TAIL: usize = 12;

/// An entry: inode number and name. All are directories.
type Entry<'a> = (u32, &'a [u8]);

/// A directory block with these entries; the last one takes the rest of the
/// block. Without entries, the block is one free entry. `seed` is the
/// directory inode's.
pub(super) fn block(entries: &[Entry], block_size: usize, seed: u32) -> Vec<u8> {
    let mut block = vec![0; block_size];
    let end = block_size - TAIL;
    let mut offset = 0;
    for (index, (inode, name)) in entries.iter().enumerate() {
        let length = if index + 1 == entries.len() {
            end - offset
        } else {
            (8 + name.len()).next_multiple_of(4)
        };
        put_u32(&mut block, offset, u64::from(*inode));
        put_u16(&mut block, offset + 4, length as u64);
        put(&mut block, offset + 6, &[name.len().to_le_bytes()[0], 2]);
        put(&mut block, offset + 8, name);
        offset += length;
    }
    if entries.is_empty() {
        put_u16(&mut block, 4, end as u64);
    }
    // The tail looks like an unused entry with a type that no file has.
    put_u16(&mut block, end + 4, TAIL as u64);
    put(&mut block, end + 7, &[0xde]);
    let checksum = crc32c(seed, block.get(..end).unwrap_or_default());
    put_u32(&mut block, end + 8, u64::from(checksum));
    block
}
