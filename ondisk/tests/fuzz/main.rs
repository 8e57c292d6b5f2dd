// SPDX-License-Identifier: MIT OR Apache-2.0
//! Every parser on damaged inputs: an error or a value that makes sense, in
//! little time and memory, and never a panic; what can be written reads back
//! as it was. [`testkit`] says how to repeat a failure, and how to run more.
//!
//! Signatures of file systems that only their own tools can make, and kernel
//! modules, are damaged in `tests/signatures` and `tests/modules.rs`, by the
//! same means.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod cpio;
mod gpt;
mod grub;
mod inventory;
mod lifeboat;
mod loader;
mod lvm;
#[allow(dead_code, reason = "only readers are needed here")]
#[path = "../lvm/fixture.rs"]
mod lvm_fixture;
mod manifest;
mod mbr;
mod minisign;
mod modules;
mod pax;
mod selinux;
mod signature;
mod texts;
mod words;
