// SPDX-License-Identifier: MIT OR Apache-2.0
//! A small initramfs for tests, packed by the host's cpio.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A directory that becomes an initramfs.
pub struct Initrd {
    tree: tempfile::TempDir,
}

impl Default for Initrd {
    fn default() -> Self {
        Self::new()
    }
}

impl Initrd {
    /// An initramfs with the empty directories that everybody needs.
    pub fn new() -> Initrd {
        let tree = tempfile::tempdir().expect("a temporary directory");
        for name in ["bin", "dev", "proc", "sys", "run", "tmp", "mnt"] {
            std::fs::create_dir(tree.path().join(name)).expect("mkdir");
        }
        Initrd { tree }
    }

    /// Puts the bytes at `path` (absolute, in the image) with this mode.
    pub fn file(self, path: &str, mode: u32, bytes: &[u8]) -> Initrd {
        let target = self.tree.path().join(path.trim_start_matches('/'));
        std::fs::create_dir_all(target.parent().expect("a parent")).expect("mkdir");
        std::fs::write(&target, bytes).expect("write");
        std::fs::set_permissions(&target, std::fs::Permissions::from_mode(mode)).expect("chmod");
        self
    }

    /// Copies a file of the host, with its mode.
    pub fn copy(self, from: &Path, path: &str) -> Initrd {
        let bytes = std::fs::read(from).unwrap_or_else(|e| panic!("{}: {e}", from.display()));
        let mode = std::fs::metadata(from)
            .expect("metadata")
            .permissions()
            .mode();
        self.file(path, mode & 0o7777, &bytes)
    }

    /// Adds the host's static busybox with links for these applets.
    pub fn busybox(mut self, applets: &[&str]) -> Initrd {
        self = self.copy(Path::new("/bin/busybox"), "/bin/busybox");
        for applet in applets {
            let link = self.tree.path().join("bin").join(applet);
            std::os::unix::fs::symlink("busybox", link).expect("symlink");
        }
        self
    }

    /// Packs the directory, uncompressed, into `target`.
    pub fn write(&self, target: &Path) -> PathBuf {
        let file = std::fs::File::create(target).expect("create");
        let status = Command::new("sh")
            .args(["-c", "find . | cpio --quiet -o -H newc -R 0:0"])
            .current_dir(self.tree.path())
            .stdout(Stdio::from(file))
            .status()
            .expect("cpio (package cpio)");
        assert!(status.success(), "cpio: {status}");
        target.to_path_buf()
    }
}
