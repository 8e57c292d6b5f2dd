// SPDX-License-Identifier: MIT OR Apache-2.0
//! A mount namespace for a test, so that whatever fails, nobody cleans up a
//! directory on which this machine's /dev is mounted.

use std::path::PathBuf;
use std::process::Command;

const ROOT: &str = "REPLANT_TEST_ROOT";

/// Runs the test `name` again in a new namespace, where it returns an empty
/// directory. In the first run it returns `None` after the second has passed.
/// Needs root.
pub(crate) fn enter(name: &str) -> Option<PathBuf> {
    if let Some(root) = std::env::var_os(ROOT) {
        return Some(root.into());
    }
    let root = tempfile::tempdir().unwrap();
    let out = Command::new("unshare")
        .args(["--mount", "--propagation", "private"])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "--nocapture", name])
        .env(ROOT, root.path())
        .output()
        .expect("unshare (package util-linux), as root");
    let text = String::from_utf8_lossy(&out.stdout) + String::from_utf8_lossy(&out.stderr);
    // The test program also succeeds when no test has that name.
    assert!(out.status.success() && text.contains("1 passed"), "{text}");
    None
}
