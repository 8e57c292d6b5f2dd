// SPDX-License-Identifier: MIT OR Apache-2.0
//! The resize inode: a file made of the reserved blocks behind all copies of
//! the descriptor table, so that they stay free for a bigger table.
//!
//! Its double-indirect block names the reserved blocks of group 0, each of
//! which serves as an indirect block and names the same block of the other
//! copies.

use super::field::put_u32;
use super::geometry::Geometry;

/// The first reserved block of group 0.
pub(super) fn first_reserved(geometry: &Geometry) -> u64 {
    geometry.first_data_block + 1 + geometry.descriptor_blocks
}

/// Where the allocator begins to look for the double-indirect block.
pub(super) fn goal(geometry: &Geometry) -> u64 {
    geometry.first_data_block
        + geometry.descriptor_blocks
        + geometry.reserved_gdt
        + 2
        + geometry.table_blocks
}

/// The double-indirect block.
pub(super) fn double_indirect(geometry: &Geometry) -> Vec<u8> {
    let mut block = vec![0; usize::try_from(geometry.block_size).unwrap_or(0)];
    let slots = u64::from(geometry.block_size / 4);
    let first = first_reserved(geometry);
    for index in 0..geometry.reserved_gdt {
        let slot = (geometry.descriptor_blocks + index) % slots;
        put_slot(&mut block, slot, first + index);
    }
    block
}

/// The reserved block `index` of group 0.
pub(super) fn indirect(geometry: &Geometry, index: u64) -> Vec<u8> {
    let mut block = vec![0; usize::try_from(geometry.block_size).unwrap_or(0)];
    let own = first_reserved(geometry) + index;
    for (group, slot) in geometry.backup_groups().zip(0u64..) {
        put_slot(
            &mut block,
            slot,
            own + u64::from(group) * geometry.blocks_per_group,
        );
    }
    block
}

/// The inode's size in bytes: all that a double-indirect block can reach.
pub(super) fn size(geometry: &Geometry) -> u64 {
    let slots = u64::from(geometry.block_size / 4);
    (slots * slots + slots + 12) * u64::from(geometry.block_size)
}

/// Blocks that belong to the inode.
pub(super) fn blocks(geometry: &Geometry) -> u64 {
    1 + geometry.reserved_gdt * (1 + geometry.backup_groups().count() as u64)
}

fn put_slot(block: &mut [u8], slot: u64, value: u64) {
    if let Ok(slot) = usize::try_from(slot) {
        put_u32(block, slot * 4, value);
    }
}
