// SPDX-License-Identifier: MIT OR Apache-2.0
//! Opening a path below a directory as if the directory were `/`.
//!
//! Linux 5.6 does it by `openat2(RESOLVE_IN_ROOT)`. Older kernels (CentOS 7)
//! get a walk of our own, name by name; there the tree must not change
//! meanwhile in a hostile way, which on the running old system only root can.

use rustix::fs::{FileType, Mode, OFlags, ResolveFlags};
use rustix::io::Errno;
use std::collections::VecDeque;
use std::os::fd::{BorrowedFd, OwnedFd};

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
    let flags = flags | OFlags::CLOEXEC;
    let step = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let mut stack: Vec<OwnedFd> = Vec::new();
    let mut names: VecDeque<String> = rel.split('/').map(str::to_owned).collect();
    let mut links = 0;
    while let Some(name) = names.pop_front() {
        match name.as_str() {
            "" | "." => continue,
            ".." => {
                stack.pop();
                continue;
            }
            _ => {}
        }
        let last = names.is_empty();
        let here = stack.last().map_or(root, |fd| std::os::fd::AsFd::as_fd(fd));
        let fd = rustix::fs::openat(here, name.as_str(), step, Mode::empty())?;
        let kind = FileType::from_raw_mode(rustix::fs::fstat(&fd)?.st_mode);
        if kind == FileType::Symlink && !(last && flags.contains(OFlags::NOFOLLOW)) {
            links += 1;
            if links > MAX_LINKS {
                return Err(Errno::LOOP);
            }
            let target = rustix::fs::readlinkat(&fd, "", Vec::new())?;
            let target = target.to_str().map_err(|_| Errno::ILSEQ)?;
            if target.starts_with('/') {
                stack.clear();
            }
            for part in target.split('/').rev() {
                names.push_front(part.to_owned());
            }
        } else if !last {
            stack.push(fd);
        } else if flags.contains(OFlags::PATH) {
            if flags.contains(OFlags::DIRECTORY) && kind != FileType::Directory {
                return Err(Errno::NOTDIR);
            }
            return Ok(fd);
        } else {
            return rustix::fs::openat(
                here,
                name.as_str(),
                flags | OFlags::NOFOLLOW,
                Mode::empty(),
            );
        }
    }
    let here = stack.last().map_or(root, |fd| std::os::fd::AsFd::as_fd(fd));
    rustix::fs::openat(here, ".", flags, Mode::empty())
}
