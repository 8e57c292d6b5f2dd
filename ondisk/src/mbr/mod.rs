// SPDX-License-Identifier: MIT OR Apache-2.0
//! The partition table of a master boot record, primary and logical partitions.
