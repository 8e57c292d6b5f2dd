// SPDX-License-Identifier: MIT OR Apache-2.0
//! Owner, mode, times and extended attributes.
use super::error::{Context, Error, Lost};
use ondisk::pax::{Entry, Name, Time, Xattr};
use rustix::fs::{self, AtFlags, Gid, Mode, Timespec, Timestamps, UTIME_OMIT, Uid, XattrFlags};
use rustix::io::Errno;
use std::os::fd::{AsRawFd, OwnedFd};

/// Attributes that could not be set are counted up to here.
const LOST: usize = 100;

/// Sets everything on an open file or directory. The order matters: chown
/// clears the set-user-ID bits and the capabilities, an ACL is part of the
/// mode, and everything may change the time.
pub(super) fn set_open(fd: &OwnedFd, entry: &Entry, lost: &mut Vec<Lost>) -> Result<(), Error> {
    fs::fchown(
        fd,
        Some(Uid::from_raw(entry.uid)),
        Some(Gid::from_raw(entry.gid)),
    )
    .during(&entry.path, "set the owner")?;
    fs::fchmod(fd, Mode::from_raw_mode(entry.mode)).during(&entry.path, "set the mode")?;
    for xattr in &entry.xattrs {
        let result = fs::fsetxattr(fd, &xattr.name[..], &xattr.value, XattrFlags::empty());
        check(result, entry, xattr, lost)?;
    }
    fs::futimens(fd, &times(entry.mtime)).during(&entry.path, "set the time")
}

/// The same for what must not be opened: links, devices, pipes.
pub(super) fn set_named(
    dir: &OwnedFd,
    name: &[u8],
    entry: &Entry,
    symlink: bool,
    lost: &mut Vec<Lost>,
) -> Result<(), Error> {
    let (uid, gid) = (Uid::from_raw(entry.uid), Gid::from_raw(entry.gid));
    fs::chownat(dir, name, Some(uid), Some(gid), AtFlags::SYMLINK_NOFOLLOW)
        .during(&entry.path, "set the owner")?;
    if !symlink {
        // The kernel has no chmod that does not follow links before 6.6; this
        // is no link, it was made a moment ago.
        fs::chmodat(dir, name, Mode::from_raw_mode(entry.mode), AtFlags::empty())
            .during(&entry.path, "set the mode")?;
    }
    if !entry.xattrs.is_empty() {
        // There is no system call for attributes by directory and name
        // before 6.13: by way of the directory's own link in /proc.
        let mut path = format!("/proc/self/fd/{}/", dir.as_raw_fd()).into_bytes();
        path.extend_from_slice(name);
        for xattr in &entry.xattrs {
            let result = fs::lsetxattr(
                &path[..],
                &xattr.name[..],
                &xattr.value,
                XattrFlags::empty(),
            );
            check(result, entry, xattr, lost)?;
        }
    }
    fs::utimensat(dir, name, &times(entry.mtime), AtFlags::SYMLINK_NOFOLLOW)
        .during(&entry.path, "set the time")
}

/// Removes the attributes of a directory that existed before: new files would
/// inherit a default ACL, and attributes that the archive lacks must not stay.
pub(super) fn clear(fd: &OwnedFd, path: &[u8]) -> Result<(), Error> {
    let length = match fs::flistxattr_query(fd) {
        Ok(length) => length,
        Err(Errno::OPNOTSUPP) => return Ok(()),
        Err(errno) => return Err(errno).during(path, "list the attributes"),
    };
    let mut list = vec![0u8; length];
    let length = fs::flistxattr(fd, &mut list[..]).during(path, "list the attributes")?;
    let names = list
        .get(..length)
        .unwrap_or_default()
        .split(|byte| *byte == 0);
    for name in names.filter(|name| !name.is_empty()) {
        match fs::fremovexattr(fd, name) {
            Ok(()) | Err(Errno::NODATA) => {}
            // A running SELinux keeps its label; it is set anew at the end.
            Err(_) if name == b"security.selinux" => {}
            Err(errno) => {
                return Err(Error::Attribute {
                    name: Name::new(path),
                    attribute: Name::new(name),
                    errno,
                });
            }
        }
    }
    Ok(())
}

fn check(
    result: Result<(), Errno>,
    entry: &Entry,
    xattr: &Xattr,
    lost: &mut Vec<Lost>,
) -> Result<(), Error> {
    let (name, attribute) = (entry.name(), Name::new(&xattr.name));
    match result {
        Ok(()) => Ok(()),
        // Attributes that belong to another file system (btrfs.*,
        // system.nfs4_acl), or a file system without any, are no reason to end
        // without a new system.
        Err(Errno::OPNOTSUPP) => {
            log::warn!("{name}: the file system does not support the attribute {attribute}");
            if lost.len() < LOST {
                lost.push(Lost { name, attribute });
            }
            Ok(())
        }
        Err(errno) => Err(Error::Attribute {
            name,
            attribute,
            errno,
        }),
    }
}

/// Only the time of the last change is set, as GNU tar does.
fn times(mtime: Time) -> Timestamps {
    Timestamps {
        last_access: Timespec {
            tv_sec: 0,
            tv_nsec: UTIME_OMIT,
        },
        last_modification: Timespec {
            tv_sec: mtime.seconds,
            tv_nsec: i64::from(mtime.nanoseconds),
        },
    }
}
