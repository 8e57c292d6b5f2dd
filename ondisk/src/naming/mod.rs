// SPDX-License-Identifier: MIT OR Apache-2.0
//! Names of block devices as a system's files have them (`UUID=...`,
//! `/dev/mapper/VA-root`), and what of a layout they mean.

mod made;
mod name;

pub use made::{Made, Meaning, device_has_path, is_device_of, is_partition_path};
pub use name::Name;
