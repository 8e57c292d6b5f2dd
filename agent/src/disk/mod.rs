// SPDX-License-Identifier: MIT OR Apache-2.0
//! Writing a disk: signatures, partition table, telling the kernel.

pub mod ext4;
