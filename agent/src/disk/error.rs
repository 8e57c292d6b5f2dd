// SPDX-License-Identifier: MIT OR Apache-2.0
//! What can go wrong with a disk.

use std::{io, ops::Range, path::PathBuf};

use ondisk::gpt;
use rustix::io::Errno;
use sys::FileError;
use sys::transient;

/// Why a disk cannot be read, written, or shown to the kernel.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The node cannot be opened.
    #[error("cannot open {path}: {source}")]
    Open { path: PathBuf, source: io::Error },
    /// Neither a block device nor an image file.
    #[error("{path} is not a disk: it is neither a block device nor a file")]
    NotADisk { path: PathBuf },
    /// A disk that may not be written.
    #[error("{path} is read-only; switch its write protection off (blockdev --setrw {path})")]
    ReadOnly { path: PathBuf },
    /// An ioctl failed.
    #[error("{path}: cannot {what}: {source}")]
    Ioctl {
        path: PathBuf,
        what: &'static str,
        source: Errno,
    },
    /// A read failed.
    #[error("cannot read {len} bytes of {path} at byte {offset}: {source}")]
    Read {
        path: PathBuf,
        /// Where, in bytes.
        offset: u64,
        /// How much, in bytes.
        len: usize,
        source: io::Error,
    },
    /// A write, or writing the cache out, failed.
    #[error("cannot write {what} to {path} at byte {offset}: {source}")]
    Write {
        path: PathBuf,
        what: &'static str,
        /// Where, in bytes.
        offset: u64,
        source: io::Error,
    },
    /// A write to sector 0 of a disk that does not use the function made for it.
    #[error(
        "{path}: {what} would overwrite sector 0, at byte {offset}, which is written in another \
         way only; nothing was written there; this is a fault of replant, please report it"
    )]
    Sector0 {
        path: PathBuf,
        what: &'static str,
        /// Where, in bytes.
        offset: u64,
    },
    /// A write outside of the places of the file that is being written.
    #[error(
        "{path}: {what} would be written to byte {offset}, where nothing of replant's lies; \
         nothing was written there; this is a fault of replant, please report it"
    )]
    Outside {
        path: PathBuf,
        what: &'static str,
        /// Where, in bytes.
        offset: u64,
    },
    /// A write to a protected range.
    #[error(
        "{path}: {what} would overwrite sector {lba} of the disk, which is protected (bytes {} to \
         {}); nothing was written there; this is a fault of replant, please report it",
        range.start, range.end.saturating_sub(1)
    )]
    Protected {
        path: PathBuf,
        what: String,
        /// The first such sector, of 512 bytes, from the start of the disk.
        lba: u64,
        /// The protected bytes of the disk.
        range: Range<u64>,
    },
    /// It is not known where on the disk a device lies, so a write could hit a
    /// protected range.
    #[error("{path} is not written: where on the disk it lies is not known: {why}")]
    Unmapped { path: PathBuf, why: String },
    /// A person asked to stop.
    #[error(transparent)]
    Stopped(#[from] crate::stop::Stopped),
    /// The recorded places of a file are fewer than its bytes.
    #[error("{path}: {short}")]
    Places {
        path: PathBuf,
        short: ondisk::lifeboat::TooShort,
    },
    /// The free space of a file system cannot be determined.
    #[error("the free space of the file system on {path} is not known: {why}")]
    Unused { path: PathBuf, why: String },
    /// The disk's table cannot be read, or a table is not for this disk.
    #[error("{path}: {source}")]
    Table { path: PathBuf, source: gpt::Error },
    /// A table that was not fitted to the disk it is to be written to.
    #[error(
        "the partition table is for a disk of {table_blocks} blocks of {table_block_size} bytes, \
         {path} has {blocks} of {block_size}; is it the right disk?"
    )]
    WrongDisk {
        path: PathBuf,
        /// Blocks that the table is for.
        table_blocks: u64,
        /// Block size that the table is for, in bytes.
        table_block_size: u32,
        /// Blocks of the disk.
        blocks: u64,
        /// Block size of the disk in bytes.
        block_size: u32,
    },
    /// What was read back is not what was written.
    #[error(
        "{path} does not keep what is written to it: the {what} at byte {offset} reads back \
         different; replace the disk"
    )]
    ReadBack {
        path: PathBuf,
        what: &'static str,
        /// The first byte that differs.
        offset: u64,
    },
    /// A partition that the kernel cannot drop because it is in use, or a disk
    /// that cannot be opened exclusively.
    #[error("{partition} is in use: {}; release it and try again", words(.holders))]
    Busy {
        /// The node of the partition or the disk.
        partition: PathBuf,
        /// Who uses it: mount points, device-mapper maps, swap, processes.
        holders: Vec<String>,
    },
    /// The kernel makes no partitions of this device.
    #[error("the kernel makes no partitions of {path}: {source}; use a whole disk")]
    NoPartitions { path: PathBuf, source: Errno },
    /// The kernel still has other partitions than the table after all attempts.
    #[error("{path}: the kernel has not taken the new partition table over: {detail}; reboot")]
    NotTaken { path: PathBuf, detail: String },
    /// A file of /sys.
    #[error(transparent)]
    File(#[from] FileError),
}

impl Error {
    /// Whether trying again may succeed.
    pub fn is_transient(&self) -> bool {
        match self {
            // The node of a new partition or volume may appear late.
            Self::Open { source, .. } => {
                source.kind() == io::ErrorKind::NotFound || transient::io(source)
            }
            Self::Read { source, .. } | Self::Write { source, .. } => transient::io(source),
            Self::File(error) => error.is_transient(),
            Self::Ioctl { source, .. } => transient::errno(*source),
            Self::ReadBack { .. } | Self::Busy { .. } | Self::NotTaken { .. } => true,
            Self::NotADisk { .. }
            | Self::ReadOnly { .. }
            | Self::Table { .. }
            | Self::WrongDisk { .. }
            | Self::Unused { .. }
            | Self::Places { .. }
            | Self::Sector0 { .. }
            | Self::Outside { .. }
            | Self::Protected { .. }
            | Self::Unmapped { .. }
            | Self::Stopped(_)
            | Self::NoPartitions { .. } => false,
        }
    }
}

fn words(holders: &[String]) -> String {
    match holders {
        [] => "by what, the kernel does not say".to_owned(),
        some => some.join(", "),
    }
}
