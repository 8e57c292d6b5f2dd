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

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::MetadataExt;

    /// As useradd makes it: what /etc/skel has, the user's own, with the labels
    /// of the policy's file_contexts.homedirs.
    #[test]
    fn a_home_with_labels() {
        testkit::needs!("root");
        let top = tempfile::tempdir().unwrap();
        let root = RootDir::open(top.path()).unwrap();
        let own = Attributes::root(0o644);
        let contexts = "etc/selinux/x/contexts/files";
        for (path, text) in [
            ("etc/selinux/config", "SELINUX=enforcing\nSELINUXTYPE=x\n"),
            ("etc/selinux/x/policy/policy.33", "x"),
            (
                &*format!("{contexts}/file_contexts"),
                "/.*\tsystem_u:object_r:default_t:s0\n/home\t-d\tsystem_u:object_r:home_root_t:s0\n",
            ),
            (
                &*format!("{contexts}/file_contexts.homedirs"),
                "/home/[^/]+\t-d\tunconfined_u:object_r:user_home_dir_t:s0\n/home/[^/]+/.+\tunconfined_u:object_r:user_home_t:s0\n/home/[^/]+/\\.ssh(/.*)?\tunconfined_u:object_r:ssh_home_t:s0\n",
            ),
            ("etc/skel/.bashrc", "x"),
            ("etc/skel/.ssh/config", "x"),
        ] {
            root.write(path, text.as_bytes(), own).unwrap();
        }
        let labels = rootdir::labels::Labels::read(&root).unwrap().unwrap();
        assert_eq!(labels.warnings, [""; 0]);
        let root = root.with_labels(labels.contexts);
        let (path, uid, gid) = ("/home/alice", 1000, 1000);
        Home { path, uid, gid }.make(&root, 0o700, &mut Report::default());
        for (path, kind) in [
            ("home", "home_root_t"),
            ("home/alice", "user_home_dir_t"),
            ("home/alice/.bashrc", "user_home_t"),
            ("home/alice/.ssh", "ssh_home_t"),
            ("home/alice/.ssh/config", "ssh_home_t"),
        ] {
            let path = top.path().join(path);
            let mut label = [0; 256];
            let length = rustix::fs::getxattr(&path, "security.selinux", &mut label).unwrap();
            let label = String::from_utf8_lossy(&label[..length]).into_owned();
            assert!(label.contains(&format!(":{kind}:")), "{path:?}: {label}");
            let meta = path.metadata().unwrap();
            let owner = if path.ends_with("home") { 0 } else { 1000 };
            assert_eq!((meta.uid(), meta.gid()), (owner, owner), "{path:?}");
        }
        assert_eq!(
            top.path().join("home/alice").metadata().unwrap().mode() & 0o777,
            0o700
        );
    }
}
