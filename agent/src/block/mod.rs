// SPDX-License-Identifier: MIT OR Apache-2.0
//! Block devices as the kernel shows them: what each is, what lies below and
//! above it, and who uses it. Nothing here opens a device.

mod device;
pub(crate) mod mapping;
mod stack;
pub(crate) mod sysfs;
#[cfg(test)]
pub(crate) mod tests;
mod users;
mod vpd;

pub use device::{
    BlockDevice, Partition, by_number, list, node, partition_name, partition_node, partitions,
};
pub use mapping::{Mapping, NoMapping};
pub use ondisk::DevNo;
pub use stack::{Holder, NotOneDisk, disks_below, name_of, stacked_on};
pub use sysfs::SYS;
pub use users::{users, users_of_disk};
