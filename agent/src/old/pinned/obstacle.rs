// SPDX-License-Identifier: MIT OR Apache-2.0
//! Why files cannot be pinned on this machine, as messages for a person.

use crate::block::NoMapping;
use std::fmt;
use std::path::PathBuf;
use sys::FileError;
use sys::fiemap::Extent;

/// File systems that keep a file in place and report where that is.
pub(super) const KINDS: [&str; 4] = ["ext2", "ext3", "ext4", "xfs"];

/// What keeps files of this machine from being read without its file system.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Obstacle {
    #[error(
        "the file system at {} is {kind}; where files lie is only known of {}", mount.display(), KINDS.join(", ")
    )]
    FileSystem { mount: PathBuf, kind: String },
    #[error("the file system at {} has a device of its own for data (rtdev)", mount.display())]
    Realtime { mount: PathBuf },
    #[error("the file system at {} is mounted read-only", mount.display())]
    ReadOnly { mount: PathBuf },
    #[error(
        "below the file system lies {device}, which is {what}: where its blocks lie on the disk is not known"
    )]
    Layer { device: String, what: String },
    #[error("a part of the file system lies on {device}, which is not the disk {disk}")]
    OtherDisk { device: String, disk: String },
    #[error("{device} has places that the device below it does not have: {why}")]
    Table { device: String, why: String },
    #[error("{}: {flaw}", file.display())]
    Extent { file: PathBuf, flaw: Flaw },
    #[error(
        "{}: {need} bytes of free space are needed for copies whose places on the disk are known, {free} are free", dir.display()
    )]
    NoRoom {
        dir: PathBuf,
        /// Bytes needed, with what must stay free.
        need: u64,
        /// Bytes free.
        free: u64,
    },
    #[error(
        "{}: {bytes} bytes of free space were not found in the part of the disk that stays as it is until the end", dir.display()
    )]
    NoPlace {
        dir: PathBuf,
        /// Bytes wanted.
        bytes: u64,
    },
    #[error(
        "{}: {bytes} bytes of free space in one piece were not found in the part of the disk that stays as it is until the end", dir.display()
    )]
    NoRun {
        dir: PathBuf,
        /// Bytes wanted.
        bytes: u64,
    },
    #[error("{}: the file system has moved it while it was written", file.display())]
    Moved { file: PathBuf },
    #[error(
        "{}: what was written to it is not found at its places on the disk (data=journal?)", file.display()
    )]
    NotThere { file: PathBuf },
}

/// What is wrong with a piece of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flaw {
    Unknown,
    Delayed,
    Encoded,
    Encrypted,
    Inline,
    Tail,
    Unwritten,
    Shared,
    /// Not in whole sectors of 512 bytes.
    Unaligned,
    /// The byte of the file that has no place.
    Hole(u64),
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Flaw::Unknown => "the file system does not know where a part of it lies (UNKNOWN)",
            Flaw::Delayed => "a part of it has no place yet (DELALLOC)",
            Flaw::Encoded => "it is stored compressed or otherwise changed (ENCODED)",
            Flaw::Encrypted => "it is stored encrypted (DATA_ENCRYPTED)",
            Flaw::Inline => "it is stored among the metadata (DATA_INLINE)",
            Flaw::Tail => "its end shares a block with other files (DATA_TAIL)",
            Flaw::Unwritten => "a part of it is reserved, but not written (UNWRITTEN)",
            Flaw::Shared => "it shares its place with another file (SHARED)",
            Flaw::Unaligned => "a part of it does not lie in whole sectors",
            Flaw::Hole(at) => return write!(f, "it has a hole at byte {at}"),
        })
    }
}

impl Flaw {
    /// The kernel's extent flags that are flaws, the gravest first. The last one
    /// is no flaw while a place is only reserved.
    pub(super) const FLAGS: [(u32, Flaw); 9] = [
        (Extent::UNKNOWN, Flaw::Unknown),
        (Extent::DELALLOC, Flaw::Delayed),
        (Extent::ENCRYPTED, Flaw::Encrypted),
        (Extent::INLINE, Flaw::Inline),
        (Extent::TAIL, Flaw::Tail),
        (Extent::ENCODED, Flaw::Encoded),
        (Extent::SHARED, Flaw::Shared),
        (Extent::NOT_ALIGNED, Flaw::Unaligned),
        (Extent::UNWRITTEN, Flaw::Unwritten),
    ];
}

/// Why a file could not be pinned.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// This machine cannot pin the file.
    #[error(transparent)]
    Obstacle(#[from] Obstacle),
    #[error(transparent)]
    File(#[from] FileError),
    #[error(transparent)]
    Disk(#[from] crate::disk::Error),
    #[error(transparent)]
    Mapper(#[from] sys::dm::DmError),
    #[error(transparent)]
    Machine(#[from] crate::machine::Error),
    /// An error about the mounted file systems.
    #[error(transparent)]
    Old(#[from] Box<crate::old::Error>),
    /// The content has another length than announced.
    #[error("{}: its content has {found} bytes, not {expected}", file.display())]
    Length {
        file: PathBuf,
        /// Bytes that were read; of too many, only one more than expected.
        found: u64,
        expected: u64,
    },
}

impl From<NoMapping> for Error {
    fn from(error: NoMapping) -> Error {
        Error::Obstacle(match error {
            NoMapping::Layer { device, what } => Obstacle::Layer { device, what },
            NoMapping::OtherDisk { device, disk } => Obstacle::OtherDisk { device, disk },
            NoMapping::Table { device, why } => Obstacle::Table { device, why },
            NoMapping::Mapper(error) => return Error::Mapper(error),
            NoMapping::File(error) => return Error::File(error),
        })
    }
}
