// SPDX-License-Identifier: MIT OR Apache-2.0
//! Opening a directory below another one without following any link.

use rustix::fs::{Mode, OFlags, ResolveFlags};
use rustix::io::Errno;
use std::os::fd::OwnedFd;

/// Bytes of a path that one system call takes, with its final NUL.
const PATH_MAX: usize = 4096;

/// Opens a directory that lies below `top`, never through a symbolic link.
/// Mount points are crossed. The path may have any length: one that is longer
/// than a system call takes is walked in pieces.
///
/// # Errors
/// The answer of the kernel: ENOSYS before Linux 5.6, ELOOP or EXDEV for what
/// would leave `top`.
pub fn beneath(top: &OwnedFd, path: &[u8]) -> Result<OwnedFd, Errno> {
    let (mut above, mut rest) = (None, path);
    while let Some(piece) = rest.get(..PATH_MAX) {
        let slash = piece.iter().rposition(|byte| *byte == b'/');
        let (piece, after) = rest
            .split_at_checked(slash.ok_or(Errno::NAMETOOLONG)?)
            .ok_or(Errno::NAMETOOLONG)?;
        above = Some(open(above.as_ref().unwrap_or(top), piece)?);
        rest = after.strip_prefix(b"/").unwrap_or(after);
    }
    open(above.as_ref().unwrap_or(top), rest)
}

fn open(dir: &OwnedFd, path: &[u8]) -> Result<OwnedFd, Errno> {
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    loop {
        match rustix::fs::openat2(dir, path, flags, Mode::empty(), resolve) {
            // A rename elsewhere raced with the resolution: openat2(2).
            Err(Errno::AGAIN | Errno::INTR) => {}
            result => return result,
        }
    }
}
