// SPDX-License-Identifier: MIT OR Apache-2.0
//! The newc cpio archive, as the kernel unpacks it into its rootfs.
//!
//! Source: the kernel's Documentation/driver-api/early-userspace/buffer-format
//! and init/initramfs.c. An entry is a header of 110 bytes (a magic of 6 and 13
//! numbers of 8 hexadecimal digits), the name with its NUL, padding to 4, the
//! data, padding to 4. An archive ends with an entry named `TRAILER!!!`, which
//! only makes the unpacker forget the hard links; another archive may follow,
//! after any number of zero bytes.
//!
//! [`Builder`] writes, deterministically; [`Reader`] reads entry by entry;
//! [`Tree`] is what is there after unpacking.

mod marker;
mod read;
#[cfg(test)]
mod tests;
mod tree;
mod write;

pub use marker::{MARKER, Marker};
pub use read::{Entry, Reader};
pub use tree::{Node, Tree};
pub use write::Builder;

/// Bytes of an entry's header.
pub const HEADER_LEN: usize = 110;
/// Longest name with its NUL, and longest symlink target, that the kernel takes (PATH_MAX).
pub const NAME_MAX: usize = 4096;
/// Name of the last entry of an archive.
pub const TRAILER: &str = "TRAILER!!!";

/// The file type bits of a mode (`S_IFMT`).
pub const TYPE_MASK: u32 = 0o170_000;
/// Mode bits of a directory.
pub const DIRECTORY: u32 = 0o040_000;
/// Mode bits of a regular file.
pub const REGULAR: u32 = 0o100_000;
/// Mode bits of a symbolic link; the data is the target.
pub const SYMLINK: u32 = 0o120_000;
/// Mode bits of a character device.
pub const CHARACTER_DEVICE: u32 = 0o020_000;

/// What is wrong with an archive, or with what it is to be made of.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The bytes end inside an entry.
    #[error(
        "cpio archive ends inside {what} of the entry at byte {offset}; it is truncated, copy it again"
    )]
    Truncated {
        /// `header`, `name` or `data`.
        what: &'static str,
        /// Byte offset of the entry's header.
        offset: usize,
    },
    /// Not a newc entry.
    #[error(
        "no newc cpio entry at byte {offset} (magic {found:?}, need 070701 or 070702); make it with `cpio -H newc`"
    )]
    Magic {
        /// Byte offset of the entry's header.
        offset: usize,
        /// The six bytes that were found.
        found: String,
    },
    /// A header field that is not hexadecimal.
    #[error(
        "cpio entry at byte {offset}: header field {field} is not a hexadecimal number; the archive is damaged"
    )]
    Number {
        /// Byte offset of the entry's header.
        offset: usize,
        /// Name of the field.
        field: &'static str,
    },
    /// A name that is empty, too long, or without its NUL.
    #[error(
        "cpio entry at byte {offset}: its name of {length} bytes has no NUL at its end or is too long; the archive is damaged"
    )]
    Name {
        /// Byte offset of the entry's header.
        offset: usize,
        /// Length of the name with its NUL, as the header says.
        length: usize,
    },
    /// The sum of a 070702 entry's bytes is not the one in its header.
    #[error(
        "cpio entry {name} at byte {offset}: its checksum is {found:08x}, not {expected:08x}; the archive is damaged"
    )]
    Checksum {
        /// The entry's name.
        name: String,
        /// Byte offset of the entry's header.
        offset: usize,
        /// The sum in the header.
        expected: u32,
        /// The sum of the data.
        found: u32,
    },
    /// A path that cannot be in an initramfs.
    #[error("{path:?} cannot be a path in an initramfs: {why}")]
    Path {
        /// The path.
        path: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// Two different things under one path.
    #[error("{path} is given twice for the initramfs; give it once")]
    Twice {
        /// The path.
        path: String,
    },
    /// A file of 4 GiB or more.
    #[error("{path} has {length} bytes; a file in a cpio archive has less than 4 GiB")]
    TooBig {
        /// The path.
        path: String,
        /// Its length in bytes.
        length: usize,
    },
}

/// Bytes from `n` up to the next multiple of 4.
fn padding(n: usize) -> usize {
    n.wrapping_neg() & 3
}
