// SPDX-License-Identifier: MIT OR Apache-2.0
//! Everything about a tree that must be equal.
use ondisk::sha256::{Sha256, Sha256Sum};
use rustix::fs::{FileType, SeekFrom, seek};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};

#[derive(Debug, PartialEq, Eq)]
pub struct Node {
    mode: u32,
    owner: (u32, u32),
    size: u64,
    mtime: (i64, i64),
    device: u64,
    /// The first path, in order, with the same inode.
    first_name: PathBuf,
    /// Sectors in use: tells holes from zeros.
    blocks: u64,
    xattrs: BTreeMap<OsString, Vec<u8>>,
    content: Option<Sha256Sum>,
    target: Option<PathBuf>,
}

/// The tree below `root`, without the directory that mkfs makes.
pub fn take(root: &Path) -> BTreeMap<PathBuf, Node> {
    // Blocks that are not yet allocated are not counted.
    super::scratch::sh("sync -f \"$1\"", &[root]);
    let mut paths = Vec::new();
    walk(root, &mut paths);
    paths.sort();
    let mut inodes = BTreeMap::new();
    let mut nodes = BTreeMap::new();
    for path in paths {
        let name = path.strip_prefix(root).unwrap().to_path_buf();
        let data = path.symlink_metadata().unwrap();
        let kind = FileType::from_raw_mode(data.mode());
        let file = kind == FileType::RegularFile;
        let directory = kind == FileType::Directory;
        let first_name = inodes.entry(data.ino()).or_insert_with(|| name.clone());
        let node = Node {
            mode: data.mode(),
            owner: (data.uid(), data.gid()),
            size: if directory { 0 } else { data.size() },
            mtime: (data.mtime(), data.mtime_nsec()),
            device: data.rdev(),
            first_name: first_name.clone(),
            blocks: if file { data.blocks() } else { 0 },
            xattrs: xattrs(&path),
            content: file.then(|| hash(&path)),
            target: path.read_link().ok(),
        };
        nodes.insert(name, node);
    }
    nodes
}

/// Fails with the first few differences.
pub fn assert_equal(ours: &Path, theirs: &Path) -> usize {
    let (ours, theirs) = (take(ours), take(theirs));
    let mut differences = Vec::new();
    for path in ours.keys().chain(theirs.keys()) {
        let (one, other) = (ours.get(path), theirs.get(path));
        if one != other {
            differences.push(format!("{path:?}\n  ours   {one:?}\n  theirs {other:?}"));
        }
    }
    differences.truncate(5);
    assert!(differences.is_empty(), "{}", differences.join("\n"));
    ours.len()
}

fn walk(path: &Path, paths: &mut Vec<PathBuf>) {
    paths.push(path.to_path_buf());
    if path.symlink_metadata().unwrap().is_dir() {
        for entry in path.read_dir().unwrap() {
            let entry = entry.unwrap();
            if entry.file_name() != "lost+found" {
                walk(&entry.path(), paths);
            }
        }
    }
}

/// The checksum of the data with its offsets; holes are not read.
fn hash(path: &Path) -> Sha256Sum {
    let file = std::fs::File::open(path).unwrap();
    let (mut hash, mut buffer) = (Sha256::new(), vec![0; 1 << 20]);
    let mut at = 0;
    while let Ok(start) = seek(&file, SeekFrom::Data(at)) {
        at = seek(&file, SeekFrom::Hole(start)).unwrap();
        let mut from = start;
        while from < at {
            let length = buffer.len().min((at - from) as usize);
            let read = file.read_at(&mut buffer[..length], from).unwrap();
            hash.update(&from.to_le_bytes());
            hash.update(&buffer[..read]);
            from += read as u64;
        }
    }
    hash.finish()
}

fn xattrs(path: &Path) -> BTreeMap<OsString, Vec<u8>> {
    let mut list = vec![0u8; 65536];
    let length = rustix::fs::llistxattr(path, &mut list[..]).unwrap();
    let names = list[..length].split(|byte| *byte == 0);
    names
        .filter(|name| !name.is_empty())
        .map(|name| {
            let mut value = vec![0u8; 65536];
            let length = rustix::fs::lgetxattr(path, name, &mut value[..]).unwrap();
            (OsString::from_vec(name.to_vec()), value[..length].to_vec())
        })
        .collect()
}
