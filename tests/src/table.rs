// SPDX-License-Identifier: MIT OR Apache-2.0
//! Partition tables for scripts in [`crate::hostroot`].

use ondisk::gpt::{Guid, Name, Partition, Table};

/// A table for a disk of so many bytes, in sectors of 512: partitions by number,
/// type, first and last LBA.
///
/// # Panics
/// When no disk of that size can have one.
pub fn table(bytes: u64, partitions: &[(u32, Guid, u64, u64)]) -> Table {
    let mut table = Table::new(bytes, 512, Guid([9; 16])).expect("a size for a table");
    let partitions = partitions.iter();
    table.partitions = partitions
        .map(|&(number, type_guid, first_lba, last_lba)| Partition {
            number,
            type_guid,
            guid: Guid([number as u8; 16]),
            first_lba,
            last_lba,
            attributes: 0,
            name: Name::new("").expect("a name"),
        })
        .collect();
    table
}
