// SPDX-License-Identifier: MIT OR Apache-2.0
//! Looking and reading below the root.

use super::error::{Error, Result, io};
use super::{Attributes, RootDir, resolve};
use ondisk::os_release::{self, OsRelease};
use rustix::fs::{FileType, OFlags};
use rustix::io::Errno;
use std::fs::File;
use std::io::Read;
use std::os::fd::{AsFd, OwnedFd};

/// Files of configuration are far smaller, in bytes. The inventory of a payload
/// refuses longer ones.
pub const LIMIT: u64 = ondisk::identity_path::LONGEST_FILE;

impl RootDir {
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

    /// The kernel's number of the device that what `rel` leads to is on.
    pub fn device(&self, rel: &str) -> Result<Option<u64>> {
        Ok(self.stat(rel, OFlags::empty())?.map(|s| s.st_dev))
    }

    /// Mode and owner of what `rel` leads to.
    pub fn attributes(&self, rel: &str) -> Result<Option<Attributes>> {
        Ok(self.stat(rel, OFlags::empty())?.map(|s| Attributes::of(&s)))
    }

    /// The path of what `rel` leads to, without links and dots; none if
    /// nothing is there. Two names of one file have one path.
    pub fn real_path(&self, rel: &str) -> Result<Option<String>> {
        match resolve::walk(self.dir.as_fd(), rel, OFlags::PATH, self.links()) {
            Ok(way) => {
                let mut names: Vec<&str> = way.dirs.iter().map(|(n, _)| n.as_str()).collect();
                names.extend(Some(way.name.as_str()).filter(|n| !n.is_empty()));
                Ok(Some(names.join("/")))
            }
            Err(e) => self.absent("look at", rel, e),
        }
    }

    /// Whether `rel` leads to a file that may be executed.
    pub fn is_program(&self, rel: &str) -> Result<bool> {
        let stat = self.stat(rel, OFlags::empty())?;
        Ok(stat.is_some_and(|s| {
            FileType::from_raw_mode(s.st_mode) == FileType::RegularFile && s.st_mode & 0o111 != 0
        }))
    }

    /// Opens a regular file of any length for reading; none if there is none.
    pub fn open_file(&self, rel: &str) -> Result<Option<File>> {
        match self.stat(rel, OFlags::empty())? {
            None => return Ok(None),
            Some(s) if FileType::from_raw_mode(s.st_mode) != FileType::RegularFile => {
                // Devices and pipes are not even opened.
                return Ok(None);
            }
            Some(_) => {}
        }
        self.resolve(rel, OFlags::RDONLY | OFlags::NONBLOCK)
            .map(|fd| Some(File::from(fd)))
            .map_err(|e| io("open", &self.full(rel), e))
    }

    /// The content of a regular file; none if there is none.
    pub fn read(&self, rel: &str) -> Result<Option<Vec<u8>>> {
        let file = self.open_file(rel)?;
        file.map(|file| self.content(rel, file)).transpose()
    }

    /// The bytes of a file that is open, at most [`LIMIT`]; `rel` is for
    /// messages.
    pub(super) fn content(&self, rel: &str, file: File) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        file.take(LIMIT + 1)
            .read_to_end(&mut bytes)
            .map_err(|e| io("read", &self.full(rel), e))?;
        if bytes.len() as u64 > LIMIT {
            return Err(Error::TooLarge {
                path: self.full(rel),
                limit: LIMIT,
            });
        }
        Ok(bytes)
    }

    /// The text of a regular file, bytes that are no UTF-8 replaced.
    pub fn text(&self, rel: &str) -> Result<Option<String>> {
        Ok(self
            .read(rel)?
            .map(|b| String::from_utf8_lossy(&b).into_owned()))
    }

    /// What its os-release says; nothing where there is none.
    pub fn os_release(&self) -> Result<OsRelease> {
        for path in os_release::PATHS {
            if let Some(text) = self.text(path)? {
                return Ok(OsRelease::of(&text));
            }
        }
        Ok(OsRelease::default())
    }

    /// Names in a directory, sorted; empty if there is no such directory.
    /// Names that are no UTF-8 are left out.
    pub fn list(&self, rel: &str) -> Result<Vec<String>> {
        let fd = match self.resolve(rel, OFlags::RDONLY | OFlags::DIRECTORY) {
            Ok(fd) => fd,
            Err(e) => return self.absent("open the directory", rel, e),
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
        names.sort_unstable();
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

    /// Opens a directory below the root.
    pub fn directory(&self, rel: &str) -> rustix::io::Result<OwnedFd> {
        self.resolve(rel, OFlags::RDONLY | OFlags::DIRECTORY)
    }
}
