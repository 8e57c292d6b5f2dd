// SPDX-License-Identifier: MIT OR Apache-2.0
//! Two trees of files, compared with everything that a file has.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

/// What a file is, as text; equal files have equal texts.
type Tree = BTreeMap<PathBuf, String>;

/// Reads a tree. Hard links are described by the first of their names.
///
/// # Panics
/// When something cannot be read.
pub fn read(root: &Path) -> Tree {
    let mut tree = Tree::new();
    let mut links = BTreeMap::new();
    visit(root, Path::new(""), &mut tree, &mut links);
    tree
}

fn visit(root: &Path, path: &Path, tree: &mut Tree, links: &mut BTreeMap<(u64, u64), PathBuf>) {
    let full = root.join(path);
    let meta = std::fs::symlink_metadata(&full).unwrap_or_else(|e| panic!("{full:?}: {e}"));
    let kind = meta.file_type();
    let mut text = format!(
        "mode {:o} owner {}:{} time {}.{:09}",
        meta.mode(),
        meta.uid(),
        meta.gid(),
        meta.mtime(),
        meta.mtime_nsec()
    );
    for (name, value) in xattrs(&full) {
        let _ = write!(text, " {name}={value:02x?}");
    }
    if kind.is_symlink() {
        let target = std::fs::read_link(&full).unwrap_or_else(|e| panic!("{full:?}: {e}"));
        let _ = write!(text, " to {target:?}");
    } else if kind.is_block_device() || kind.is_char_device() {
        let _ = write!(text, " device {:x}", meta.rdev());
    } else if kind.is_file() {
        let bytes = std::fs::read(&full).unwrap_or_else(|e| panic!("{full:?}: {e}"));
        let _ = write!(
            text,
            " size {} content {:x}",
            bytes.len(),
            fingerprint(&bytes)
        );
        if meta.nlink() > 1 {
            let first = links
                .entry((meta.dev(), meta.ino()))
                .or_insert_with(|| path.into());
            let _ = write!(text, " same as {first:?}");
        }
        // A hole that became zeros is no difference in content, and one here.
        let sparse = meta.blocks() * 512 < meta.len() / 2;
        let _ = write!(text, " sparse {sparse}");
    }
    tree.insert(path.into(), text);
    if kind.is_dir() {
        let entries = std::fs::read_dir(&full).unwrap_or_else(|e| panic!("{full:?}: {e}"));
        // In one order, for the first name of a hard link is the one that counts.
        let mut names: Vec<_> = entries
            .map(|entry| entry.expect("an entry").file_name())
            .collect();
        names.sort();
        for name in names {
            visit(root, &path.join(name), tree, links);
        }
    }
}

fn xattrs(path: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut names = vec![0; 65536];
    let length = rustix::fs::llistxattr(path, &mut names).unwrap_or(0);
    let mut found = BTreeMap::new();
    for name in names[..length].split(|b| *b == 0).filter(|n| !n.is_empty()) {
        let name = String::from_utf8_lossy(name).into_owned();
        let mut value = vec![0; 65536];
        let length = rustix::fs::lgetxattr(path, &*name, &mut value)
            .unwrap_or_else(|e| panic!("{path:?}: {name}: {e}"));
        value.truncate(length);
        found.insert(name, value);
    }
    found
}

/// 128 bits of FNV-1a: no enemy makes these files.
fn fingerprint(bytes: &[u8]) -> u128 {
    let mut hash = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d_u128;
    for byte in bytes {
        hash ^= u128::from(*byte);
        hash = hash.wrapping_mul(0x0000_0000_0100_0000_0000_0000_0000_013b);
    }
    hash
}

/// What differs between the trees, one line each; `expected` says which paths
/// may.
pub fn differences(old: &Tree, new: &Tree, expected: impl Fn(&Path) -> bool) -> Vec<String> {
    let mut found = Vec::new();
    for path in old
        .keys()
        .chain(new.keys().filter(|p| !old.contains_key(*p)))
    {
        let (a, b) = (old.get(path), new.get(path));
        if a != b && !expected(path) {
            let text = |t: Option<&String>| t.map_or("missing".to_string(), Clone::clone);
            found.push(format!(
                "{path:?}:\n  payload: {}\n  disk:    {}",
                text(a),
                text(b)
            ));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sees_what_differs() {
        let dir = tempfile::tempdir().unwrap();
        for tree in ["a", "b"] {
            let root = dir.path().join(tree);
            std::fs::create_dir(&root).unwrap();
            std::fs::write(root.join("same"), "x").unwrap();
            std::fs::write(root.join("content"), tree).unwrap();
            let status = std::process::Command::new("touch")
                .args(["-d", "2020-01-01", "same", "content", "."])
                .current_dir(&root)
                .status()
                .unwrap();
            assert!(status.success());
        }
        let (a, b) = (read(&dir.path().join("a")), read(&dir.path().join("b")));
        let found = differences(&a, &b, |_| false);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].starts_with("\"content\""));
        assert!(differences(&a, &b, |p| p == Path::new("content")).is_empty());
    }
}
