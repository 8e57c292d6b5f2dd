// SPDX-License-Identifier: MIT OR Apache-2.0
//! LVM2 against volume groups that lvm2 made.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod assembly;
mod fixture;
mod mapping;
mod metadata;
mod writing;
