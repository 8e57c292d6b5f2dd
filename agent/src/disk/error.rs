// SPDX-License-Identifier: MIT OR Apache-2.0
//! What can go wrong with a disk.

use std::{io, path::PathBuf};

use ondisk::gpt;
use rustix::io::Errno;

/// Why a disk cannot be read, written, or shown to the kernel.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The node cannot be opened.
    #[error("cannot open {path}: {source}")]
    Open {
        /// Its path.
        path: PathBuf,
        /// The kernel's reason.
        source: io::Error,
    },
    /// Neither a block device nor an image file.
    #[error("{path} is not a disk: it is neither a block device nor a file")]
    NotADisk {
        /// Its path.
        path: PathBuf,
    },
    /// A disk that may not be written.
    #[error("{path} is read-only; switch its write protection off (blockdev --setrw {path})")]
    ReadOnly {
        /// Its path.
        path: PathBuf,
    },
    /// An ioctl failed.
    #[error("{path}: cannot {what}: {source}")]
    Ioctl {
        /// The disk's path.
        path: PathBuf,
        /// What the ioctl does.
        what: &'static str,
        /// The kernel's reason.
        source: Errno,
    },
    /// A read failed.
    #[error("cannot read {len} bytes of {path} at byte {offset}: {source}")]
    Read {
        /// The disk's path.
        path: PathBuf,
        /// Where, in bytes.
        offset: u64,
        /// How much, in bytes.
        len: usize,
        /// The kernel's reason.
        source: io::Error,
    },
    /// A write, or writing the cache out, failed.
    #[error("cannot write {what} to {path} at byte {offset}: {source}")]
    Write {
        /// The disk's path.
        path: PathBuf,
        /// What was written.
        what: &'static str,
        /// Where, in bytes.
        offset: u64,
        /// The kernel's reason.
        source: io::Error,
    },
    /// The disk's table cannot be read, or a table is not for this disk.
    #[error("{path}: {source}")]
    Table {
        /// The disk's path.
        path: PathBuf,
        /// What is wrong.
        source: gpt::Error,
    },
    /// A table that was not fitted to the disk it is to be written to.
    #[error(
        "the partition table is for a disk of {table_blocks} blocks of {table_block_size} bytes, \
         {path} has {blocks} of {block_size}; is it the right disk?"
    )]
    WrongDisk {
        /// The disk's path.
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
    /// What was written is not what is read.
    #[error(
        "{path} does not keep what is written to it: the {what} at byte {offset} reads back \
         different; replace the disk"
    )]
    ReadBack {
        /// The disk's path.
        path: PathBuf,
        /// What was written.
        what: &'static str,
        /// The first byte that differs.
        offset: u64,
    },
    /// A partition that the kernel cannot forget because it is in use, or a
    /// disk that cannot be had alone.
    #[error("{partition} is in use: {}; release it and try again", words(.holders))]
    Busy {
        /// The node of the partition or the disk.
        partition: PathBuf,
        /// Who uses it: mount points, device-mapper maps, swap, processes.
        holders: Vec<String>,
    },
    /// The kernel makes no partitions of this device.
    #[error("the kernel makes no partitions of {path}: {source}; use a whole disk")]
    NoPartitions {
        /// The disk's path.
        path: PathBuf,
        /// The kernel's reason.
        source: Errno,
    },
    /// The kernel's view differs from the table after all attempts.
    #[error("{path}: the kernel has not taken the new partition table over: {detail}; reboot")]
    NotTaken {
        /// The disk's path.
        path: PathBuf,
        /// The first difference.
        detail: String,
    },
    /// The kernel does not say what it should in /sys.
    #[error("cannot read {path}: {source}")]
    Sysfs {
        /// The file.
        path: PathBuf,
        /// The reason.
        source: io::Error,
    },
}

fn words(holders: &[String]) -> String {
    match holders {
        [] => "by what, the kernel does not say".to_owned(),
        some => some.join(", "),
    }
}
