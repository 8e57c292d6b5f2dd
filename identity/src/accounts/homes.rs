// SPDX-License-Identifier: MIT OR Apache-2.0
//! Home directories in the new system.

use crate::report::Report;
use rootdir::{Attributes, Error, Person, Result, RootDir};

/// How deep /etc/skel is copied.
const DEPTH: usize = 8;
/// Longest path of a home in bytes, and its most directories.
const LONGEST: usize = 1024;
const DEEPEST: usize = 32;
/// Top directories that are unsuitable for a home, whatever passwd says.
const NO_PLACES: [&str; 7] = ["proc", "sys", "dev", "run", "nonexistent", "boot", "etc"];

/// Whether no home can be made there: Linux takes names of 255 bytes.
pub(super) fn too_long(home: &str) -> bool {
    home.len() > LONGEST
        || home.split('/').count() > DEEPEST
        || home.split('/').any(|part| part.len() > 255)
}

/// A home directory and its owner.
pub(super) struct Home<'a> {
    /// Path in the new system.
    pub path: &'a str,
    /// User number.
    pub uid: u32,
    /// Number of the primary group.
    pub gid: u32,
}

impl Home<'_> {
    /// Attributes of what is the user's own.
    pub(super) fn attributes(&self, mode: u32) -> Attributes {
        Attributes {
            mode,
            uid: self.uid,
            gid: self.gid,
        }
    }

    /// The user, without other groups.
    pub(super) fn person(&self) -> Person {
        Person {
            uid: self.uid,
            gid: self.gid,
            groups: Vec::new(),
        }
    }

    /// Whether files can be put there.
    pub(super) fn usable(&self, root: &RootDir) -> Result<()> {
        let mut parts = self.path.split('/').filter(|p| !["", "."].contains(p));
        let dots = self.path.split('/').any(|p| p == "..");
        let no_place = match parts.next() {
            _ if too_long(self.path) || dots || !self.path.starts_with('/') => true,
            // Traditionally root's home was `/`.
            None => self.uid != 0,
            Some(first) => NO_PLACES.contains(&first),
        };
        match no_place {
            false => Ok(()),
            true => Err(Error::Unusable {
                path: root.full(self.path),
                reason: "it is no place for a home directory",
            }),
        }
    }

    /// Makes it with what new homes have, if nothing of that name is there. A
    /// home that cannot be made is a warning: the machine is usable without.
    pub(super) fn make(&self, root: &RootDir, mode: u32, report: &mut Report) {
        let home = self.path;
        if ["/nonexistent", "/dev/null", "/"].contains(&home) {
            return;
        }
        match self.try_make(root, mode) {
            Ok(true) => report.done(format!("home directory {home} made")),
            Ok(false) => {}
            // For example, the home is a dangling link.
            Err(error) => report.warn(format!("no home directory {home}: {error}")),
        }
    }

    fn try_make(&self, root: &RootDir, mode: u32) -> Result<bool> {
        self.usable(root)?;
        let guarded = root.guarded()?;
        if guarded.present(self.path)? {
            return Ok(false);
        }
        guarded.make_dir(self.path, self.attributes(mode))?;
        self.copy(root, &guarded, "etc/skel", self.path, DEPTH)?;
        Ok(true)
    }

    fn copy(
        &self,
        root: &RootDir,
        guarded: &RootDir,
        from: &str,
        to: &str,
        depth: usize,
    ) -> Result<()> {
        for name in root.list(from)? {
            let (from, to) = (format!("{from}/{name}"), format!("{to}/{name}"));
            if let Some(target) = root.link(&from)? {
                guarded.symlink(&to, &target)?;
                continue;
            }
            let Some(attributes) = root.attributes(&from)? else {
                continue;
            };
            let attributes = self.attributes(attributes.mode);
            if root.is_dir(&from)? {
                if depth > 0 {
                    guarded.make_dir(&to, attributes)?;
                    self.copy(root, guarded, &from, &to, depth - 1)?;
                }
            } else if let Some(bytes) = root.read(&from)? {
                guarded.write(&to, &bytes, attributes)?;
            }
        }
        Ok(())
    }
}
