// SPDX-License-Identifier: MIT OR Apache-2.0
//! GUID partition tables, and the files that `sgdisk --backup` makes of them.
//!
//! [gptman] is the codec of headers and entries; it is called only with bytes
//! that passed the checks here, for it panics or allocates without bound on
//! some bad input. Where things lie, what fits, and in which order a disk is
//! written is decided here. LBAs count logical blocks of the disk, from 0.
//!
//! Format: UEFI specification 2.10, chapter 5.

mod backup;
mod disk;
mod fit;
mod guid;
mod header;
mod table;
mod write;

#[cfg(test)]
mod tests;

pub use backup::Backup;
pub use disk::{Copy, OnDisk};
pub use fit::LastPartition;
pub use guid::{Guid, GuidError};
pub use header::disk_guid;
pub use table::{Name, Partition, Table};
pub use write::Write;

/// Why a partition table cannot be read, or not be put on a disk.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Fewer bytes than the structure has.
    #[error("{what} is cut off: {have} bytes where {need} are needed; copy the file again")]
    TooShort {
        /// What was being read.
        what: &'static str,
        /// Bytes that there are.
        have: u64,
        /// Bytes that there should be.
        need: u64,
    },
    /// A file that is neither of the two forms of a table's backup.
    #[error(
        "not a partition table backup: {have} bytes, where a table of {count} entries makes \
         {sgdisk} (sgdisk --backup) or {plain} (the first sectors of the disk); make it again"
    )]
    FileSize {
        /// Bytes of the file.
        have: u64,
        /// Number of entries that its header names.
        count: u32,
        /// Size of such a file made by `sgdisk --backup`.
        sgdisk: u64,
        /// Size of such a file made by copying the head of a disk.
        plain: u64,
    },
    /// No `EFI PART` where a header should be.
    #[error("the {0} GPT header has no signature: there is no GPT, or it was overwritten")]
    NoSignature(Copy),
    /// A header of a kind that this code does not know.
    #[error("the {copy} GPT header has the unsupported {field} {value:#x}")]
    Unsupported {
        /// Which header.
        copy: Copy,
        /// The field's name in the specification.
        field: &'static str,
        /// Its value.
        value: u64,
    },
    /// A header whose checksum is wrong.
    #[error("the {copy} GPT header is damaged: checksum {stored:08x}, computed {computed:08x}")]
    HeaderChecksum {
        /// Which header.
        copy: Copy,
        /// Checksum in the header.
        stored: u32,
        /// Checksum of the header.
        computed: u32,
    },
    /// Entries whose checksum is wrong.
    #[error("the {copy} GPT entries are damaged: checksum {stored:08x}, computed {computed:08x}")]
    EntriesChecksum {
        /// Which header's entries.
        copy: Copy,
        /// Checksum in the header.
        stored: u32,
        /// Checksum of the entries.
        computed: u32,
    },
    /// A header field that contradicts the others or the disk.
    #[error("the {copy} GPT header is wrong: {field} is {value}, it should be {want}")]
    Field {
        /// Which header.
        copy: Copy,
        /// The field's name in the specification.
        field: &'static str,
        /// Its value.
        value: u64,
        /// What it should be, in words.
        want: String,
    },
    /// Neither header can be used.
    #[error("both copies of the GPT are damaged: {primary}; {backup}")]
    BothDamaged {
        /// What is wrong with the primary copy.
        primary: Box<Error>,
        /// What is wrong with the backup copy.
        backup: Box<Error>,
    },
    /// The two headers of one backup file do not describe the same table.
    #[error("the two GPT headers disagree about {0}; make the backup again from a sound table")]
    Disagree(&'static str),
    /// The disk could not be read.
    #[error("cannot read the disk at byte {offset}: {reason}")]
    Read {
        /// Position on the disk in bytes.
        offset: u64,
        /// The reader's own words.
        reason: String,
    },
    /// A logical block size other than a power of two from 512 to 65536.
    #[error("a logical block size of {0} bytes is not supported")]
    BlockSize(u32),
    /// A partition that ends before it starts, or lies on the table itself.
    #[error(
        "partition {number} (LBA {first} to {last}) does not lie within the usable LBAs \
         {first_usable} to {last_usable}"
    )]
    Bounds {
        /// The partition's number.
        number: u32,
        /// Its first LBA.
        first: u64,
        /// Its last LBA.
        last: u64,
        /// First LBA that partitions may use.
        first_usable: u64,
        /// Last LBA that partitions may use.
        last_usable: u64,
    },
    /// A partition number that is 0, too high, or there twice.
    #[error("partition number {number} is there twice or is not between 1 and {count}")]
    Number {
        /// The number.
        number: u32,
        /// Number of entries of the table.
        count: u32,
    },
    /// Two partitions with a block in common.
    #[error("partitions {a} and {b} overlap at LBA {lba}")]
    Overlap {
        /// The one that starts first.
        a: u32,
        /// The other one.
        b: u32,
        /// First block that both have.
        lba: u64,
    },
    /// Two partitions with one unique GUID.
    #[error("partitions {a} and {b} have the same unique GUID {guid}")]
    SameGuid {
        /// The lower number.
        a: u32,
        /// The higher number.
        b: u32,
        /// Their GUID.
        guid: Guid,
    },
    /// The disk is too small.
    #[error(
        "the partition table needs a disk of at least {need} bytes ({need_mib} MiB), this one \
         has {have}: {missing} bytes too few; use a bigger disk or make the last partition smaller",
        need_mib = need.div_ceil(1 << 20), missing = need.saturating_sub(*have)
    )]
    DoesNotFit {
        /// Size in bytes of the smallest disk that would do.
        need: u64,
        /// Size in bytes of the disk.
        have: u64,
    },
    /// A partition that starts or ends within a block of the disk.
    #[error(
        "partition {number} starts at byte {start} and ends before byte {end}: not both are \
         multiples of this disk's block size {block_size}; make the table with partitions \
         aligned to 1 MiB"
    )]
    Unaligned {
        /// The partition's number.
        number: u32,
        /// Where it starts, in bytes.
        start: u64,
        /// The byte after its end.
        end: u64,
        /// Logical block size of the disk in bytes.
        block_size: u32,
    },
    /// A partition name of more than 36 UTF-16 units.
    #[error("the partition name {0:?} is longer than 36 characters")]
    NameTooLong(String),
    /// The codec refused what our checks let through; its own errors cannot be
    /// compared or copied.
    #[error("the GPT codec failed: {0}")]
    Codec(String),
}
