// SPDX-License-Identifier: MIT OR Apache-2.0
//! Volume groups on real devices: found, activated, created, removed.
//!
//! [`scan`] reads labels and metadata of block devices, [`Mapper`] makes and
//! removes the device-mapper devices and their nodes, [`create`] makes a group
//! that was planned. Devices are read and written past the page cache, for the
//! cache of a disk and that of its partitions do not know of each other.

mod activate;
mod create;
mod deactivate;
mod direct;
mod error;
mod node;
mod scan;
mod stack;

use std::path::PathBuf;

pub use activate::{Access, ActiveLv, Mapper};
pub use create::{create, origin};
pub use error::LvmError;
pub use ondisk::lvm::{DevNo, MappingError, Refusal, VgPlan};
pub use scan::{FoundGroup, FoundPv, GroupError, OrphanPv, Scan, ScanFailure, scan};
pub use stack::{Holder, stacked_on};

/// A block device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlockDevice {
    /// Its node.
    pub path: PathBuf,
    /// Its number.
    pub dev: DevNo,
    /// Bytes.
    pub size: u64,
}
