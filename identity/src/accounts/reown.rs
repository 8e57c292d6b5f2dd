// SPDX-License-Identifier: MIT OR Apache-2.0
//! Files of an account that got another number.

use crate::error::Result;
use rootdir::{self, RootDir};
use rustix::fs::{AtFlags, Dir, FileType, Gid, Mode, OFlags, Stat, Uid, XattrFlags};
use rustix::io::Errno;
use std::ffi::CStr;
use std::os::fd::OwnedFd;
use sys::FileError;

/// Directories that are mounted in the new root and contain no files of the new
/// system.
const NOT_HERE: [&[u8]; 4] = [b"proc", b"sys", b"dev", b"run"];
/// The depth of directories, far more than a system has.
const DEPTH: usize = 512;
const CAPABILITY: &str = "security.capability";

/// Gives every file of these users and groups its new number (from, to),
/// keeping set-user-id bits and capabilities, which the kernel drops.
pub(crate) fn reown(root: &RootDir, users: &[(u32, u32)], groups: &[(u32, u32)]) -> Result<()> {
    if users.is_empty() && groups.is_empty() {
        return Ok(());
    }
    let fail = |e: Errno| {
        let action = "change the owner of files below";
        rootdir::Error::from(FileError::new(action, root.full(""), e))
    };
    let top = root.directory("").map_err(fail)?;
    walk(&top, users, groups, 0).map_err(fail)?;
    Ok(())
}

fn walk(
    dir: &OwnedFd,
    users: &[(u32, u32)],
    groups: &[(u32, u32)],
    depth: usize,
) -> rustix::io::Result<()> {
    if depth > DEPTH {
        return Err(Errno::LOOP);
    }
    for entry in Dir::read_from(dir)? {
        let entry = entry?;
        let name = entry.file_name();
        let bytes = name.to_bytes();
        if bytes == b"." || bytes == b".." || (depth == 0 && NOT_HERE.contains(&bytes)) {
            continue;
        }
        let stat = rustix::fs::statat(dir, name, AtFlags::SYMLINK_NOFOLLOW)?;
        let new = |pairs: &[(u32, u32)], old: u32| {
            pairs
                .iter()
                .find(|(from, _)| *from == old)
                .map(|(_, to)| *to)
        };
        let (uid, gid) = (new(users, stat.st_uid), new(groups, stat.st_gid));
        if uid.is_some() || gid.is_some() {
            change(
                dir,
                name,
                &stat,
                uid.map(Uid::from_raw),
                gid.map(Gid::from_raw),
            )?;
        }
        if FileType::from_raw_mode(stat.st_mode) == FileType::Directory {
            let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            let below = rustix::fs::openat(dir, name, flags, Mode::empty())?;
            walk(&below, users, groups, depth + 1)?;
        }
    }
    Ok(())
}

fn change(
    dir: &OwnedFd,
    name: &CStr,
    stat: &Stat,
    uid: Option<Uid>,
    gid: Option<Gid>,
) -> rustix::io::Result<()> {
    if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
        return rustix::fs::chownat(dir, name, uid, gid, AtFlags::SYMLINK_NOFOLLOW);
    }
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let file = rustix::fs::openat(dir, name, flags, Mode::empty())?;
    let mut capability = [0u8; 64];
    let length = rustix::fs::fgetxattr(&file, CAPABILITY, &mut capability[..]);
    rustix::fs::fchown(&file, uid, gid)?;
    rustix::fs::fchmod(&file, Mode::from_raw_mode(stat.st_mode & 0o7777))?;
    if let Some(value) = length.ok().and_then(|l| capability.get(..l)) {
        rustix::fs::fsetxattr(&file, CAPABILITY, value, XattrFlags::empty())?;
    }
    Ok(())
}
