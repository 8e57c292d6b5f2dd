// SPDX-License-Identifier: MIT OR Apache-2.0
//! Writing below the root.

use super::error::{Error, Result, io};
use super::{Attributes, RootDir};
use ondisk::selinux::Kind;
use rustix::fs::{AtFlags, FileType, Mode, OFlags};
use rustix::io::Errno;
use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::{AsFd, OwnedFd};

impl RootDir {
    /// Replaces or creates a regular file, atomically and durably; a symbolic
    /// link of that name is replaced, not followed. False if the file already
    /// was exactly like that. A replaced file's SELinux label is kept.
    pub fn write(&self, rel: &str, bytes: &[u8], attributes: Attributes) -> Result<bool> {
        let fail = |action, e| io(action, &self.full(rel), e);
        let (dir, name) = self.make_parent(rel)?;
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
        file.write_all(bytes)
            .map_err(|e| io("write", &self.full(rel), e))?;
        self.give(&file, attributes)
            .map_err(|e| fail("set owner and mode of", e))?;
        self.copy_label(&dir, (name, &temporary), Kind::File)
            .map_err(|e| fail("set the SELinux label of", e))?;
        file.sync_all()
            .map_err(|e| io("flush", &self.full(rel), e))?;
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
        self.copy_label(&dir, (name, &temporary), Kind::Link)
            .map_err(|e| fail("set the SELinux label of", e))?;
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
        self.copy_label(&dir, (name, name), Kind::Directory)
            .map_err(|e| fail("set the SELinux label of", e))?;
        sync_dir(&dir).map_err(|e| fail("flush the directory of", e))?;
        Ok(true)
    }

    /// Sets mode and owner of a file or directory that exists.
    pub fn set_attributes(&self, rel: &str, attributes: Attributes) -> Result<()> {
        let fail = |e| io("set owner and mode of", &self.full(rel), e);
        let fd = self
            .resolve(rel, OFlags::RDONLY | OFlags::NONBLOCK)
            .map_err(fail)?;
        self.give(fd, attributes).map_err(fail)
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
            .map_err(|e| io("read", &self.full(rel), e))?;
        Ok(old == bytes)
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
