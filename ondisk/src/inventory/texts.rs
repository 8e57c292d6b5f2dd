// SPDX-License-Identifier: MIT OR Apache-2.0
//! The small text files that checks read.

use super::{Findings, is_inside};
use crate::grub::config::Dialect;
use crate::os_release::{self, OsRelease};
use crate::pax::{Entry, Kind};
use std::collections::{BTreeMap, BTreeSet};

/// The longest text that is kept, in bytes.
const LONGEST: usize = 1 << 20;
/// All of them together.
const MOST: usize = 16 << 20;

/// Single files.
const FILES: [&str; 10] = [
    "boot/grub/grub.cfg",
    "boot/grub2/grub.cfg",
    "etc/default/grub",
    "etc/dracut.conf",
    "etc/fstab",
    "etc/kernel/cmdline",
    os_release::PATHS[0],
    "etc/selinux/config",
    "usr/lib/kernel/cmdline",
    os_release::PATHS[1],
];

/// Directories, of which every file with this ending counts.
const DIRECTORIES: [(&str, &str); 5] = [
    ("boot/loader/entries/", ".conf"),
    ("etc/cmdline.d/", ".conf"),
    ("etc/default/grub.d/", ".cfg"),
    ("etc/dracut.conf.d/", ".conf"),
    ("usr/lib/dracut/dracut.conf.d/", ".conf"),
];

/// Whether the member's text is kept.
pub(super) fn is_wanted(path: &[u8]) -> bool {
    let in_directory = |(directory, end): &(&str, &str)| {
        let name = path.strip_prefix(directory.as_bytes());
        name.is_some_and(|name| name.ends_with(end.as_bytes()) && !name.contains(&b'/'))
    };
    FILES.iter().any(|file| file.as_bytes() == path)
        || DIRECTORIES.iter().any(in_directory)
        || std::str::from_utf8(path).is_ok_and(crate::words::is_wanted)
}

/// Texts of the payload, by path below the root: `etc/default/grub`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Texts {
    texts: BTreeMap<String, String>,
    /// While they are read.
    open: Vec<u8>,
    bytes: usize,
    /// Files that exist and cannot be read, with the reasons.
    unread: BTreeMap<String, String>,
    too_long: BTreeSet<String>,
}

fn key(path: &[u8]) -> String {
    // Names that are looked for are plain; another one is only shown.
    String::from_utf8_lossy(path).into_owned()
}

impl Texts {
    /// The text of a file, `etc/fstab` say; what is not UTF-8 in it is
    /// replaced. `None` if the payload has no such file, or none of this kind
    /// (see [`Texts::iter`]).
    pub fn get(&self, path: &str) -> Option<&str> {
        self.texts.get(path).map(String::as_str)
    }

    /// All the texts with their paths, in the order of these: fstab,
    /// grub.cfg, /etc/default/grub and /etc/default/grub.d/*.cfg, the files of
    /// the kernel's command line, dracut's configuration, BLS entries,
    /// /etc/selinux/config.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.texts.iter().map(|(p, t)| (p.as_str(), t.as_str()))
    }

    /// The texts right in a directory, `etc/cmdline.d` say.
    pub fn inside<'a>(&'a self, directory: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
        let right_in = move |path: &str| {
            let name = path
                .strip_prefix(directory)
                .and_then(|p| p.strip_prefix('/'));
            name.is_some_and(|name| !name.contains('/'))
        };
        self.iter().filter(move |(path, _)| right_in(path))
    }

    /// Those right in a directory that are there and cannot be looked at, and
    /// why.
    pub(super) fn unread<'a>(
        &'a self,
        directory: &'a str,
    ) -> impl Iterator<Item = (&'a str, &'a str)> {
        let all = self
            .unread
            .iter()
            .map(|(p, why)| (p.as_str(), why.as_str()));
        all.filter(move |(path, _)| is_inside(path.as_bytes(), directory.as_bytes()))
    }

    /// What system it is, by its os-release.
    #[must_use]
    pub fn os_release(&self) -> OsRelease {
        let text = os_release::PATHS.iter().find_map(|path| self.get(path));
        OsRelease::of(text.unwrap_or_default())
    }

    /// Whose GRUB the new system has.
    pub(super) fn dialect(&self) -> Dialect {
        Dialect::of(&self.os_release())
    }

    pub(super) fn begin(&mut self, path: &[u8]) {
        // Of several members of one name, the last one counts.
        self.forget(path);
        self.open.clear();
    }

    pub(super) fn take(&mut self, path: &[u8], bytes: &[u8]) {
        let length = self.open.len().saturating_add(bytes.len());
        if length > LONGEST || length.saturating_add(self.bytes) > MOST {
            self.too_long.insert(key(path));
        } else {
            self.open.extend_from_slice(bytes);
        }
    }

    pub(super) fn end(&mut self, path: &[u8]) {
        let open = std::mem::take(&mut self.open);
        if self.too_long.remove(&key(path)) {
            self.leave(path, "is too long");
            return;
        }
        self.bytes = self.bytes.saturating_add(open.len());
        let text = String::from_utf8_lossy(&open).into_owned();
        self.texts.insert(key(path), text);
    }

    /// Another name of a file that may be kept.
    pub(super) fn link(&mut self, path: &[u8], target: &[u8]) {
        if !is_wanted(path) || path == target {
            return;
        }
        self.forget(path);
        match self.texts.get(&key(target)).cloned() {
            Some(text) => {
                self.bytes = self.bytes.saturating_add(text.len());
                self.texts.insert(key(path), text);
            }
            None => self.leave(path, "is a hard link to a file elsewhere"),
        }
    }

    /// A member that is no regular file.
    pub(super) fn other(&mut self, entry: &Entry) {
        if !is_wanted(&entry.path) || matches!(entry.kind, Kind::HardLink { .. }) {
            return;
        }
        self.forget(&entry.path);
        if let Kind::Symlink { .. } = entry.kind {
            self.leave(&entry.path, "is a symbolic link");
        }
    }

    fn leave(&mut self, path: &[u8], why: &str) {
        self.unread.insert(key(path), why.to_owned());
    }

    fn forget(&mut self, path: &[u8]) {
        let path = key(path);
        if let Some(text) = self.texts.remove(&path) {
            self.bytes = self.bytes.saturating_sub(text.len());
        }
        self.unread.remove(&path);
    }

    pub(super) fn check(&self, refusals: &mut Findings, warnings: &mut Findings) {
        for (path, why) in &self.unread {
            if path == "etc/fstab" {
                refusals.push(path.as_bytes(), format!(
                    "{why}, and must be a file that can be looked at; make it a short file of its own in the new system"
                ));
            } else if path.starts_with("boot/grub") || os_release::PATHS.contains(&path.as_str()) {
                // Made anew by the boot step; the same in two places.
            } else {
                warnings.push(
                    path.as_bytes(),
                    format!("{why}: what it says was not looked at"),
                );
            }
        }
        if self.get("etc/fstab").is_none() && !self.unread.contains_key("etc/fstab") {
            refusals.push(
                b"etc/fstab",
                "is missing; write one in the new system, and make the payload again",
            );
        }
    }
}
