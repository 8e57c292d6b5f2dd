// SPDX-License-Identifier: MIT OR Apache-2.0
//! Files that belong to users, who may have put anything there: links to root's
//! files, pipes, files that never answer. So they are opened with the user's own
//! permissions, and with a time limit.

use super::error::{Error, Result, io};
use super::{RootDir, resolve};
use rustix::fs::{FileType, Mode, OFlags, Stat};
use rustix::io::Errno;
use rustix::thread::{CapabilitySet, CapabilitySets};
use std::fs::File;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

/// A user with whose permissions files are opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// User number.
    pub uid: u32,
    /// Number of the primary group.
    pub gid: u32,
    /// Numbers of the other groups.
    pub groups: Vec<u32>,
}

/// A regular file, and what leads to it.
#[derive(Debug)]
pub struct FoundFile {
    /// Its content.
    pub bytes: Vec<u8>,
    /// Mode, owner and group of the file, and whether an ACL says more.
    pub file: Access,
    /// The same of its directories, without links; the file's own is the last.
    pub dirs: Vec<Access>,
}

/// Who may write a file or a directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Access {
    /// Permission bits.
    pub mode: u32,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Device and inode: which one it is.
    pub id: (u64, u64),
    /// Others are named in a list, or nobody can tell.
    pub acl: bool,
}

impl Access {
    fn of(stat: &Stat, acl: bool) -> Access {
        Access {
            mode: stat.st_mode & 0o7777,
            uid: stat.st_uid,
            gid: stat.st_gid,
            id: (stat.st_dev, stat.st_ino),
            acl,
        }
    }
}

impl RootDir {
    /// Does something in this root as `person`, in a thread that nothing else
    /// uses. What has not ended after `limit` is left alone, and an error.
    pub fn as_person<T: Send + 'static>(
        &self,
        person: &Person,
        limit: Duration,
        job: impl FnOnce(&RootDir) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let dir = self
            .dir
            .try_clone()
            .map_err(|e| io("open the directory", &self.path, e))?;
        let root = RootDir {
            dir,
            path: self.path.clone(),
            chown: self.chown && person.uid == 0,
            labels: self.labels.clone(),
            guarded: self.guarded,
        };
        let (person, path) = (person.clone(), self.path.clone());
        let uid = person.uid;
        // Nothing is sent: the channel closes when the job has ended.
        let (working, ended) = channel::<()>();
        let work = move || {
            let _working = working;
            become_person(&person)
                .map_err(|e| io("take the rights of a user for", &root.path, e))
                .and_then(|()| job(&root))
        };
        let thread = std::thread::Builder::new()
            .name("as-user".into())
            .spawn(work)
            .map_err(|e| io("start a thread for", &path, e))?;
        if ended.recv_timeout(limit) == Err(RecvTimeoutError::Timeout) {
            return Err(Error::Slow {
                uid,
                seconds: limit.as_secs(),
            });
        }
        thread.join().unwrap_or_else(|_| {
            Err(Error::Unusable {
                path,
                reason: "it could not be looked at",
            })
        })
    }

    /// A regular file with the directories that lead to it; none if nothing is
    /// there, or something else. At most [`LIMIT`](super::LIMIT) bytes.
    pub fn find(&self, rel: &str) -> Result<Option<FoundFile>> {
        let fail = |action, e| io(action, &self.full(rel), e);
        let links = self.links();
        // A pipe would wait for its other end, a terminal become ours.
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY;
        match resolve::walk(self.dir.as_fd(), rel, OFlags::PATH, links) {
            Ok(way) => {
                let stat = rustix::fs::fstat(&way.end).map_err(|e| fail("look at", e))?;
                if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
                    return Ok(None);
                }
            }
            Err(e) => return self.absent("look at", rel, e),
        }
        let way =
            resolve::walk(self.dir.as_fd(), rel, flags, links).map_err(|e| fail("open", e))?;
        let stat = rustix::fs::fstat(&way.end).map_err(|e| fail("look at", e))?;
        // The name may mean another file by now.
        if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
            return Ok(None);
        }
        let mut dirs = vec![access(&self.dir).map_err(|e| fail("look at the way to", e))?];
        for (_, dir) in &way.dirs {
            dirs.push(access(dir).map_err(|e| fail("look at the way to", e))?);
        }
        let file = Access::of(&stat, has_acl(&way.end));
        let bytes = self.content(rel, File::from(way.end))?;
        Ok(Some(FoundFile { bytes, file, dirs }))
    }

    /// Which directory `rel` leads to.
    pub fn directory_id(&self, rel: &str) -> Result<Option<(u64, u64)>> {
        let stat = self.stat(rel, OFlags::DIRECTORY)?;
        Ok(stat.map(|s| (s.st_dev, s.st_ino)))
    }
}

fn access(dir: &OwnedFd) -> rustix::io::Result<Access> {
    let stat = rustix::fs::fstat(dir)?;
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    // Lists are asked only of what is open for more than its path.
    let acl = match rustix::fs::openat(dir, ".", flags, Mode::empty()) {
        Ok(dir) => has_acl(&dir),
        Err(_) => true,
    };
    Ok(Access::of(&stat, acl))
}

fn has_acl(file: &OwnedFd) -> bool {
    let mut value = [0u8; 0];
    let asked = rustix::fs::fgetxattr(file, "system.posix_acl_access", &mut value[..]);
    !matches!(asked, Err(Errno::NODATA | Errno::OPNOTSUPP))
}

/// Gives the calling thread, and no other, this user's permissions for files.
/// This cannot be undone. Towards signals and debuggers the thread stays root's,
/// as in sshd: only the effective number changes.
fn become_person(person: &Person) -> rustix::io::Result<()> {
    // Without privileges, only permitted files can be seen anyway.
    if !rustix::process::geteuid().is_root() || person.uid == 0 {
        return Ok(());
    }
    let (uid, gid) = (
        rustix::fs::Uid::from_raw(person.uid),
        rustix::fs::Gid::from_raw(person.gid),
    );
    let groups: Vec<_> = person
        .groups
        .iter()
        .map(|g| rustix::fs::Gid::from_raw(*g))
        .collect();
    rustix::thread::set_thread_groups(&groups)?;
    rustix::thread::set_thread_res_gid(None, gid, None)?;
    rustix::thread::set_thread_res_uid(None, uid, None)?;
    // Whatever the process was started with.
    let none = CapabilitySet::empty();
    let sets = CapabilitySets {
        effective: none,
        permitted: none,
        inheritable: none,
    };
    rustix::thread::set_capabilities(None, sets)?;
    let is = (rustix::process::geteuid(), rustix::process::getegid());
    match is == (uid, gid) {
        true => Ok(()),
        false => Err(Errno::PERM),
    }
}
