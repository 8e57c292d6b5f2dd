// SPDX-License-Identifier: MIT OR Apache-2.0
//! Writing a disk: signatures, partition table, telling the kernel.
//!
//! A disk has caches of its own in the kernel, and each of its partitions has
//! another one; what is written through one is not seen through the other
//! before both are flushed. All of this module goes through the node of the
//! whole disk, flushes the partitions' nodes around it, and reads back without
//! a cache.

mod device;
mod error;
pub mod ext4;
mod holders;
pub mod kernel;
pub mod table;
pub mod wipe;

pub use device::{Disk, partition_name};
pub use error::Error;
