// SPDX-License-Identifier: MIT OR Apache-2.0
//! Places below the root that something is mounted on.

use super::RootDir;
use super::error::{Error, Result, io};
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::path::PathBuf;

/// A place below a root, held open: what it is cannot change any more.
#[derive(Debug)]
pub struct Place {
    fd: OwnedFd,
}

impl Place {
    /// A path that leads to it and nowhere else, as long as it is open.
    pub fn handle(&self) -> PathBuf {
        PathBuf::from(format!("/proc/self/fd/{}", self.fd.as_raw_fd()))
    }

    /// Number of its file system, and its own there.
    pub fn number(&self) -> rustix::io::Result<(u64, u64)> {
        rustix::fs::fstat(&self.fd).map(|stat| (stat.st_dev, stat.st_ino))
    }
}

impl RootDir {
    /// A directory to mount on, made if it is missing. Unlike elsewhere, no
    /// link is followed: what is mounted must be found by the same path.
    pub fn mount_point(&self, rel: &str) -> Result<Place> {
        let mut here: Option<OwnedFd> = None;
        for name in rel.split('/').filter(|name| !name.is_empty()) {
            let dir = here.as_ref().map_or(self.dir.as_fd(), AsFd::as_fd);
            match rustix::fs::mkdirat(dir, name, Mode::from_raw_mode(0o755)) {
                Ok(()) | Err(Errno::EXIST) => {}
                Err(e) => return Err(io("create the directory", &self.full(rel), e)),
            }
            let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            let next = match rustix::fs::openat(dir, name, flags, Mode::empty()) {
                Ok(fd) => fd,
                Err(Errno::NOTDIR | Errno::LOOP) => {
                    return Err(Error::NoMountPoint {
                        path: self.full(rel),
                        name: name.into(),
                    });
                }
                Err(e) => return Err(io("open the directory", &self.full(rel), e)),
            };
            here = Some(next);
        }
        let fd = match here {
            Some(fd) => fd,
            None => self
                .dir
                .try_clone()
                .map_err(|e| io("open the directory", &self.full(rel), e))?,
        };
        Ok(Place { fd })
    }

    /// What `rel` leads to; none if nothing is there.
    pub fn place(&self, rel: &str) -> Result<Option<Place>> {
        match self.resolve(rel, OFlags::PATH) {
            Ok(fd) => Ok(Some(Place { fd })),
            Err(e) => self.absent("look at", rel, e),
        }
    }
}
