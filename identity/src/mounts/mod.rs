// SPDX-License-Identifier: MIT OR Apache-2.0
//! Lines of fstab whose file systems stay: those of other disks, and those that
//! come by the network. The new system mounts them at the same places, and
//! comes up without them, too (`nofail`). Every other line is lost with the
//! disk, or named.

mod apply;
mod collect;
#[cfg(test)]
mod tests;

pub(crate) use apply::apply;
pub use collect::{Mounted, Place, collect};

use ondisk::fstab;
use serde::{Deserialize, Serialize};

/// A line that is carried over.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Kept {
    /// What is mounted, as fstab names it; without escapes, as all of these.
    pub source: String,
    /// Where; `none` for swap space.
    pub target: String,
    /// The type of the file system.
    pub kind: String,
    /// The options with commas between them, as the old system had them.
    pub options: String,
    /// When fsck looks at it, 0 never.
    pub pass: u8,
}

impl Kept {
    /// The line for the new system's fstab.
    fn line(&self) -> String {
        let carried = |o: &&str| !["", "defaults", "fail", "nofail"].contains(o);
        let mut options: Vec<&str> = self.options.split(',').filter(carried).collect();
        options.push("nofail");
        let fields = [&self.source, &self.target, &self.kind, &options.join(",")];
        let fields = fields.map(|field| fstab::encode(field));
        format!("{} 0 {}", fields.join(" "), self.pass)
    }

    /// Whether it comes by the network, or by some other way without a disk.
    fn is_remote(&self) -> bool {
        is_remote(&self.kind)
    }
}

/// Types of file systems that other machines have.
const REMOTE: [&str; 16] = [
    "9p",
    "afs",
    "ceph",
    "cifs",
    "davfs",
    "fuse.ceph",
    "fuse.glusterfs",
    "fuse.s3fs",
    "fuse.sshfs",
    "glusterfs",
    "lustre",
    "nfs",
    "nfs4",
    "smb3",
    "smbfs",
    "virtiofs",
];

/// Whether file systems of the type lie on other machines.
pub fn is_remote(kind: &str) -> bool {
    REMOTE.contains(&kind)
}
