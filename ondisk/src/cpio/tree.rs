// SPDX-License-Identifier: MIT OR Apache-2.0
//! What is there after archives were unpacked over each other.

use std::collections::BTreeMap;

use super::{DIRECTORY, Entry, Error, NAME_MAX, REGULAR, Reader, SYMLINK, TYPE_MASK};

/// A file of a [`Tree`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node<'a> {
    /// File type and permission bits.
    pub mode: u32,
    /// What a device node stands for, major and minor.
    pub node: (u32, u32),
    /// Content; the target of a symbolic link.
    pub data: &'a [u8],
}

impl Node<'_> {
    /// Whether this is a regular file.
    pub fn is_file(&self) -> bool {
        self.mode & TYPE_MASK == REGULAR
    }
}

/// The files of one or several archives: later ones win, hard links share
/// their data.
#[derive(Debug, Default)]
pub struct Tree<'a> {
    nodes: Vec<Node<'a>>,
    paths: BTreeMap<String, usize>,
    /// Path of the entry that was added last.
    last: Option<String>,
}

/// Symbolic links that are followed before a path is given up (the kernel's limit).
const LINKS_MAX: usize = 40;

impl<'a> Tree<'a> {
    /// A tree without files.
    pub fn new() -> Self {
        Self::default()
    }

    /// Unpacks the archives at the start of `bytes`; gives the byte offset
    /// where they end (the end, or the start of something that is no archive).
    pub fn add(&mut self, bytes: &'a [u8]) -> Result<usize, Error> {
        let mut reader = Reader::new(bytes);
        // Inode (with its device and type) to node, within one archive.
        let mut inodes = BTreeMap::new();
        let mut archive = 0;
        while let Some(entry) = reader.next() {
            let entry = entry?;
            if reader.archives() != archive {
                archive = reader.archives();
                inodes.clear();
            }
            self.insert(&entry, &mut inodes);
        }
        Ok(reader.position())
    }

    fn insert(&mut self, entry: &Entry<'a>, inodes: &mut BTreeMap<((u32, u32), u32, u32), usize>) {
        let path = entry.path().into_owned();
        if path.is_empty() {
            return;
        }
        let fresh = self.nodes.len();
        let mut at = fresh;
        if entry.links >= 2 && entry.kind() != DIRECTORY {
            at = *inodes
                .entry((entry.device, entry.inode, entry.kind()))
                .or_insert(fresh);
        }
        match self.nodes.get_mut(at) {
            None => self.nodes.push(Node {
                mode: entry.mode,
                node: entry.node,
                data: entry.data,
            }),
            Some(node) => {
                node.mode = entry.mode;
                if !entry.data.is_empty() {
                    node.data = entry.data;
                }
            }
        }
        self.last = Some(path.clone());
        self.paths.insert(path, at);
    }

    /// The paths and what they are, sorted.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Node<'a>)> {
        self.paths
            .iter()
            .filter_map(|(path, at)| Some((path.as_str(), self.nodes.get(*at)?)))
    }

    /// Number of paths.
    pub fn len(&self) -> usize {
        self.paths.len()
    }

    /// Whether there is nothing.
    pub fn is_empty(&self) -> bool {
        self.paths.is_empty()
    }

    /// Path of the entry that stood last.
    pub fn last_path(&self) -> Option<&str> {
        self.last.as_deref()
    }

    /// What stands under exactly this path (relative, no symbolic link followed).
    pub fn get(&self, path: &str) -> Option<&Node<'a>> {
        self.nodes.get(*self.paths.get(path)?)
    }

    /// The path that `path` leads to when symbolic links are followed, in the
    /// directories above it and at its end. `None` if that leads nowhere, out
    /// of the tree or in a circle.
    pub fn resolve(&self, path: &str) -> Option<String> {
        let mut todo: Vec<String> = parts(path);
        let mut done: Vec<String> = Vec::new();
        let mut followed = 0;
        while let Some(part) = todo.pop() {
            if part == ".." {
                done.pop();
                continue;
            }
            done.push(part);
            let path = done.join("/");
            if path.len() >= NAME_MAX {
                return None;
            }
            let Some(node) = self.get(&path) else {
                continue;
            };
            if node.mode & TYPE_MASK != SYMLINK {
                continue;
            }
            followed += 1;
            if followed > LINKS_MAX || node.data.len() >= NAME_MAX {
                return None;
            }
            let target = String::from_utf8_lossy(node.data).into_owned();
            done.pop();
            if target.starts_with('/') {
                done.clear();
            }
            todo.extend(parts(&target));
        }
        let path = done.join("/");
        self.paths.contains_key(&path).then_some(path)
    }
}

/// The parts of a path, last one first.
fn parts(path: &str) -> Vec<String> {
    let parts = path.split('/').filter(|part| !matches!(*part, "" | "."));
    parts.rev().map(str::to_owned).collect()
}
