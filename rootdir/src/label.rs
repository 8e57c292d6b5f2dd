// SPDX-License-Identifier: MIT OR Apache-2.0
//! The SELinux labels of what is written below the root.

use super::{RootDir, attribute};
use ondisk::selinux::{FileContexts, Kind};
use rustix::fs::{AtFlags, FileType};
use rustix::io::Errno;
use std::os::fd::{AsRawFd, OwnedFd};
use std::sync::Arc;

impl RootDir {
    /// New files get the labels of this policy from now on, unless they replace a
    /// file that has a label.
    #[must_use]
    pub fn with_labels(self, labels: Arc<FileContexts>) -> RootDir {
        RootDir {
            labels: Some(labels),
            ..self
        }
    }

    /// Gives `file` the label that belongs to `name`, beside it in `dir`: that
    /// of what is there, if it is of the same kind, or the policy's.
    pub(super) fn copy_label(
        &self,
        dir: &OwnedFd,
        (name, file): (&str, &str),
        kind: Kind,
    ) -> Result<(), Errno> {
        match self.label(dir, name, kind)? {
            Some(label) => attribute::set(&attribute::path(dir, file.as_bytes()), &label),
            None => Ok(()),
        }
    }

    fn label(&self, dir: &OwnedFd, name: &str, kind: Kind) -> Result<Option<Vec<u8>>, Errno> {
        let there = match rustix::fs::statat(dir, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => Some(attribute::kind(FileType::from_raw_mode(stat.st_mode))),
            Err(Errno::NOENT) => None,
            Err(errno) => return Err(errno),
        };
        if there == Some(kind) {
            match attribute::get(&attribute::path(dir, name.as_bytes())) {
                Ok(None) => {}
                // A file system that holds no labels.
                Err(Errno::OPNOTSUPP) => return Ok(None),
                old => return old,
            }
        }
        let Some(labels) = &self.labels else {
            return Ok(None);
        };
        let label = labels.label(&self.path_below(dir, name)?, kind);
        Ok(label.map(attribute::value))
    }

    /// The absolute path below the root of `name` in `dir`, links resolved.
    fn path_below(&self, dir: &OwnedFd, name: &str) -> Result<Vec<u8>, Errno> {
        let full = |fd: &OwnedFd| {
            rustix::fs::readlink(format!("/proc/self/fd/{}", fd.as_raw_fd()), Vec::new())
                .map(std::ffi::CString::into_bytes)
        };
        let (root, dir) = (full(&self.dir)?, full(dir)?);
        let root = root.strip_suffix(b"/").unwrap_or(&root);
        let below = dir.strip_prefix(root).ok_or(Errno::XDEV)?;
        let below = below.strip_suffix(b"/").unwrap_or(below);
        Ok([below, b"/", name.as_bytes()].concat())
    }
}
