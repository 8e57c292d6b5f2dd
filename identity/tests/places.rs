// SPDX-License-Identifier: MIT OR Apache-2.0
//! What `apply` reads and writes in the new system is looked at in the payload
//! before, when nothing is lost yet. This compares the sources with the table
//! of what is looked at.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use ondisk::inventory::is_identity_path;
use std::path::{Path, PathBuf};

/// Sources that read the old system only.
const OF_THE_OLD: [&str; 4] = ["collect", "save.rs", "network/files", "network/kernel"];

/// What cannot be read there is a warning.
const ONLY_WARNS: [&str; 1] = ["etc/skel"];

fn sources(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else {
            found.push(path);
        }
    }
}

/// The texts in a source that begin like a path of a system's own files. What
/// comes after a name that is filled in is left out.
fn paths(source: &str) -> Vec<String> {
    let code = source.split("#[cfg(test)]").next().unwrap();
    let texts = code.split('"').skip(1).step_by(2);
    let tops = ["etc/", "var/lib/", "boot/"];
    let paths = texts.filter(|text| tops.iter().any(|top| text.starts_with(top)));
    let whole = paths.map(|text| text.split('{').next().unwrap());
    let is_path = |text: &&str| !text.contains(|c: char| c.is_whitespace() || c == ';');
    let names = whole.filter(is_path).map(|text| text.trim_end_matches('/'));
    // Of `etc/{name}`, the names are in a list; the table has them, too.
    names.filter(|n| *n != "etc").map(String::from).collect()
}

#[test]
fn what_is_applied_was_looked_at() {
    let mut files = Vec::new();
    sources(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("src"),
        &mut files,
    );
    let mut seen = 0;
    for file in files {
        let name = file.display().to_string();
        if name.contains("tests") || OF_THE_OLD.iter().any(|part| name.contains(part)) {
            continue;
        }
        for path in paths(&std::fs::read_to_string(&file).unwrap()) {
            seen += 1;
            assert!(
                is_identity_path(&path) || ONLY_WARNS.contains(&path.as_str()),
                "{name}: {path} is in no table of ondisk's inventory (inventory/identity.rs)"
            );
        }
    }
    assert!(seen > 30, "{seen}");
    for name in ["passwd", "group", "shadow", "gshadow", "subuid", "subgid"] {
        assert!(is_identity_path(&format!("etc/{name}")), "{name}");
    }
}
