// SPDX-License-Identifier: MIT OR Apache-2.0
//! Byte formats that replant reads and writes.
//!
//! Bytes in, bytes out: nothing here opens a file, asks the clock or draws a
//! random number; times, UUIDs and seeds are parameters. Bad input gives an
//! error that names what is wrong and where, and never panics.

pub mod cpio;
pub mod ext4;
pub mod gpt;
pub mod grub;
pub mod lvm;
pub mod manifest;
pub mod mbr;
pub mod modules;
pub mod pax;
pub mod signature;
