// SPDX-License-Identifier: MIT OR Apache-2.0
//! The tar archive that GNU tar writes with `--xattrs --xattrs-include='*'
//! --numeric-owner`: ustar, GNU and pax headers, sparse maps.
//!
//! [`Parser`] takes the bytes of an archive in pieces of any size and returns
//! [`Event`]s. It reads both families that GNU tar writes:
//!
//! * `--format=gnu`: long names and link names in `L` and `K` members,
//!   base-256 numbers, sparse files of type `S` with extension blocks;
//! * `--format=posix` (pax, what `--xattrs` makes): records in `x` and `g`
//!   members, extended attributes of any bytes, times with nanoseconds and
//!   before 1970, sparse files in the formats 0.0, 0.1 and 1.0.
//!
//! A member that the parser cannot represent whole is refused by name, never
//! skipped: an archive that is unpacked is unpacked completely.
//!
//! Sources: POSIX.1-2017 "pax, extended header"; the GNU tar manual, chapters
//! "Basic Tar Format", "Extended Attributes" and "Storing Sparse Files".

mod acl;
mod cursor;
mod entry;
mod error;
mod header;
mod member;
mod number;
mod parser;
mod path;
mod records;
mod sparse;
#[cfg(test)]
mod tests;

pub use entry::{Entry, Extent, Kind, Time, Totals, Xattr};
pub use error::{Error, Name};
pub use parser::{Event, Parser};

/// Bytes of a tar block; headers and data are padded to it.
pub const BLOCK: usize = 512;

/// The most bytes that the pax headers of one member may have, and the global
/// ones in all. The kernel
/// allows 64 KiB for one attribute's value; a member with twenty such
/// attributes fits.
pub const MAX_PAX_HEADER: u64 = 2 << 20;

/// The most extended attributes that one member may have.
pub const MAX_XATTRS: usize = 1024;

/// The most bytes that a GNU long name or link name may have.
pub const MAX_LONG_NAME: u64 = 64 << 10;

/// The most data extents that a sparse file's map may have (16 bytes of
/// memory each).
pub const MAX_EXTENTS: u64 = 1 << 20;
