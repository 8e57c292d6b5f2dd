// SPDX-License-Identifier: MIT OR Apache-2.0
//! The payload as GRUB will see it: each file system by itself, without mounts.

use super::tree::{Node, Tree};
use super::{Target, Texts, below};
use crate::grub::{self, GrubPath, Search};

/// What is unpacked where.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sight<'a> {
    pub(super) tree: &'a Tree,
    pub(super) target: &'a Target,
}

impl<'a> Sight<'a> {
    /// Where the file system of a path is mounted.
    pub(super) fn mount(&self, path: &[u8]) -> &'a str {
        let filesystem = self.target.filesystem(path);
        let found = filesystem.and_then(|n| self.target.filesystems.get(n));
        found.map_or("/", |f| &f.mount)
    }

    /// Where a path of the file system that is mounted at `mount` leads. Links
    /// lead no further than to that file system's own root.
    pub(super) fn resolve(&self, mount: &str, path: &'a [u8]) -> Option<(Vec<u8>, &'a Node)> {
        let sees = |path: &[u8]| self.mount(path) == mount;
        self.tree.follow_below(below(mount), path, &sees).ok()
    }

    /// Whether GRUB finds a file at a path of the whole tree.
    pub(super) fn is_file(&self, path: &'a [u8]) -> bool {
        let mount = self.mount(path);
        let inside = path.strip_prefix(below(mount)).unwrap_or(path);
        matches!(self.resolve(mount, inside), Some((_, Node::File(_))))
    }
}

/// What GRUB can read when the boot step is done: the payload's files, of which
/// the text of some is known, and the initramfs of each kernel.
#[derive(Debug)]
pub(super) struct Readable<'a> {
    pub(super) sight: Sight<'a>,
    pub(super) texts: &'a Texts,
    /// Paths of the whole tree that the boot step makes.
    pub(super) made: Vec<String>,
}

impl Readable<'_> {
    fn find(&self, place: &GrubPath) -> Option<(Vec<u8>, bool)> {
        let found = self.sight.resolve(&place.device, place.path.as_bytes());
        match found {
            Some((path, Node::File(_))) => Some((path, true)),
            Some((path, Node::Directory)) => Some((path, false)),
            _ => {
                let (directory, name) = place.path.rsplit_once('/')?;
                let directory = directory.as_bytes();
                let (directory, _) = self.sight.resolve(&place.device, directory)?;
                let path = [&directory[..], name.as_bytes()].join(&b'/');
                let is_made = self.made.iter().any(|made| below(made) == path);
                is_made.then_some((path, true))
            }
        }
    }
}

impl grub::Files for Readable<'_> {
    fn node(&self, place: &GrubPath) -> Option<grub::Node> {
        self.find(place).map(|(_, is_file)| match is_file {
            true => grub::Node::File,
            false => grub::Node::Directory,
        })
    }

    fn size(&self, place: &GrubPath) -> Option<u64> {
        let (_, is_file) = self.find(place)?;
        // No image is empty, and of the others the text is known.
        let text = || self.read(place).map(|text| text.len() as u64);
        is_file.then(|| text().unwrap_or(1))
    }

    fn read(&self, place: &GrubPath) -> Option<Vec<u8>> {
        let (path, _) = self.find(place)?;
        let text = self.texts.get(std::str::from_utf8(&path).ok()?)?;
        Some(text.as_bytes().to_vec())
    }

    fn list(&self, place: &GrubPath) -> Option<Vec<String>> {
        let (path, is_file) = self.find(place)?;
        if is_file {
            return None;
        }
        let inside = self.sight.tree.inside(&path).map(|(name, _)| name);
        let names = inside.filter(|name| !name.contains(&b'/'));
        Some(
            names
                .map(|name| String::from_utf8_lossy(name).into())
                .collect(),
        )
    }

    fn search(&self, _: Search<'_>) -> Option<String> {
        None
    }
}
