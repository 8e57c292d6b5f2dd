// SPDX-License-Identifier: MIT OR Apache-2.0
//! What keeps a machine from a level of protection, as messages for a person.

use crate::old::pinned;
use std::path::PathBuf;

/// What keeps this machine, with this package, from `resume`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Obstacle {
    #[error(
        "the package has boot commands of its own ([boot] of migration.toml), which may write the first sector of the disk while it must not change"
    )]
    Commands,
    #[error("{disk} has blocks of {bytes} bytes; replant's loader reads disks with blocks of 512")]
    Blocks {
        disk: String,
        /// Bytes of a logical block.
        bytes: u32,
    },
    /// What it may start from instead, as the module `bios` words it.
    #[error("{0}")]
    Firmware(String),
    #[error(
        "GRUB has no {}, by which it would start replant's loader; grub-install (grub2-install) puts it there", .0.display()
    )]
    NoChain(PathBuf),
    /// What GRUB would do.
    #[error("{0}")]
    Grub(String),
    #[error(
        "the new system has no volume group on the disk, and only there what lies on the disk can be left out for a time"
    )]
    NoVolumes,
    #[error(
        "besides the {} MiB that stay on the disk until the end the new system has too little room: {why}", .bytes.div_ceil(1 << 20)
    )]
    Room {
        /// Bytes that must stay.
        bytes: u64,
        why: String,
    },
    /// Kernel, initramfs or command line are not for the loader.
    #[error("{0}")]
    Loader(String),
    /// Files whose places are known cannot be made.
    #[error(transparent)]
    Pinned(#[from] pinned::Obstacle),
    /// An error that is no property of the machine, such as a disk that cannot be
    /// read; as text, for the kernel's errors can be neither compared nor cloned.
    #[error("whether files can lie at known places of the disk is not known: {0}")]
    Unknown(String),
}
