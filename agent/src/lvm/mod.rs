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
mod error;
mod node;
mod release;
mod scan;

pub use activate::{Access, ActiveLv, Mapper};
pub use create::{create, origin};
pub use error::LvmError;
pub use ondisk::lvm::{MappingError, Refusal, VgPlan};
pub use release::release_pinned;
pub use scan::{FoundGroup, Scan, ScanFailure, device_names, find_lv, mapping, scan};
