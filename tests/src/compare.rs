// SPDX-License-Identifier: MIT OR Apache-2.0
//! Two trees of files, compared with everything that a file has.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

/// The files of a tree by their paths.
pub type Tree = BTreeMap<PathBuf, Entry>;

/// What a file is, as text; equal files have equal texts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// When it was last changed.
    time: String,
    /// All the rest.
    rest: String,
}

impl std::fmt::Display for Entry {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{} {}", self.time, self.rest)
    }
}

/// In what a file may differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum May {
    /// In nothing.
    Nothing,
    /// In its time: the directory that something was made in.
    Time,
    /// In all; it may be new, too.
    All,
}

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
    let time = format!("time {}.{:09}", meta.mtime(), meta.mtime_nsec());
    let mut text = format!("mode {:o} owner {}:{}", meta.mode(), meta.uid(), meta.gid());
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
    tree.insert(path.into(), Entry { time, rest: text });
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

/// What differs between the trees, one line each; `may` says what is allowed.
pub fn differences(old: &Tree, new: &Tree, may: impl Fn(&Path) -> May) -> Vec<String> {
    let mut found = Vec::new();
    for path in old
        .keys()
        .chain(new.keys().filter(|p| !old.contains_key(*p)))
    {
        let (a, b) = (old.get(path), new.get(path));
        let allowed = match (may(path), a, b) {
            _ if a == b => true,
            (May::All, ..) => true,
            (May::Time, Some(a), Some(b)) => a.rest == b.rest,
            _ => false,
        };
        if !allowed {
            let text = |entry: Option<&Entry>| entry.map_or("missing".into(), Entry::to_string);
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
            std::fs::create_dir(root.join("time")).unwrap();
            let touch = |date: &str, names: &[&str]| {
                let status = std::process::Command::new("touch")
                    .args(["-d", date])
                    .args(names)
                    .current_dir(&root)
                    .status();
                assert!(status.unwrap().success());
            };
            touch("2020-01-01", &["same", "content", "."]);
            let date = if tree == "a" {
                "2021-01-01"
            } else {
                "2022-01-01"
            };
            touch(date, &["time"]);
        }
        let (a, b) = (read(&dir.path().join("a")), read(&dir.path().join("b")));
        let found = differences(&a, &b, |_| May::Nothing);
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found[0].starts_with("\"content\""));
        assert!(found[1].starts_with("\"time\""));
        let found = differences(&a, &b, |_| May::Time);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].starts_with("\"content\""));
        let may = |path: &Path| match path == Path::new("content") {
            true => May::All,
            false => May::Time,
        };
        assert_eq!(differences(&a, &b, may), [""; 0]);
        // A file that only one of them has.
        let mut more = b.clone();
        more.insert("new".into(), b[Path::new("same")].clone());
        assert_eq!(differences(&b, &more, |_| May::Time).len(), 1);
        assert_eq!(differences(&more, &b, |_| May::Time).len(), 1);
    }
}
