// SPDX-License-Identifier: MIT OR Apache-2.0
//! A directory that is used as a root: no path and no symbolic link leads out
//! of it, whatever it contains.

mod attribute;
mod beneath;
mod error;
mod label;
pub mod labels;
mod place;
mod read;
mod resolve;
#[cfg(test)]
mod tests;
mod user;
mod walk;
mod write;

pub use beneath::beneath;
pub use error::{Error, Result};
pub use place::Place;
pub use read::LIMIT;
pub use user::{Access, FoundFile, Person};
pub use walk::{Entry, Step};

use error::io;
use ondisk::selinux::FileContexts;
use resolve::Links;
use rustix::fs::{Mode, OFlags, Stat};
use rustix::io::Errno;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Mode and owner of a file or directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attributes {
    /// Permission bits (07777).
    pub mode: u32,
    /// User number.
    pub uid: u32,
    /// Group number.
    pub gid: u32,
}

impl Attributes {
    /// Permission bits, and root's own.
    pub const fn root(mode: u32) -> Attributes {
        Attributes {
            mode,
            uid: 0,
            gid: 0,
        }
    }

    fn of(stat: &Stat) -> Attributes {
        Attributes {
            mode: stat.st_mode & 0o7777,
            uid: stat.st_uid,
            gid: stat.st_gid,
        }
    }
}

/// A root directory. Paths are relative to it; a leading slash is ignored.
#[derive(Debug)]
pub struct RootDir {
    dir: OwnedFd,
    path: PathBuf,
    /// Only root can give files away; without privileges (in tests) files
    /// belong to whoever runs the program.
    chown: bool,
    /// The policy of the system below the root, where new files get labels.
    labels: Option<Arc<FileContexts>>,
    /// Links are followed only where root alone can have put them.
    guarded: bool,
}

impl RootDir {
    /// Opens the root directory.
    pub fn open(path: &Path) -> Result<RootDir> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let dir = rustix::fs::open(path, flags, Mode::empty())
            .map_err(|e| io("open the directory", path, e))?;
        Ok(RootDir {
            dir,
            path: path.to_owned(),
            chown: rustix::process::geteuid().is_root(),
            labels: None,
            guarded: false,
        })
    }

    /// The same root for writing where users can write, too: a link is
    /// followed only in a directory that root alone can write.
    pub fn guarded(&self) -> Result<RootDir> {
        let root = RootDir::open(&self.path)?;
        Ok(RootDir {
            guarded: true,
            labels: self.labels.clone(),
            ..root
        })
    }

    fn links(&self) -> Links {
        match self.guarded {
            true => Links::Roots,
            false => Links::All,
        }
    }

    /// The full path of `rel`, for messages.
    pub fn full(&self, rel: &str) -> PathBuf {
        self.path.join(rel.trim_start_matches('/'))
    }

    fn resolve(&self, rel: &str, flags: OFlags) -> rustix::io::Result<OwnedFd> {
        let rel = rel.trim_start_matches('/');
        match self.guarded {
            true => resolve::walk(self.dir.as_fd(), rel, flags, Links::Roots).map(|way| way.end),
            false => resolve::open(self.dir.as_fd(), rel, flags),
        }
    }

    /// What `rel` leads to, symbolic links followed; none if nothing is there.
    fn stat(&self, rel: &str, flags: OFlags) -> Result<Option<Stat>> {
        match self.resolve(rel, OFlags::PATH | flags) {
            Ok(fd) => rustix::fs::fstat(&fd)
                .map(Some)
                .map_err(|e| io("look at", &self.full(rel), e)),
            Err(e) => self.absent("look at", rel, e),
        }
    }

    /// Nothing, if the kernel's answer is that nothing is there.
    fn absent<T: Default>(&self, action: &'static str, rel: &str, errno: Errno) -> Result<T> {
        match errno {
            Errno::NOENT | Errno::NOTDIR => Ok(T::default()),
            _ => Err(io(action, &self.full(rel), errno)),
        }
    }

    /// Splits off the last name; a path without one is refused.
    fn split<'a>(&self, rel: &'a str) -> Result<(&'a str, &'a str)> {
        let rel = rel.trim_matches('/');
        let (parent, name) = rel.rsplit_once('/').unwrap_or((".", rel));
        if name.is_empty() || name == "." || name == ".." {
            return Err(Error::Unusable {
                path: self.full(rel),
                reason: "it names no file",
            });
        }
        Ok((parent, name))
    }

    fn find_parent<'a>(&self, rel: &'a str) -> Result<Option<(OwnedFd, &'a str)>> {
        let (parent, name) = self.split(rel)?;
        match self.resolve(parent, OFlags::PATH | OFlags::DIRECTORY) {
            Ok(dir) => Ok(Some((dir, name))),
            Err(e) => self.absent("open the directory", parent, e),
        }
    }
}
