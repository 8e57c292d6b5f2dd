// SPDX-License-Identifier: MIT OR Apache-2.0
//! The devices that existed before uevents were listened to.

use std::fs;
use std::path::{Path, PathBuf};

/// Directories below /sys/devices that are walked at most this deep.
const DEPTH: usize = 32;

/// The modaliases of all devices below `sys`, in the order of their paths. A
/// device that vanishes meanwhile is skipped.
pub fn modaliases(sys: &Path) -> Vec<String> {
    devices(sys)
        .into_iter()
        .map(|(_, modalias)| modalias)
        .collect()
}

/// All devices below `sys` that have a modalias: path and modalias.
pub fn devices(sys: &Path) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    walk(&sys.join("devices"), DEPTH, &mut found);
    found.sort_unstable();
    found
}

fn walk(directory: &Path, depth: usize, found: &mut Vec<(PathBuf, String)>) {
    let Ok(entries) = fs::read_dir(directory) else {
        return;
    };
    for entry in entries.flatten() {
        let Ok(kind) = entry.file_type() else {
            continue;
        };
        if kind.is_dir() && depth > 0 {
            walk(&entry.path(), depth - 1, found);
        } else if kind.is_file() && entry.file_name() == "modalias" {
            let text = fs::read_to_string(entry.path()).unwrap_or_default();
            if !text.trim().is_empty() {
                found.push((directory.to_owned(), text.trim().to_owned()));
            }
        }
    }
}
