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
    rest: String,
}

impl std::fmt::Display for Entry {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{} {}", self.time, self.rest)
    }
}

/// Permitted differences of a file.
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
    let length = match rustix::fs::llistxattr(path, &mut names) {
        // A file system that has none.
        Err(rustix::io::Errno::NOTSUP) => 0,
        other => other.unwrap_or_else(|e| panic!("{path:?}: {e}")),
    };
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
pub(crate) fn fingerprint(bytes: &[u8]) -> u128 {
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
        let make = |tree: &str, edit: &str| {
            let script = format!(
                "mkdir {tree}; cd {tree}; echo x >file; ln file hard; ln -s file soft; mkfifo fifo
                 truncate -s 1M hole; mknod node c 1 3; setfattr -n user.a -v 1 file; mkdir dir
                 touch -h -d 2020-01-01 file soft fifo hole node dir .
                 {edit}"
            );
            let run = std::process::Command::new("sh")
                .args(["-ec", &script])
                .current_dir(&dir)
                .output()
                .unwrap();
            let message = String::from_utf8_lossy(&run.stderr).into_owned();
            assert!(run.status.success(), "{edit}: {message}");
            read(&dir.path().join(tree))
        };
        let one = make("one", ":");
        assert_eq!(
            differences(&one, &make("same", ":"), |_| May::Nothing),
            [""; 0]
        );
        for (n, (path, edit)) in [
            ("file", "echo y >hard; touch -d 2020-01-01 file"),
            ("fifo", "chmod 600 fifo"),
            ("hole", "chown 1:2 hole"),
            ("dir", "touch -d '2020-01-01 00:00:00.5' dir"),
            ("soft", "ln -sfn fil soft; touch -h -d 2020-01-01 soft"),
            (
                "node",
                "rm node; mknod node c 1 5; touch -d 2020-01-01 node",
            ),
            (
                "hole",
                "head -c 1M /dev/zero >hole; touch -d 2020-01-01 hole",
            ),
            ("dir", "setfattr -n user.b -v 1 dir"),
            ("hard", "rm hard; cp -p --preserve=xattr file hard"),
            ("hole", "rm -f hole"),
            ("new", "touch -d 2020-01-01 new"),
        ]
        .into_iter()
        .enumerate()
        {
            // The directory's own time is not what is looked at.
            let edit = format!("{{ {edit}; }} && touch -d 2020-01-01 .");
            let other = make(&format!("tree{n}"), &edit);
            let may = |p: &Path, this| match ["", "file", "hard"].map(Path::new).contains(&p) {
                _ if p == Path::new(path) => this,
                true => May::All,
                false => May::Nothing,
            };
            let found = differences(&one, &other, |p| may(p, May::Nothing));
            assert_eq!(found.len(), 1, "{edit}: {found:?}");
            assert!(found[0].starts_with(&format!("{path:?}:")), "{found:?}");
            let only_time = edit.contains("00:00:00.5");
            let found = differences(&one, &other, |p| may(p, May::Time));
            assert_eq!(found.is_empty(), only_time, "{edit}: {found:?}");
            assert_eq!(differences(&one, &other, |p| may(p, May::All)), [""; 0]);
        }
    }
}
