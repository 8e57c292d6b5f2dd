// SPDX-License-Identifier: MIT OR Apache-2.0
//! PID 1 of replant's tiny system.
//!
//! It mounts, connects all consoles with one program, `/bin/replant`, reaps,
//! survives the program's death, and ends with `sync` and `reboot(2)`. It has
//! no heap, no C library and no way to exit.
//!
//! Parsing and deciding ([`cmdline`], [`mounts`], [`status`], [`line`]) are
//! apart from doing.
#![cfg_attr(not(test), no_std)]
#![cfg_attr(test, allow(clippy::indexing_slicing))]

pub mod boot;
pub mod builtin;
pub mod child;
pub mod cmdline;
pub mod console;
pub mod consoles;
pub mod file;
pub mod finish;
pub mod kernel;
pub mod kmsg;
pub mod line;
pub mod link;
pub mod mount;
pub mod mounts;
pub mod rescue;
pub mod signal;
pub mod status;
pub mod supervise;
pub mod system;
