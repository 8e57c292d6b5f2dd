// SPDX-License-Identifier: MIT OR Apache-2.0
//! System calls and ioctls for which rustix has no function, and which errors of
//! the kernel are transient.
//!
//! The only crate of the workspace with `unsafe` code beside `init-shim` and
//! `loader`: small functions with a safe face, each block with its reason.

pub mod block;
pub mod chroot;
pub mod dm;
pub mod ext4;
pub mod fiemap;
mod file;
pub mod freeze;
pub mod transient;

pub use file::{FileError, cannot, remove_file};
