// SPDX-License-Identifier: MIT OR Apache-2.0
//! A directory that is used as a root: no path and no symbolic link leads out
//! of it, whatever it contains.

mod resolve;
#[cfg(test)]
mod tests;

use super::error::{Error, Result};
use rustix::fs::{AtFlags, FileType, Mode, OFlags, Stat};
use rustix::io::Errno;
use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};

/// Files of configuration are far smaller, in bytes.
const LIMIT: u64 = 4 << 20;

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
        })
    }

    /// The full path of `rel`, for messages.
    pub fn full(&self, rel: &str) -> PathBuf {
        self.path.join(rel.trim_start_matches('/'))
    }

    fn resolve(&self, rel: &str, flags: OFlags) -> rustix::io::Result<OwnedFd> {
        resolve::open(self.dir.as_fd(), rel.trim_start_matches('/'), flags)
    }

    /// What `rel` leads to, symbolic links followed; none if nothing is there.
    fn stat(&self, rel: &str, flags: OFlags) -> Result<Option<Stat>> {
        match self.resolve(rel, OFlags::PATH | flags) {
            Ok(fd) => rustix::fs::fstat(&fd)
                .map(Some)
                .map_err(|e| io("look at", &self.full(rel), e)),
            Err(Errno::NOENT | Errno::NOTDIR) => Ok(None),
            Err(e) => Err(io("look at", &self.full(rel), e)),
        }
    }

    /// Whether `rel` leads to anything; a dangling symbolic link does not.
    pub fn exists(&self, rel: &str) -> Result<bool> {
        Ok(self.stat(rel, OFlags::empty())?.is_some())
    }

    /// Whether there is something named `rel`, a dangling link included.
    pub fn present(&self, rel: &str) -> Result<bool> {
        Ok(self.stat(rel, OFlags::NOFOLLOW)?.is_some())
    }

    /// Whether `rel` leads to a directory.
    pub fn is_dir(&self, rel: &str) -> Result<bool> {
        let stat = self.stat(rel, OFlags::empty())?;
        Ok(stat.is_some_and(|s| FileType::from_raw_mode(s.st_mode) == FileType::Directory))
    }

    /// Mode and owner of what `rel` leads to.
    pub fn attributes(&self, rel: &str) -> Result<Option<Attributes>> {
        Ok(self.stat(rel, OFlags::empty())?.map(|s| Attributes::of(&s)))
    }

    /// The content of a regular file; none if there is none.
    pub fn read(&self, rel: &str) -> Result<Option<Vec<u8>>> {
        match self.stat(rel, OFlags::empty())? {
            None => return Ok(None),
            Some(s) if FileType::from_raw_mode(s.st_mode) != FileType::RegularFile => {
                // Devices and pipes are not even opened.
                return Ok(None);
            }
            Some(_) => {}
        }
        let fd = self
            .resolve(rel, OFlags::RDONLY | OFlags::NONBLOCK)
            .map_err(|e| io("open", &self.full(rel), e))?;
        let mut bytes = Vec::new();
        File::from(fd)
            .take(LIMIT + 1)
            .read_to_end(&mut bytes)
            .map_err(|source| Error::Io {
                action: "read",
                path: self.full(rel),
                source,
            })?;
        if bytes.len() as u64 > LIMIT {
            return Err(Error::TooLarge {
                path: self.full(rel),
                limit: LIMIT,
            });
        }
        Ok(Some(bytes))
    }

    /// The text of a regular file, bytes that are no UTF-8 replaced.
    pub fn text(&self, rel: &str) -> Result<Option<String>> {
        Ok(self
            .read(rel)?
            .map(|b| String::from_utf8_lossy(&b).into_owned()))
    }

    /// Names in a directory, sorted; empty if there is no such directory.
    /// Names that are no UTF-8 are left out.
    pub fn list(&self, rel: &str) -> Result<Vec<String>> {
        let fd = match self.resolve(rel, OFlags::RDONLY | OFlags::DIRECTORY) {
            Ok(fd) => fd,
            Err(Errno::NOENT | Errno::NOTDIR) => return Ok(Vec::new()),
            Err(e) => return Err(io("open the directory", &self.full(rel), e)),
        };
        let list = |e| io("list", &self.full(rel), e);
        let mut names = Vec::new();
        for entry in rustix::fs::Dir::read_from(&fd).map_err(list)? {
            let entry = entry.map_err(list)?;
            match entry.file_name().to_str() {
                Ok("." | "..") | Err(_) => {}
                Ok(name) => names.push(name.to_owned()),
            }
        }
        names.sort();
        Ok(names)
    }

    /// Where a symbolic link points; none if `rel` is no symbolic link.
    pub fn link(&self, rel: &str) -> Result<Option<String>> {
        let Some((dir, name)) = self.find_parent(rel)? else {
            return Ok(None);
        };
        match rustix::fs::readlinkat(&dir, name, Vec::new()) {
            Ok(target) => Ok(Some(target.to_string_lossy().into_owned())),
            Err(Errno::INVAL | Errno::NOENT) => Ok(None),
            Err(e) => Err(io("read the link", &self.full(rel), e)),
        }
    }

    /// Replaces or creates a regular file, atomically and durably; a symbolic
    /// link of that name is replaced, not followed. False if the file already
    /// was exactly like that. A replaced file's SELinux label is kept.
    pub fn write(&self, rel: &str, bytes: &[u8], attributes: Attributes) -> Result<bool> {
        let fail = |action, e| io(action, &self.full(rel), e);
        let (dir, name) = self.make_parent(rel)?;
        let mut label = None;
        match rustix::fs::openat(
            &dir,
            name,
            OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC,
            Mode::empty(),
        ) {
            Ok(old) => {
                let stat = rustix::fs::fstat(&old).map_err(|e| fail("look at", e))?;
                let kind = FileType::from_raw_mode(stat.st_mode);
                if kind == FileType::Directory {
                    return Err(Error::Unusable {
                        path: self.full(rel),
                        reason: "a directory is in the place of a file",
                    });
                }
                if kind == FileType::RegularFile {
                    label = selinux_label(&old);
                    let same = Attributes::of(&stat) == self.possible(attributes)
                        && stat.st_size as u64 == bytes.len() as u64
                        && self.same_content(rel, old, bytes)?;
                    if same {
                        return Ok(false);
                    }
                }
            }
            // A link, a socket, a device without a driver, or nothing.
            Err(Errno::LOOP | Errno::NXIO | Errno::NODEV | Errno::NOENT) => {}
            Err(e) => return Err(fail("open", e)),
        }
        let temporary = format!(".{name}.replant");
        remove_if_there(&dir, &temporary).map_err(|e| fail("clear the way for", e))?;
        let fd = rustix::fs::openat(
            &dir,
            temporary.as_str(),
            OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC,
            Mode::RUSR | Mode::WUSR,
        )
        .map_err(|e| fail("create", e))?;
        let mut file = File::from(fd);
        file.write_all(bytes).map_err(|source| Error::Io {
            action: "write",
            path: self.full(rel),
            source,
        })?;
        self.give(&file, attributes)
            .map_err(|e| fail("set owner and mode of", e))?;
        if let Some(label) = label {
            let flags = rustix::fs::XattrFlags::empty();
            rustix::fs::fsetxattr(&file, "security.selinux", &label, flags)
                .map_err(|e| fail("set the SELinux label of", e))?;
        }
        file.sync_all().map_err(|source| Error::Io {
            action: "flush",
            path: self.full(rel),
            source,
        })?;
        rustix::fs::renameat(&dir, temporary.as_str(), &dir, name)
            .map_err(|e| fail("replace", e))?;
        sync_dir(&dir).map_err(|e| fail("flush the directory of", e))?;
        Ok(true)
    }

    /// Replaces or creates a symbolic link, atomically. False if it was so.
    pub fn symlink(&self, rel: &str, target: &str) -> Result<bool> {
        if self.link(rel)?.as_deref() == Some(target) {
            return Ok(false);
        }
        let fail = |action, e| io(action, &self.full(rel), e);
        let (dir, name) = self.make_parent(rel)?;
        let temporary = format!(".{name}.replant");
        remove_if_there(&dir, &temporary).map_err(|e| fail("clear the way for", e))?;
        rustix::fs::symlinkat(target, &dir, temporary.as_str())
            .map_err(|e| fail("create the link", e))?;
        rustix::fs::renameat(&dir, temporary.as_str(), &dir, name)
            .map_err(|e| fail("replace", e))?;
        sync_dir(&dir).map_err(|e| fail("flush the directory of", e))?;
        Ok(true)
    }

    /// Removes a file or link. False if there was none.
    pub fn remove(&self, rel: &str) -> Result<bool> {
        let Some((dir, name)) = self.find_parent(rel)? else {
            return Ok(false);
        };
        let removed = remove_if_there(&dir, name).map_err(|e| io("remove", &self.full(rel), e))?;
        if removed {
            sync_dir(&dir).map_err(|e| io("flush the directory of", &self.full(rel), e))?;
        }
        Ok(removed)
    }

    /// Creates a directory and its parents; an existing one stays as it is.
    /// False if it existed.
    pub fn make_dir(&self, rel: &str, attributes: Attributes) -> Result<bool> {
        if self.is_dir(rel)? {
            return Ok(false);
        }
        let fail = |action, e| io(action, &self.full(rel), e);
        let (dir, name) = self.make_parent(rel)?;
        rustix::fs::mkdirat(&dir, name, Mode::RWXU).map_err(|e| fail("create the directory", e))?;
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let made = rustix::fs::openat(&dir, name, flags, Mode::empty())
            .map_err(|e| fail("open the directory", e))?;
        self.give(&made, attributes)
            .map_err(|e| fail("set owner and mode of", e))?;
        sync_dir(&dir).map_err(|e| fail("flush the directory of", e))?;
        Ok(true)
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
            Err(Errno::NOENT | Errno::NOTDIR) => Ok(None),
            Err(e) => Err(io("open the directory", &self.full(parent), e)),
        }
    }

    fn make_parent<'a>(&self, rel: &'a str) -> Result<(OwnedFd, &'a str)> {
        let (parent, name) = self.split(rel)?;
        let flags = OFlags::PATH | OFlags::DIRECTORY;
        match self.resolve(parent, flags) {
            Ok(dir) => return Ok((dir, name)),
            Err(Errno::NOENT) => {}
            Err(e) => return Err(io("open the directory", &self.full(parent), e)),
        }
        self.make_dir(parent, Attributes::root(0o755))?;
        let dir = self
            .resolve(parent, flags)
            .map_err(|e| io("open the directory", &self.full(parent), e))?;
        Ok((dir, name))
    }

    /// What the file will have: an unprivileged process keeps its own owner.
    fn possible(&self, attributes: Attributes) -> Attributes {
        if self.chown {
            return attributes;
        }
        let (uid, gid) = (rustix::process::geteuid(), rustix::process::getegid());
        Attributes {
            mode: attributes.mode,
            uid: uid.as_raw(),
            gid: gid.as_raw(),
        }
    }

    fn give(&self, fd: impl AsFd, attributes: Attributes) -> rustix::io::Result<()> {
        if self.chown {
            let uid = rustix::fs::Uid::from_raw(attributes.uid);
            let gid = rustix::fs::Gid::from_raw(attributes.gid);
            rustix::fs::fchown(&fd, Some(uid), Some(gid))?;
        }
        rustix::fs::fchmod(fd, Mode::from_raw_mode(attributes.mode))
    }

    fn same_content(&self, rel: &str, fd: OwnedFd, bytes: &[u8]) -> Result<bool> {
        let mut old = Vec::with_capacity(bytes.len());
        File::from(fd)
            .take(bytes.len() as u64 + 1)
            .read_to_end(&mut old)
            .map_err(|source| Error::Io {
                action: "read",
                path: self.full(rel),
                source,
            })?;
        Ok(old == bytes)
    }
}

fn io(action: &'static str, path: &Path, error: Errno) -> Error {
    Error::Io {
        action,
        path: path.to_owned(),
        source: error.into(),
    }
}

fn remove_if_there(dir: &OwnedFd, name: &str) -> rustix::io::Result<bool> {
    match rustix::fs::unlinkat(dir, name, AtFlags::empty()) {
        Ok(()) => Ok(true),
        Err(Errno::NOENT) => Ok(false),
        Err(e) => Err(e),
    }
}

/// Flushes a directory that is open with O_PATH.
fn sync_dir(dir: &OwnedFd) -> rustix::io::Result<()> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let dir = rustix::fs::openat(dir, ".", flags, Mode::empty())?;
    rustix::fs::fsync(dir)
}

/// The label of a file, where there is one and labels are known at all.
fn selinux_label(fd: &OwnedFd) -> Option<Vec<u8>> {
    let mut label = vec![0; 1024];
    let length = rustix::fs::fgetxattr(fd, "security.selinux", &mut label[..]).ok()?;
    label.truncate(length);
    Some(label)
}
