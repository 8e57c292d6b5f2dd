// SPDX-License-Identifier: MIT OR Apache-2.0
//! Trees of files.

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// Directories of one test: the old system, the new one, the saved identity.
pub struct Places {
    pub top: TempDir,
    pub old: PathBuf,
    pub new: PathBuf,
    pub saved: PathBuf,
}

impl Places {
    /// None of the three is there yet.
    pub fn new() -> Places {
        let top = tempfile::tempdir().unwrap();
        let at = |name: &str| top.path().join(name);
        Places {
            old: at("old"),
            new: at("new"),
            saved: at("id"),
            top,
        }
    }
}

pub fn write(root: &Path, path: &str, text: &str) {
    let path = root.join(path);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

pub fn read(root: &Path, path: &str) -> String {
    std::fs::read_to_string(root.join(path)).unwrap_or_else(|e| panic!("{path}: {e}"))
}

/// Every file below a directory: mode, user, group, content.
pub type Snapshot = BTreeMap<PathBuf, (u32, u32, u32, Vec<u8>)>;

pub fn snapshot(dir: &Path) -> Snapshot {
    let mut all = BTreeMap::new();
    let mut todo = vec![dir.to_owned()];
    while let Some(dir) = todo.pop() {
        for entry in std::fs::read_dir(&dir).unwrap() {
            let path = entry.unwrap().path();
            let meta = path.symlink_metadata().unwrap();
            let content = if meta.is_dir() {
                todo.push(path.clone());
                Vec::new()
            } else if meta.is_symlink() {
                let target = std::fs::read_link(&path).unwrap();
                target.into_os_string().into_encoded_bytes()
            } else {
                std::fs::read(&path).unwrap()
            };
            all.insert(path, (meta.mode(), meta.uid(), meta.gid(), content));
        }
    }
    all
}
