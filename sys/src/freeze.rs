// SPDX-License-Identifier: MIT OR Apache-2.0
//! Freezing a filesystem, after which the disk holds it complete without its
//! log: what GRUB, which replays no log, needs of an XFS.

use std::{ffi::c_int, os::fd::AsFd};

use rustix::{
    io::Result,
    ioctl::{Opcode, Updater, ioctl},
};

const FIFREEZE: Opcode = 0xc004_5877;
const FITHAW: Opcode = 0xc004_5878;

/// Writes everything of the filesystem out and holds all writes to it until
/// [`thaw`]; any open file or directory of it will do. `EBUSY` if it is
/// frozen already, `EOPNOTSUPP` if its kind cannot be (tmpfs, vfat).
///
/// The caller itself must not write to it before it thaws it: that write
/// would wait for ever.
pub fn freeze(file: impl AsFd) -> Result<()> {
    let mut unused: c_int = 0;
    // SAFETY: the opcode names an int as its argument, which the kernel does
    // not look at.
    unsafe { ioctl(file, Updater::<FIFREEZE, c_int>::new(&mut unused)) }
}

/// Ends [`freeze`]. `EINVAL` if the filesystem is not frozen.
pub fn thaw(file: impl AsFd) -> Result<()> {
    let mut unused: c_int = 0;
    // SAFETY: as for `freeze`.
    unsafe { ioctl(file, Updater::<FITHAW, c_int>::new(&mut unused)) }
}
