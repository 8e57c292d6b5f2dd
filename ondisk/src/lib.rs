// SPDX-License-Identifier: MIT OR Apache-2.0
//! Byte formats that replant reads and writes.
//!
//! Bytes in, bytes out: nothing here opens a file, asks the clock or draws a
//! random number; times, UUIDs and seeds are parameters. Bad input gives an
//! error that names what is wrong and where, and never panics.

pub mod agreement;
pub mod bzimage;
pub mod checksum;
pub mod compression;
pub mod cpio;
pub mod cpu;
mod devno;
pub mod document;
pub mod ext4;
pub mod fstab;
pub mod glob;
pub mod gpt;
pub mod grub;
pub mod hex;
pub mod identity_path;
pub mod inventory;
pub mod lifeboat;
pub mod lvm;
pub mod manifest;
pub mod mark;
pub mod mbr;
pub mod md5;
pub mod minisign;
pub mod modules;
pub mod naming;
mod numbers;
pub mod os_release;
pub mod package;
pub mod pax;
pub mod run;
pub mod selinux;
pub mod sha256;
pub mod signature;
mod untouched;
pub mod uuid;
pub mod words;

pub use devno::{DevNo, NoDevNo};
pub use untouched::untouched;
