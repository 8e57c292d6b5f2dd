// SPDX-License-Identifier: MIT OR Apache-2.0
//! PID 1 of replant's tiny system.
//!
//! It mounts, connects all consoles with one program, `/bin/replant`, reaps,
//! survives the program's death, and ends with `sync` and `reboot(2)`. It has
//! no heap, no C library and no way to exit.
//!
//! Parsing and deciding ([`cmdline`], [`mounts`], [`verdict`], [`line_editor`],
//! [`patience`], [`idle`], [`escape`], [`question`]) are apart from doing.
#![cfg_attr(not(test), no_std)]
#![cfg_attr(test, allow(clippy::indexing_slicing))]

pub mod boot;
pub mod child;
pub mod cmdline;
pub mod console;
pub mod consoles;
pub mod errno;
pub mod escape;
pub mod fallback_console;
pub mod file;
pub mod idle;
pub mod kernel;
pub mod kmsg;
pub mod line_editor;
pub mod mount;
pub mod mounts;
pub mod patience;
pub mod pty;
pub mod question;
pub mod shutdown;
pub mod signal;
pub mod stop;
pub mod supervise;
pub mod system;
pub mod takeover;
pub mod unattended;
pub mod verdict;
pub mod watchdog;
