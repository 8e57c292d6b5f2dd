// SPDX-License-Identifier: MIT OR Apache-2.0
//! Opening a path below a directory as if the directory were `/`.
//!
//! Linux 5.6 does it by `openat2(RESOLVE_IN_ROOT)`. Older kernels (CentOS 7)
//! get a walk of our own, name by name. So does whoever must know which
//! directories lead to the file, or must not follow everybody's links.

use rustix::fs::{FileType, Mode, OFlags, ResolveFlags, Stat};
use rustix::io::Errno;
use std::collections::VecDeque;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

/// As many symbolic links as the kernel follows.
const MAX_LINKS: usize = 40;

/// Opens `rel` below `root`; `..` and absolute links stay inside.
pub(super) fn open(root: BorrowedFd<'_>, rel: &str, flags: OFlags) -> rustix::io::Result<OwnedFd> {
    match by_kernel(root, rel, flags) {
        // EPERM: a container's filter that does not know the call.
        Err(Errno::NOSYS | Errno::PERM) => by_hand(root, rel, flags),
        other => other,
    }
}

fn by_kernel(root: BorrowedFd<'_>, rel: &str, flags: OFlags) -> rustix::io::Result<OwnedFd> {
    let rel = if rel.is_empty() { "." } else { rel };
    let flags = flags | OFlags::CLOEXEC;
    // EAGAIN: something was renamed meanwhile; the kernel asks to try again.
    for _ in 0..64 {
        match rustix::fs::openat2(root, rel, flags, Mode::empty(), ResolveFlags::IN_ROOT) {
            Err(Errno::AGAIN) => {}
            other => return other,
        }
    }
    Err(Errno::AGAIN)
}

/// The same without the kernel's help.
pub(super) fn by_hand(
    root: BorrowedFd<'_>,
    rel: &str,
    flags: OFlags,
) -> rustix::io::Result<OwnedFd> {
    walk(root, rel, flags, Links::All).map(|way| way.end)
}

/// Which symbolic links a walk follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Links {
    /// Every one.
    All,
    /// Those in directories that root alone can write.
    Roots,
}

/// What a walk went through.
#[derive(Debug)]
pub(super) struct Resolved {
    /// The directories without links and dots, each with its name in the one
    /// before; that of the file is the last. The root itself is not among them.
    pub dirs: Vec<(String, OwnedFd)>,
    /// The name of the file in the last of them; empty if it is that directory.
    pub name: String,
    /// The file.
    pub end: OwnedFd,
}

/// Walks to `rel` name by name. What was opened is what was looked at, also if
/// somebody renames things meanwhile.
pub(super) fn walk(
    root: BorrowedFd<'_>,
    rel: &str,
    flags: OFlags,
    links: Links,
) -> rustix::io::Result<Resolved> {
    let flags = flags | OFlags::CLOEXEC;
    let step = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let mut dirs: Vec<(String, OwnedFd)> = Vec::new();
    let mut names: VecDeque<String> = rel.split('/').map(str::to_owned).collect();
    let mut followed = 0;
    while let Some(name) = names.pop_front() {
        match name.as_str() {
            "" | "." => continue,
            ".." => {
                dirs.pop();
                continue;
            }
            _ => {}
        }
        let last = names.is_empty();
        let here = dirs.last().map_or(root, |(_, fd)| fd.as_fd());
        let fd = match last {
            true => rustix::fs::openat(here, name.as_str(), step, Mode::empty())?,
            // Asked for a directory, the kernel mounts what is to be mounted.
            false => match rustix::fs::openat(
                here,
                name.as_str(),
                step | OFlags::DIRECTORY,
                Mode::empty(),
            ) {
                Err(Errno::NOTDIR) => rustix::fs::openat(here, name.as_str(), step, Mode::empty())?,
                other => other?,
            },
        };
        let kind = FileType::from_raw_mode(rustix::fs::fstat(&fd)?.st_mode);
        if kind == FileType::Symlink && !(last && flags.contains(OFlags::NOFOLLOW)) {
            followed += 1;
            let stranger = links == Links::Roots && !is_roots(&rustix::fs::fstat(here)?);
            if followed > MAX_LINKS || stranger {
                return Err(Errno::LOOP);
            }
            let target = rustix::fs::readlinkat(&fd, "", Vec::new())?;
            let target = target.to_str().map_err(|_| Errno::ILSEQ)?;
            if target.starts_with('/') {
                dirs.clear();
            }
            for part in target.split('/').rev() {
                names.push_front(part.to_owned());
            }
        } else if !last {
            dirs.push((name, fd));
        } else if flags.contains(OFlags::PATH) {
            if flags.contains(OFlags::DIRECTORY) && kind != FileType::Directory {
                return Err(Errno::NOTDIR);
            }
            return Ok(Resolved {
                dirs,
                name,
                end: fd,
            });
        } else {
            let flags = flags | OFlags::NOFOLLOW;
            let end = rustix::fs::openat(here, name.as_str(), flags, Mode::empty())?;
            return Ok(Resolved { dirs, name, end });
        }
    }
    let here = dirs.last().map_or(root, |(_, fd)| fd.as_fd());
    let end = rustix::fs::openat(here, ".", flags, Mode::empty())?;
    let name = String::new();
    Ok(Resolved { dirs, name, end })
}

/// Whether root alone can make and rename things in a directory. Without
/// privileges (in tests) whoever runs the program is the same to itself.
pub(super) fn is_roots(dir: &Stat) -> bool {
    let own = [0, rustix::process::geteuid().as_raw()].contains(&dir.st_uid);
    let group = dir.st_mode & 0o020 == 0 || dir.st_gid == 0;
    own && group && dir.st_mode & 0o002 == 0
}
