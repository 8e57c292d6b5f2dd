// SPDX-License-Identifier: MIT OR Apache-2.0
//! What `/init` and the agent, `/bin/replant`, agree on: the words of the
//! kernel's command line, the agent's exit statuses, the files by which the
//! two tell each other something, and what their two consoles read alike.
//!
//! Values only: no I/O, no heap, no dependency.
#![cfg_attr(not(test), no_std)]

pub mod cmdline;
mod exit;
pub mod kmsg;
pub mod mark;
pub mod path;

pub use cmdline::Mode;
pub use exit::Exit;
