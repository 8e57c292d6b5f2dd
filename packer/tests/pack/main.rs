// SPDX-License-Identifier: MIT OR Apache-2.0
//! `replant-pack` as a person starts it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod bench;
mod build;
mod bundle;
mod dist;
mod initramfs;
mod package;
mod sign;
