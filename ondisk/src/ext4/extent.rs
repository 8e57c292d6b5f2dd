// SPDX-License-Identifier: MIT OR Apache-2.0
//! Extent trees of depth 0 and 1: the map of a file's blocks.

use super::checksum::crc32c;
use super::field::{put_u16, put_u32};

/// Entries that fit into an inode.
pub(super) const IN_INODE: usize = 4;
/// The longest extent of initialised blocks.
pub(super) const MAX_LENGTH: u64 = 32768;
/// Size of the header, and of an entry.
const ENTRY: usize = 12;

/// A run of blocks of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Extent {
    /// First block within the file.
    pub logical: u64,
    /// Its block on the device.
    pub physical: u64,
    /// Blocks; at most [`MAX_LENGTH`].
    pub length: u64,
}

/// The extents of a file whose blocks are these, in order.
pub(super) fn from_blocks(blocks: &[u64]) -> Vec<Extent> {
    let mut extents: Vec<Extent> = Vec::new();
    for (&physical, logical) in blocks.iter().zip(0u64..) {
        match extents.last_mut() {
            Some(last) if last.physical + last.length == physical => last.length += 1,
            _ => extents.push(Extent {
                logical,
                physical,
                length: 1,
            }),
        }
    }
    extents
}

/// An inode's 60 bytes for these extents; `leaf` is the block that holds them
/// when they are more than [`IN_INODE`].
pub(super) fn root(extents: &[Extent], leaf: Option<u64>) -> [u8; 60] {
    let mut root = [0; 60];
    let (entries, depth) = match leaf {
        None => (extents.len(), 0),
        Some(_) => (1, 1),
    };
    header(&mut root, entries, IN_INODE, depth);
    // When mke2fs moves the extents out into a leaf the old entries stay
    // behind the index; no reader looks at them.
    for (extent, offset) in extents.iter().take(IN_INODE).zip((ENTRY..).step_by(ENTRY)) {
        put_extent(&mut root, offset, extent);
    }
    if let Some(leaf) = leaf {
        put_u32(&mut root, ENTRY, 0);
        put_u32(&mut root, ENTRY + 4, leaf);
        put_u16(&mut root, ENTRY + 8, leaf >> 32);
        put_u16(&mut root, ENTRY + 10, 0);
    }
    root
}

/// A leaf block with its checksum; `seed` is the inode's.
pub(super) fn leaf(extents: &[Extent], block_size: usize, seed: u32) -> Vec<u8> {
    let mut block = vec![0; block_size];
    let capacity = (block_size - ENTRY) / ENTRY;
    header(&mut block, extents.len(), capacity, 0);
    for (extent, offset) in extents.iter().zip((ENTRY..).step_by(ENTRY)) {
        put_extent(&mut block, offset, extent);
    }
    let tail = ENTRY + capacity * ENTRY;
    let checksum = crc32c(seed, block.get(..tail).unwrap_or_default());
    put_u32(&mut block, tail, u64::from(checksum));
    block
}

fn header(node: &mut [u8], entries: usize, capacity: usize, depth: u64) {
    put_u16(node, 0, 0xf30a);
    put_u16(node, 2, entries as u64);
    put_u16(node, 4, capacity as u64);
    put_u16(node, 6, depth);
}

fn put_extent(node: &mut [u8], offset: usize, extent: &Extent) {
    put_u32(node, offset, extent.logical);
    put_u16(node, offset + 4, extent.length);
    put_u16(node, offset + 6, extent.physical >> 32);
    put_u32(node, offset + 8, extent.physical);
}
