// SPDX-License-Identifier: MIT OR Apache-2.0
//! The xz decoder: liblzma on all cores, within a limit of memory.
//!
//! liblzma decodes the blocks of a stream in parallel where their headers
//! have their sizes (`xz -T` writes such), and streams the others with
//! nothing but their dictionary in memory. It verifies every check that it
//! knows and ends after one stream; so the stream's header is looked at here
//! first, and a new decoder is started for every stream until the input is
//! used up.
//!
//! Format: "The .xz File Format", version 1.2.1.

mod blocks;
mod decoder;
mod header;

pub use decoder::Decoder;

use std::io;
use std::path::PathBuf;

/// What the decoder may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Threads that decode; at least 1 is used.
    pub threads: u32,
    /// Bytes of memory in all. What does not fit is decoded with fewer
    /// threads, and where a single thread does not fit the archive is refused.
    pub memory: u64,
}

/// Why an archive cannot be decoded. Offsets are bytes of the compressed file.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("cannot read {file} at byte {at}: {error}")]
    Read {
        file: PathBuf,
        at: u64,
        error: io::Error,
    },
    #[error("{file} is {found}, not an xz archive; compress the tar archive with xz")]
    NotXz { file: PathBuf, found: &'static str },
    #[error(
        "{file} is cut: it ends at byte {at}, in the middle of the archive; copy the package again"
    )]
    Truncated { file: PathBuf, at: u64 },
    #[error("{file} is damaged between bytes {from} and {to}; copy the package again")]
    Damaged {
        file: PathBuf,
        /// First byte of the part that is damaged.
        from: u64,
        /// First byte after it, as far as known.
        to: u64,
    },
    #[error(
        "{file} has something else after the archive, at byte {at}; copy or make the package again"
    )]
    Trailing { file: PathBuf, at: u64 },
    #[error("{file} has no integrity check (stream at byte {at}); make it without --check=none")]
    NoCheck { file: PathBuf, at: u64 },
    #[error(
        "{file} has an integrity check of unknown type {check} (stream at byte {at}); make it with --check=crc64"
    )]
    UnknownCheck { file: PathBuf, at: u64, check: u8 },
    #[error(
        "{file} uses an xz filter or option that is unknown (near byte {at}); make it with xz -6 -T0"
    )]
    Unsupported {
        file: PathBuf,
        /// How far the input was read.
        at: u64,
    },
    #[error(
        "decoding {file} needs more than the {limit} bytes of memory that can be spared (block near byte {at}); make it with xz -6 -T0"
    )]
    Memory {
        file: PathBuf,
        /// How far the input was read.
        at: u64,
        /// Bytes allowed.
        limit: u64,
    },
    #[error("decoding {file} failed near byte {at}: {error}")]
    Failed {
        file: PathBuf,
        /// How far the input was read.
        at: u64,
        error: liblzma::stream::Error,
    },
}

impl Error {
    /// Whether trying again may succeed.
    pub fn is_transient(&self) -> bool {
        match self {
            Error::Read { error, .. } => crate::payload::source::may_pass(error),
            // liblzma got no memory: another program may have had it.
            Error::Failed { error, .. } => *error == liblzma::stream::Error::Mem,
            Error::NotXz { .. }
            | Error::Truncated { .. }
            | Error::Damaged { .. }
            | Error::Trailing { .. }
            | Error::NoCheck { .. }
            | Error::UnknownCheck { .. }
            | Error::Unsupported { .. }
            | Error::Memory { .. } => false,
        }
    }
}
