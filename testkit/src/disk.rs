// SPDX-License-Identifier: MIT OR Apache-2.0
//! Disks that go with the test.

use crate::{run, tool};
use std::ffi::OsStr;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread::sleep;
use std::time::Duration;

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
        // Somebody else may look at it for a moment.
        for _ in 0..100 {
            let unmounted = Command::new("umount").arg(&self.0).status();
            if unmounted.is_ok_and(|s| s.success()) {
                return;
            }
            sleep(Duration::from_millis(100));
        }
        assert!(std::thread::panicking(), "{} is busy", self.0.display());
    }
}
