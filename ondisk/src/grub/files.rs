// SPDX-License-Identifier: MIT OR Apache-2.0
//! The files that GRUB sees: by device and path, without mounts.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// A file as GRUB names it: `(device)/path`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GrubPath {
    /// The device, which is any name that [`Files`] gave.
    pub device: String,
    /// The path on the device's file system, from its root.
    pub path: String,
}

impl GrubPath {
    /// A path on a device. Slashes that mean nothing are taken away.
    pub fn new(device: &str, path: &str) -> GrubPath {
        let names = path.split('/').filter(|name| !name.is_empty());
        let mut clean = String::with_capacity(path.len());
        for name in names {
            clean.push('/');
            clean.push_str(name);
        }
        GrubPath {
            device: device.into(),
            path: if clean.is_empty() { "/".into() } else { clean },
        }
    }

    /// A path below this one.
    pub fn join(&self, name: &str) -> GrubPath {
        GrubPath::new(&self.device, &format!("{}/{name}", self.path))
    }

    /// The last name of the path.
    pub fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or("")
    }
}

impl fmt::Display for GrubPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "({}){}", self.device, self.path)
    }
}

/// What a directory lists under a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Node {
    /// A directory.
    Directory,
    /// A file.
    File,
    /// A symbolic link, whether or not it leads anywhere.
    Link,
}

