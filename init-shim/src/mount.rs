// SPDX-License-Identifier: MIT OR Apache-2.0
//! Mounts the kernel's file systems at the start, and unmounts everything at the
//! end.

use core::ffi::CStr;

use rustix::fs::{AtFlags, CWD, Mode, OFlags, fstat, mkdirat, openat, statat, symlinkat};
use rustix::io::Errno;
use rustix::mount::{MountFlags, UnmountFlags, mount, mount_remount, unmount};

use crate::{file, mounts};

/// A file system that every program in the tiny system may rely on.
struct Point {
    source: &'static CStr,
    target: &'static CStr,
    kind: &'static CStr,
    flags: MountFlags,
    data: Option<&'static CStr>,
}

const QUIET: MountFlags = MountFlags::NOSUID.union(MountFlags::NODEV);

/// /dev is the first, because the log needs /dev/kmsg.
const POINTS: [Point; 5] = [
    Point {
        source: c"devtmpfs",
        target: c"/dev",
        kind: c"devtmpfs",
        flags: MountFlags::NOSUID,
        data: Some(c"mode=0755"),
    },
    Point {
        source: c"proc",
        target: c"/proc",
        kind: c"proc",
        flags: QUIET.union(MountFlags::NOEXEC),
        data: None,
    },
    Point {
        source: c"sysfs",
        target: c"/sys",
        kind: c"sysfs",
        flags: QUIET.union(MountFlags::NOEXEC),
        data: None,
    },
    Point {
        source: c"tmpfs",
        target: c"/run",
        kind: c"tmpfs",
        flags: QUIET,
        data: Some(c"mode=0755"),
    },
    Point {
        source: c"devpts",
        target: c"/dev/pts",
        kind: c"devpts",
        flags: MountFlags::NOSUID.union(MountFlags::NOEXEC),
        data: Some(c"mode=0620,ptmxmode=0666"),
    },
];

/// Links that shell scripts in a chroot with our /dev rely on.
const LINKS: [(&CStr, &CStr); 4] = [
    (c"/proc/self/fd", c"/dev/fd"),
    (c"/proc/self/fd/0", c"/dev/stdin"),
    (c"/proc/self/fd/1", c"/dev/stdout"),
    (c"/proc/self/fd/2", c"/dev/stderr"),
];

/// Mounts /dev alone, for the first line of the log.
///
/// # Errors
///
/// The error of mount(2), which is not called where something is mounted already.
pub fn dev() -> Result<(), Errno> {
    POINTS.first().map_or(Ok(()), make)
}

/// Mounts the rest, and makes /tmp and the links in /dev.
///
/// `failed` gets the target of every mount that fails; the others are made all
/// the same.
pub fn rest(mut failed: impl FnMut(&'static CStr, Errno)) {
    for point in POINTS.iter().skip(1) {
        if let Err(error) = make(point) {
            failed(point.target, error);
        }
    }
    for (target, link) in LINKS {
        let _ = symlinkat(target, CWD, link);
    }
    let _ = mkdirat(CWD, c"/tmp", Mode::from_raw_mode(0o1777));
    let _ = mkdirat(CWD, contract::path::RUN, Mode::from_raw_mode(0o755));
}

fn make(point: &Point) -> Result<(), Errno> {
    // It may exist; if it cannot be made, mount(2) fails.
    let _ = mkdirat(CWD, point.target, Mode::from_raw_mode(0o755));
    // The /init that this one took over from may have mounted it. A second
    // tmpfs on /run would hide the first one, and the mark of the point of no
    // return with it.
    if is_mount_point(point.target) {
        return Ok(());
    }
    mount(
        point.source,
        point.target,
        point.kind,
        point.flags,
        point.data,
    )
}

/// Whether `target` is on another file system than its parent directory.
fn is_mount_point(target: &CStr) -> bool {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let Ok(directory) = openat(CWD, target, flags, Mode::empty()) else {
        return false;
    };
    let above = statat(&directory, c"..", AtFlags::empty());
    matches!((fstat(&directory), above), (Ok(here), Ok(above)) if here.st_dev != above.st_dev)
}

/// Unmounts everything, the last mount first. What is busy is made read-only
/// if a disk is behind it, and detached.
///
/// It can take as long as the slowest disk.
pub fn unmount_all() {
    let mut text = [0_u8; 65536];
    // The last mount is unmounted first, so one pass should do; the others are
    // for mounts that a dying process kept busy.
    for _ in 0..3 {
        let Ok(mounted) = file::read(c"/proc/mounts", &mut text) else {
            return;
        };
        let mut done = true;
        for mount in mounts::reversed(mounted) {
            if unmount(mount.point(), UnmountFlags::NOFOLLOW).is_err() {
                done = false;
            }
        }
        if done {
            return;
        }
    }
    let Ok(mounted) = file::read(c"/proc/mounts", &mut text) else {
        return;
    };
    for mount in mounts::reversed(mounted) {
        // Not for devtmpfs or sysfs: the bind mounts of a chroot share their
        // state with /dev and /sys, and those are needed to the end.
        if mount.on_device {
            let _ = mount_remount(mount.point(), MountFlags::RDONLY, c"");
        }
        let _ = unmount(mount.point(), UnmountFlags::DETACH | UnmountFlags::NOFOLLOW);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mount_points() {
        assert!(is_mount_point(c"/proc"));
        assert!(!is_mount_point(c"/proc/self/"));
        assert!(!is_mount_point(c"/"));
        assert!(!is_mount_point(c"/nowhere"));
    }
}
