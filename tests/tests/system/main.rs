// SPDX-License-Identifier: MIT OR Apache-2.0
//! The whole system in QEMU. One program, so that as many of its machines run
//! at a time as there are processors; `FILTER=loader` runs one room of it.
//!
//! They run in the order of their names: what takes long should come early.

mod bad_input;
mod crash;
mod devices;
mod dracut;
mod e2e;
mod grub_once;
mod guard;
mod harness_runs;
mod init;
mod loader;
mod lvm;
mod others;
mod partition;
mod pinned;
mod runs;
mod small;
mod tiny;
