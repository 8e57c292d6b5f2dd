// SPDX-License-Identifier: MIT OR Apache-2.0
//! The project's own sources.

use std::path::{Path, PathBuf};

/// The Rust files below a directory, or the file that it is, sorted.
pub fn sources(path: impl AsRef<Path>) -> Vec<PathBuf> {
    let path = path.as_ref();
    if !path.is_dir() {
        return Vec::from_iter(
            path.extension()
                .is_some_and(|e| e == "rs")
                .then(|| path.into()),
        );
    }
    let entries = std::fs::read_dir(path).unwrap();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| !path.ends_with("target"));
    paths.sort();
    paths.into_iter().flat_map(sources).collect()
}
