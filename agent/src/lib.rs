// SPDX-License-Identifier: MIT OR Apache-2.0
//! replant replaces the operating system of a running Linux machine in place.
//!
//! This library is all that runs on the machine that is migrated, on the old
//! system and in the tiny system; `main` only wires.

// Documentation of public items is required of the libraries, not of a program.
#![allow(missing_docs)]
// A print to a closed pipe would end the program between two side effects:
// `terminal` writes on the old system, `report` in the tiny one.
#![cfg_attr(not(test), deny(clippy::print_stdout, clippy::print_stderr))]

pub mod block;
pub mod cli;
pub mod cmdline;
pub mod device;
pub mod disk;
pub mod fingerprint;
#[cfg(test)]
mod fuzz;
pub mod grubfiles;
pub mod locate;
mod losses;
pub mod lvm;
pub mod machine;
pub mod mount;
#[cfg(test)]
mod namespace;
pub mod old;
pub mod password;
pub mod paths;
pub mod payload;
pub mod plan;
pub mod program;
mod random;
pub mod report;
pub mod stop;
pub mod terminal;
pub mod tiny;
