// SPDX-License-Identifier: MIT OR Apache-2.0
//! The payload against the real GNU tar and xz, on real ext4. Needs root, a
//! loop device, and tar, xz, mkfs.ext4, setfacl, setfattr, setcap.

#![allow(clippy::unwrap_used)]

mod damage;
mod decode;
mod equal;
mod hostile;
mod load;
mod look;
mod peak;
mod runs;
mod scratch;
mod snapshot;
mod tree;
