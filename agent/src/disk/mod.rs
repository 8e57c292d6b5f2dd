// SPDX-License-Identifier: MIT OR Apache-2.0
//! Writing a disk: signatures, partition table, and making the kernel read it again.
//!
//! A disk has caches of its own in the kernel, and each of its partitions has
//! another one; what is written through one is not seen through the other
//! before both are flushed. All of this module goes through the node of the
//! whole disk, flushes the partitions' nodes around it, and reads back without
//! a cache. Sector 0 is written by [`sector_0::write`] alone, and what replant
//! keeps on the disk for itself by [`own::write`].

#[cfg(test)]
pub(crate) mod cut;
mod device;
pub(crate) mod direct;
pub mod erase;
mod error;
pub mod ext4;
mod guard;
mod id;
pub mod own;
mod pinned;
pub mod reread;
#[cfg(test)]
pub(crate) mod rot;
pub mod sector_0;
pub mod table;
pub mod wipe;

pub use device::Disk;
pub use error::Error;
pub use guard::{Guard, check_table};
pub use id::{DiskId, gpt_id};
pub use pinned::{Pinned, sha256};
