// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the tests of several crates need: random numbers and a fuzzer that are
//! the same in each run, disks, programs, a manifest, the project's sources,
//! a key that signs, what a test needs of the machine and what it takes.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod cpu;
mod disk;
mod fuzz;
mod manifest;
mod needs;
mod old_kernel;
mod program;
mod random;
mod signing;
mod sources;

pub use cpu::cpu_time;
pub use disk::{Loop, Mount, sparse, unmount};
pub use fuzz::{Tally, Target, is_alone};
pub use manifest::manifest;
pub use needs::skipped;
pub use old_kernel::on_linux_3_10;
pub use program::{Kernel, chroot, copy_program, kernel, output, roots, run, source, tool};
pub use random::Random;
pub use signing::SigningKey;
pub use sources::sources;
