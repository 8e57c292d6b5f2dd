// SPDX-License-Identifier: MIT OR Apache-2.0
//! Signatures that real tools write, as blkid sees them; wiped as wipefs sees
//! it. Needs root and the packages e2fsprogs, xfsprogs, btrfs-progs,
//! dosfstools, util-linux, fdisk, gdisk, lvm2, cryptsetup-bin, genisoimage,
//! bcache-tools.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod filesystems;
mod image;
mod members;
mod parts;
mod tables;
