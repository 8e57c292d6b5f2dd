// SPDX-License-Identifier: MIT OR Apache-2.0
//! Disks and mounts that are removed at the end of the test.

use crate::{run, tool};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::inotify;
use rustix::io::Errno;
use rustix::mount::UnmountFlags;
use std::ffi::OsStr;
use std::fs::File;
use std::mem::MaybeUninit;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A sparse file of this size, empty whatever was there.
pub fn sparse(path: impl AsRef<Path>, bytes: u64) -> PathBuf {
    let path = path.as_ref();
    File::create(path).unwrap().set_len(bytes).unwrap();
    path.to_path_buf()
}

/// A loop device; it needs root.
pub struct Loop(
    /// Its node.
    pub PathBuf,
);

impl Loop {
    /// On all of an image.
    pub fn new(image: impl AsRef<OsStr>) -> Loop {
        Loop::with(image, &[])
    }

    /// With logical sectors of so many bytes.
    pub fn sectors(image: impl AsRef<OsStr>, bytes: u32) -> Loop {
        Loop::with(image, &["-b", &bytes.to_string()])
    }

    /// On `size` bytes of an image from `start` on.
    pub fn part(image: impl AsRef<OsStr>, start: u64, size: u64) -> Loop {
        let (start, size) = (start.to_string(), size.to_string());
        Loop::with(image, &["-o", &start, "--sizelimit", &size])
    }

    /// With options of losetup.
    pub fn with(image: impl AsRef<OsStr>, options: &[&str]) -> Loop {
        let mut losetup = Command::new("losetup");
        losetup.args(["-f", "--show"]).args(options).arg(image);
        let device = Loop(run(&mut losetup).trim().into());
        // A test that was killed may have left the device write-protected.
        if !options.contains(&"-r") {
            tool("blockdev", &["--setrw", device.name()]);
        }
        device
    }

    /// The node as text.
    pub fn name(&self) -> &str {
        self.0.to_str().unwrap()
    }
}

impl Drop for Loop {
    fn drop(&mut self) {
        let detached = Command::new("losetup").arg("-d").arg(&self.0).status();
        assert!(detached.is_ok_and(|s| s.success()) || std::thread::panicking());
    }
}

/// A mounted file system, unmounted with the test; it needs root.
pub struct Mount(
    /// Where.
    pub PathBuf,
);

impl Mount {
    /// Mounts a device at a directory, which is made.
    pub fn new(device: impl AsRef<OsStr>, target: impl AsRef<Path>, options: &str) -> Mount {
        let target = target.as_ref();
        std::fs::create_dir_all(target).unwrap();
        let mut mount = Command::new("mount");
        run(mount.args(["-o", options]).arg(device).arg(target));
        Mount(target.to_path_buf())
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        let unmounted = unmounted(&self.0);
        let tried = unmounted.is_ok_and(|gone| gone) || std::thread::panicking();
        assert!(tried, "{} is busy", self.0.display());
    }
}

/// Unmounts what is mounted there, as [`Mount`] does at its end.
///
/// # Panics
/// When it stays in use.
pub fn unmount(path: &Path) {
    let gone = unmounted(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    assert!(gone, "{} is busy", path.display());
}

/// Unmounts, and returns when nobody uses the file system any more: what is open
/// here, a child that another test forks has open, too, until its program
/// begins. The kernel says when the last one has let go, and lets go of the
/// device itself a moment later; `false` where nobody does.
fn unmounted(path: &Path) -> rustix::io::Result<bool> {
    const LONG: Timespec = Timespec {
        tv_sec: 60,
        tv_nsec: 0,
    };
    let events = inotify::init(inotify::CreateFlags::CLOEXEC)?;
    // The end of a file system is told to each watch; one must be for something.
    inotify::add_watch(&events, path, inotify::WatchFlags::DELETE_SELF)?;
    match rustix::mount::unmount(path, UnmountFlags::empty()) {
        Err(Errno::BUSY) => rustix::mount::unmount(path, UnmountFlags::DETACH)?,
        other => return other.map(|()| true),
    }
    let mut buffer = [MaybeUninit::uninit(); 4096];
    let mut reader = inotify::Reader::new(&events, &mut buffer);
    loop {
        if poll(&mut [PollFd::new(&events, PollFlags::IN)], Some(&LONG))? == 0 {
            return Ok(false);
        }
        let event = reader.next()?.events();
        if event.contains(inotify::ReadFlags::UNMOUNT) {
            return Ok(true);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::OpenOptionsExt;
    use std::process::Stdio;

    #[test]
    fn what_a_child_still_uses_is_unmounted_when_it_ends() {
        crate::needs!("root", "mke2fs");
        let dir = std::env::temp_dir().join(format!("testkit-{}", std::process::id()));
        std::fs::create_dir(&dir).unwrap();
        let image = sparse(dir.join("disk"), 8 << 20);
        tool("mke2fs", &["-q", image.to_str().unwrap()]);
        let device = Loop::new(&image);
        let mount = Mount::new(&device.0, dir.join("mnt"), "rw");
        let mut user = Command::new("sh")
            .args(["-c", "echo; read line"])
            .current_dir(&mount.0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        std::io::Read::read_exact(user.stdout.as_mut().unwrap(), &mut [0]).unwrap();
        let path = mount.0.clone();
        let mounted = || {
            let mounts = std::fs::read_to_string("/proc/self/mounts").unwrap();
            mounts.contains(path.to_str().unwrap())
        };
        assert!(mounted());
        let dropped = std::thread::spawn(move || drop(mount));
        while mounted() {
            std::thread::yield_now();
        }
        assert!(!dropped.is_finished());
        drop(user.stdin.take());
        dropped.join().unwrap();
        // The kernel lets go of the device right after it has told the end.
        let exclusive = rustix::fs::OFlags::EXCL.bits() as i32;
        let mut alone = File::options();
        alone.read(true).custom_flags(exclusive);
        while let Err(error) = alone.open(&device.0) {
            assert_eq!(error.raw_os_error(), Some(Errno::BUSY.raw_os_error()));
            std::thread::yield_now();
        }
        user.wait().unwrap();
        drop(device);
        std::fs::remove_dir_all(&dir).unwrap();
    }
}