/// What `search` looks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Search<'a> {
    /// A file system's UUID, in any case.
    Uuid(&'a str),
    /// A file system's label.
    Label(&'a str),
    /// A path that must exist.
    File(&'a str),
}

/// The file systems of a machine as GRUB sees them. GRUB knows no mounts: of
/// a separate /boot it sees the paths without /boot. Links lead only to
/// places on the same file system.
pub trait Files {
    /// What the directory lists; a link in the last place is not followed.
    fn node(&self, place: &GrubPath) -> Option<Node>;
    /// The length of a file, links followed; none for a directory.
    fn size(&self, place: &GrubPath) -> Option<u64>;
    /// The content of a file, links followed.
    fn read(&self, place: &GrubPath) -> Option<Vec<u8>>;
    /// The names in a directory, links followed.
    fn list(&self, place: &GrubPath) -> Option<Vec<String>>;
    /// The first device that has it.
    fn search(&self, wanted: Search<'_>) -> Option<String>;
}

/// Files in memory.
#[derive(Debug, Clone, Default)]
pub struct Tree {
    files: BTreeMap<GrubPath, Vec<u8>>,
    uuids: Vec<(String, String)>,
    labels: Vec<(String, String)>,
}

impl Tree {
    /// No file at all.
    pub fn new() -> Tree {
        Tree::default()
    }

    /// With this file; its directories come to be with it.
    #[must_use]
    pub fn with(mut self, device: &str, path: &str, content: impl Into<Vec<u8>>) -> Tree {
        self.files
            .insert(GrubPath::new(device, path), content.into());
        self
    }

    /// With this UUID of a device's file system.
    #[must_use]
    pub fn with_uuid(mut self, device: &str, uuid: &str) -> Tree {
        self.uuids.push((device.into(), uuid.into()));
        self
    }

    /// With this label of a device's file system.
    #[must_use]
    pub fn with_label(mut self, device: &str, label: &str) -> Tree {
        self.labels.push((device.into(), label.into()));
        self
    }

    fn below<'a>(&'a self, place: &'a GrubPath) -> impl Iterator<Item = &'a str> {
        let prefix = match place.path.as_str() {
            "/" => "/".to_string(),
            path => format!("{path}/"),
        };
        let same = self.files.keys().filter(|p| p.device == place.device);
        same.filter_map(move |p| p.path.strip_prefix(&prefix))
    }
}

impl Files for Tree {
    fn node(&self, place: &GrubPath) -> Option<Node> {
        if self.files.contains_key(place) {
            return Some(Node::File);
        }
        self.below(place).next().map(|_| Node::Directory)
    }

    fn size(&self, place: &GrubPath) -> Option<u64> {
        self.files.get(place).map(|content| content.len() as u64)
    }

    fn read(&self, place: &GrubPath) -> Option<Vec<u8>> {
        self.files.get(place).cloned()
    }

    fn list(&self, place: &GrubPath) -> Option<Vec<String>> {
        let names = self.below(place).filter_map(|rest| rest.split('/').next());
        let names: BTreeSet<_> = names.map(String::from).collect();
        (!names.is_empty()).then(|| names.into_iter().collect())
    }

    fn search(&self, wanted: Search<'_>) -> Option<String> {
        let found = match wanted {
            Search::Uuid(uuid) => self.uuids.iter().find(|u| u.1.eq_ignore_ascii_case(uuid)),
            Search::Label(label) => self.labels.iter().find(|l| l.1 == label),
            Search::File(path) => {
                let exists = |p: &&GrubPath| p.path == GrubPath::new("", path).path;
                return self.files.keys().find(exists).map(|p| p.device.clone());
            }
        };
        found.map(|(device, _)| device.clone())
    }
}

/// Files of which some were changed, or are not there yet: what GRUB will see
/// after a write that has not happened.
pub struct Changed<'a> {
    base: &'a dyn Files,
    changes: BTreeMap<GrubPath, Vec<u8>>,
}

impl<'a> Changed<'a> {
    /// `base` with these files in place of its own.
    pub fn new(base: &'a dyn Files, changes: BTreeMap<GrubPath, Vec<u8>>) -> Changed<'a> {
        Changed { base, changes }
    }

    /// With one more file.
    #[must_use]
    pub fn with(mut self, place: GrubPath, content: impl Into<Vec<u8>>) -> Changed<'a> {
        self.changes.insert(place, content.into());
        self
    }
}

impl Files for Changed<'_> {
    fn node(&self, place: &GrubPath) -> Option<Node> {
        let real = self.base.node(place);
        if real.is_none() && self.changes.contains_key(place) {
            return Some(Node::File);
        }
        real
    }

    fn size(&self, place: &GrubPath) -> Option<u64> {
        match self.changes.get(place) {
            Some(content) => Some(content.len() as u64),
            None => self.base.size(place),
        }
    }

    fn read(&self, place: &GrubPath) -> Option<Vec<u8>> {
        match self.changes.get(place) {
            Some(content) => Some(content.clone()),
            None => self.base.read(place),
        }
    }

    fn list(&self, place: &GrubPath) -> Option<Vec<String>> {
        let mut names = self.base.list(place);
        for new in self.changes.keys().filter(|p| p.device == place.device) {
            let Some((parent, name)) = new.path.rsplit_once('/') else {
                continue;
            };
            if GrubPath::new(&new.device, parent) == *place {
                let names = names.get_or_insert_default();
                if !names.iter().any(|n| n == name) {
                    names.push(name.into());
                }
            }
        }
        names
    }

    fn search(&self, wanted: Search<'_>) -> Option<String> {
        let found = self.base.search(wanted);
        if let (None, Search::File(path)) = (&found, wanted) {
            let exists = |p: &&GrubPath| p.path == GrubPath::new("", path).path;
            return self.changes.keys().find(exists).map(|p| p.device.clone());
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places() {
        let place = GrubPath::new("hd0,msdos1", "//grub2/./grub.cfg/");
        assert_eq!(place.to_string(), "(hd0,msdos1)/grub2/./grub.cfg");
        assert_eq!(place.name(), "grub.cfg");
        assert_eq!(GrubPath::new("a", "").to_string(), "(a)/");
    }

    #[test]
    fn changes_lie_over_the_tree() {
        let tree = Tree::new()
            .with("a", "/grub/grub.cfg", "x")
            .with_uuid("a", "AB-CD");
        assert_eq!(tree.search(Search::Uuid("ab-cd")), Some("a".into()));
        assert_eq!(
            tree.node(&GrubPath::new("a", "/grub")),
            Some(Node::Directory)
        );
        assert_eq!(tree.node(&GrubPath::new("b", "/grub")), None);
        let custom = GrubPath::new("a", "/grub/custom.cfg");
        let changed = Changed::new(&tree, BTreeMap::new()).with(custom.clone(), "yy");
        assert_eq!(changed.node(&custom), Some(Node::File));
        assert_eq!(changed.size(&custom), Some(2));
        let names = changed.list(&GrubPath::new("a", "/grub"));
        assert_eq!(names, Some(vec!["grub.cfg".into(), "custom.cfg".into()]));
    }
}
