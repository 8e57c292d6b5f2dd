// SPDX-License-Identifier: MIT OR Apache-2.0
//! The tree of the payload's files, as the unpacker will leave it.

use std::collections::BTreeMap;

/// What the kernel will do with a regular file that is executed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Format {
    /// It may not be executed.
    Closed,
    /// No form that the kernel knows.
    None,
    /// An ELF program without an interpreter.
    Static,
    /// An ELF program whose interpreter stands too far behind to be known.
    Far,
    /// An ELF program, and its interpreter.
    Elf(Box<[u8]>),
    /// An ELF program for other processors: its class and machine.
    Foreign(u8, u16),
    /// A script: its interpreter, and the one argument for it.
    Script(Box<[u8]>, Box<[u8]>),
}

/// What stands at a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Node {
    Directory,
    File(Format),
    Symlink(Box<[u8]>),
    /// A device or a pipe.
    Other,
}

/// Why a path leads to nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dead {
    /// Something on the way is missing or no directory.
    End,
    /// More links than the kernel follows.
    Loop,
}

/// Symbolic links that the kernel follows in one path.
const LINKS: usize = 40;

/// Every path of the payload. What is above a path is always a directory.
#[derive(Debug, Default)]
pub(super) struct Tree(BTreeMap<Box<[u8]>, Node>);

impl Tree {
    pub(super) fn get(&self, path: &[u8]) -> Option<&Node> {
        match path {
            [] => Some(&Node::Directory),
            path => self.0.get(path),
        }
    }

    /// Puts a member in its place, as the unpacker does; the reason why it
    /// cannot.
    pub(super) fn insert(&mut self, path: &[u8], node: Node) -> Result<(), &'static str> {
        if path.is_empty() {
            return Ok(());
        }
        self.make(parent(path))?;
        if node != Node::Directory && self.get(path) == Some(&Node::Directory) && self.is_full(path)
        {
            return Err(
                "comes in the archive again, first as a directory with content and then as something else; make the archive again with GNU tar from one directory",
            );
        }
        self.0.insert(path.into(), node);
        Ok(())
    }

    /// Makes a directory for which the archive has no member.
    fn make(&mut self, path: &[u8]) -> Result<(), &'static str> {
        // Not by recursion: a path may have thousands of parts.
        let mut missing = Vec::new();
        let mut above = path;
        loop {
            match self.get(above) {
                Some(Node::Directory) => break,
                Some(_) => {
                    return Err(
                        "has a path that leads through a symbolic link or a file, so it could leave the new root; make the archive again with GNU tar from one directory",
                    );
                }
                None => missing.push(above),
            }
            above = parent(above);
        }
        for path in missing {
            self.0.insert(path.into(), Node::Directory);
        }
        Ok(())
    }

    pub(super) fn set_format(&mut self, path: &[u8], found: Format) {
        if let Some(Node::File(format)) = self.0.get_mut(path) {
            *format = found;
        }
    }

    /// Whether something lies in a directory.
    fn is_full(&self, path: &[u8]) -> bool {
        self.inside(path).next().is_some()
    }

    /// What lies below a directory: paths from there, and what they are.
    pub(super) fn inside<'a>(
        &'a self,
        directory: &[u8],
    ) -> impl Iterator<Item = (&'a [u8], &'a Node)> + 'a {
        let mut top = directory.to_vec();
        if !top.is_empty() {
            top.push(b'/');
        }
        let start = top.clone().into_boxed_slice();
        self.0
            .range(start..)
            .map_while(move |(path, node)| Some((path.strip_prefix(&top[..])?, node)))
    }

    /// Where a path leads in the new system, links followed, and what stands
    /// there.
    pub(super) fn resolve<'a>(&'a self, path: &'a [u8]) -> Option<(Vec<u8>, &'a Node)> {
        self.follow(path).ok()
    }

    /// The same with the reason why it leads nowhere.
    pub(super) fn follow<'a>(&'a self, path: &'a [u8]) -> Result<(Vec<u8>, &'a Node), Dead> {
        self.follow_below(b"", path, &|_| true)
    }

    /// As [`Tree::resolve`], for a reader whose root is `top` and who sees only
    /// the paths of the whole tree that `sees` accepts.
    pub(super) fn follow_below<'a>(
        &'a self,
        top: &[u8],
        path: &'a [u8],
        sees: &dyn Fn(&[u8]) -> bool,
    ) -> Result<(Vec<u8>, &'a Node), Dead> {
        let mut parts: Vec<&[u8]> = split(path);
        let mut at: Vec<u8> = top.to_vec();
        let mut links = 0;
        while let Some(part) = parts.pop() {
            match part {
                b"" | b"." => continue,
                b".." => {
                    let above = parent(&at).len();
                    at.truncate(above.max(top.len()));
                    continue;
                }
                _ => {}
            }
            let above = at.len();
            if !at.is_empty() {
                at.push(b'/');
            }
            at.extend_from_slice(part);
            if !sees(&at) {
                return Err(Dead::End);
            }
            match self.get(&at).ok_or(Dead::End)? {
                Node::Directory => {}
                Node::Symlink(target) => {
                    links += 1;
                    if links > LINKS {
                        return Err(Dead::Loop);
                    }
                    let absolute = target.starts_with(b"/");
                    at.truncate(if absolute { top.len() } else { above });
                    parts.extend(split(target));
                }
                // A file has nothing below it.
                _ if parts.iter().any(|part| !part.is_empty()) => return Err(Dead::End),
                _ => {}
            }
        }
        let node = self.get(&at).ok_or(Dead::End)?;
        Ok((at, node))
    }

    /// Whether anything stands at a path, be it a link to nowhere.
    pub(super) fn stands_at(&self, path: &[u8]) -> bool {
        let Some((mut at, Node::Directory)) = self.resolve(parent(path)) else {
            return false;
        };
        let name = path.rsplit(|byte| *byte == b'/').next().unwrap_or(path);
        if !at.is_empty() {
            at.push(b'/');
        }
        at.extend_from_slice(name);
        self.get(&at).is_some()
    }

    /// Whether a path leads to a regular file.
    pub(super) fn is_file(&self, path: &[u8]) -> bool {
        matches!(self.resolve(path), Some((_, Node::File(_))))
    }
}

