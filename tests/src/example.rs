// SPDX-License-Identifier: MIT OR Apache-2.0
//! The agent's own code in small programs, for scripts in [`crate::hostroot`].

use crate::cache;
use std::path::PathBuf;
use std::process::Command;

/// Builds this example of the agent for this host, as the running test was
/// built; its path.
///
/// # Panics
/// When it cannot be built.
pub fn example(name: &str) -> PathBuf {
    let status = Command::new(env!("CARGO"))
        // As the tests were built: with fewer features all would be compiled again.
        .args(["build", "--quiet", "--workspace", "--example", name])
        .current_dir(cache::source())
        .status()
        .expect("cargo");
    assert!(status.success(), "cargo build --example {name}: {status}");
    let test = std::env::current_exe().expect("the path of this test");
    let target = test.ancestors().nth(2).expect("target/debug");
    target.join("examples").join(name)
}
