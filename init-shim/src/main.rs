// SPDX-License-Identifier: MIT OR Apache-2.0
//! `/init`: the entry point, the panic handler, and the memory functions that
//! the compiler calls.
//!
//! The real one is built in release mode, where a panic aborts. In other
//! profiles, in which unwinding wants a standard library, an ordinary program
//! is built that only checks the same code.
#![cfg_attr(panic = "abort", no_std, no_main)]

#[cfg(panic = "abort")]
mod entry;
#[cfg(panic = "abort")]
mod memory;

#[cfg(not(panic = "abort"))]
fn main() {
    eprintln!("init: build it by `make out/init`");
    std::process::exit(1);
}