/// The parts of a path, the first one at the end.
fn split(path: &[u8]) -> Vec<&[u8]> {
    path.split(|byte| *byte == b'/').rev().collect()
}

/// The path above the last component.
pub(super) fn parent(path: &[u8]) -> &[u8] {
    let slash = path.iter().rposition(|byte| *byte == b'/');
    path.get(..slash.unwrap_or(0)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::super::program::NOT_EXECUTABLE;
    use super::*;

    const FILE: Node = Node::File(NOT_EXECUTABLE);

    fn link(target: &str) -> Node {
        Node::Symlink(target.as_bytes().into())
    }

    #[test]
    fn paths_lead_where_the_new_system_finds_them() {
        let mut tree = Tree::default();
        for (path, node) in [
            ("usr/bin/dash", FILE),
            ("usr/bin/sh", link("dash")),
            ("bin", link("usr/bin")),
            ("usr/lib64", link("../lib64")),
            ("lib64/x", FILE),
            ("absolute", link("/usr/./bin//sh")),
            ("out", link("../../../usr/bin/dash")),
            ("loop", link("loop")),
            ("dead", link("nowhere")),
            ("root", link("/")),
        ] {
            tree.insert(path.as_bytes(), node).unwrap();
        }
        let at = |path: &str| {
            let found = tree.resolve(path.as_bytes());
            found.map(|(at, _)| String::from_utf8(at).unwrap())
        };
        for (path, place) in [
            ("/bin/sh", Some("usr/bin/dash")),
            ("absolute", Some("usr/bin/dash")),
            ("out", Some("usr/bin/dash")),
            ("usr/lib64/x", Some("lib64/x")),
            ("root", Some("")),
            ("root/bin/dash", Some("usr/bin/dash")),
            ("usr/bin/", Some("usr/bin")),
            ("loop", None),
            ("dead", None),
            ("bin/sh/x", None),
            ("nothing", None),
        ] {
            assert_eq!(at(path).as_deref(), place, "{path}");
        }
        assert!(tree.is_file(b"bin/sh") && !tree.is_file(b"bin"));
        let stands = ["bin/sh", "dead", "bin/dash", "bin/x", "x/y"];
        let stands = stands.map(|path| tree.stands_at(path.as_bytes()));
        assert_eq!(stands, [true, true, true, false, false]);
    }

    #[test]
    fn what_is_above_is_a_directory() {
        let mut tree = Tree::default();
        tree.insert(b"a/b/c", FILE).unwrap();
        assert_eq!(tree.get(b"a/b"), Some(&Node::Directory));
        assert!(tree.insert(b"a/b/c/d", FILE).is_err());
        tree.insert(b"l", link("a")).unwrap();
        assert!(tree.insert(b"l/x/y", FILE).is_err());
        assert!(tree.get(b"l/x").is_none());
        // A path that only begins with the same letters is not inside.
        tree.insert(b"empty", Node::Directory).unwrap();
        tree.insert(b"empty-not", FILE).unwrap();
        tree.insert(b"empty", FILE).unwrap();
        assert!(tree.insert(b"a", FILE).is_err());
        let inside: Vec<_> = tree.inside(b"a").map(|(path, _)| path).collect();
        assert_eq!(inside, [&b"b"[..], b"b/c"]);
    }
}
