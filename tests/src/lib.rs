// SPDX-License-Identifier: MIT OR Apache-2.0
//! The harness of the whole-system tests.
//!
//! [`vm::Vm`] boots QEMU and talks to its serial ports, [`hostroot`] runs a
//! shell script in a virtual machine that sees this host's programs under
//! Debian's kernel, [`cache`] keeps what is costly to make.

pub mod accelerator;
pub mod armed;
pub mod cache;
pub mod compare;
pub mod crash;
pub mod example;
pub mod hostroot;
pub mod image;
pub mod initrd;
pub mod migration;
pub mod probe;
pub mod product;
pub mod recorded;
pub mod session;
pub mod small;
pub mod ssh;
pub mod table;
pub mod vm;
