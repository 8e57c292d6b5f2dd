// SPDX-License-Identifier: MIT OR Apache-2.0
//! replant replaces the operating system of a running Linux machine in place.
//!
//! This library is all that runs on the machine that is migrated, on the old
//! system and in the tiny system; `main` only wires.

pub mod boot;
pub mod cli;
pub mod cmdline;
pub mod console;
pub mod device;
pub mod disk;
pub mod identity;
pub mod locate;
pub mod lvm;
pub mod machine;
pub mod mount;
pub mod paths;
pub mod payload;
pub mod plan;
pub mod program;
pub mod report;
pub mod stage;
pub mod steps;
pub mod tiny;
