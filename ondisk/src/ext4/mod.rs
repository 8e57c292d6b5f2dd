// SPDX-License-Identifier: MIT OR Apache-2.0
//! ext4: a formatter whose output is that of mke2fs, bit for bit.
//!
//! The feature set is the one that EL9 and Debian 12 make by default and that
//! the kernels and GRUBs of EL7 to EL9 accept: compat 0x3c, incompat 0x2c2,
//! ro_compat 0x46b (journal, extents, flex_bg, 64bit, metadata_csum; neither
//! metadata_csum_seed nor orphan_file). Block size, inode ratio and journal
//! size follow from the size as mke2fs.conf has it.
//!
//! [`Layout::plan`] computes the whole file system from [`Options`] before a
//! byte is written; [`Layout::writes`] then yields only the blocks that must
//! be written, so that 100 GiB cost a few megabytes.
//!
//! The on-disk structures are those of the kernel's
//! `Documentation/filesystems/ext4/`; the placement is what e2fsprogs 1.46 and
//! 1.47.0 do, found by experiment and compared bit by bit in the tests.

mod blockmap;
mod checksum;
mod descriptor;
mod directory;
mod extent;
mod field;
mod geometry;
mod inode;
mod journal;
mod layout;
mod lifetime;
mod options;
mod resize;
mod superblock;
mod tables;
mod unused;
mod writes;

pub use layout::Layout;
pub use options::{Error, Label, MIN_BYTES, Options};
pub use superblock::{BYTES as SUPERBLOCK, OFFSET as SUPERBLOCK_AT, is_in_use, uuid};
pub use unused::{Group, UnusedError};
pub use writes::{Write, Writes};
