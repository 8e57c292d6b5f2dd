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
    /// The file cannot be read.
    #[error("cannot read {file} at byte {at}: {error}")]
    Read {
        /// The file.
        file: PathBuf,
        /// Where.
        at: u64,
        /// The kernel's answer.
        error: io::Error,
    },
    /// Something else than xz.
    #[error("{file} is {found}, not an xz archive; compress the tar archive with xz")]
    NotXz {
        /// The file.
        file: PathBuf,
        /// What it looks like.
        found: &'static str,
    },
    /// The file ends before the archive does.
    #[error(
        "{file} is cut: it ends at byte {at}, in the middle of the archive; copy the package again"
    )]
    Truncated {
        /// The file.
        file: PathBuf,
        /// Its length.
        at: u64,
    },
    /// A check does not match, or the bytes make no sense.
    #[error("{file} is damaged between bytes {from} and {to}; copy the package again")]
    Damaged {
        /// The file.
        file: PathBuf,
        /// First byte of the part that is damaged.
        from: u64,
        /// First byte after it, as far as known.
        to: u64,
    },
    /// Something follows the archive.
    #[error(
        "{file} has something else after the archive, at byte {at}; copy or make the package again"
    )]
    Trailing {
        /// The file.
        file: PathBuf,
        /// Where it begins.
        at: u64,
    },
    /// The archive has no check.
    #[error("{file} has no integrity check (stream at byte {at}); make it without --check=none")]
    NoCheck {
        /// The file.
        file: PathBuf,
        /// Where the stream begins.
        at: u64,
    },
    /// The archive has a check that nobody knows.
    #[error(
        "{file} has an integrity check of unknown type {check} (stream at byte {at}); make it with --check=crc64"
    )]
    UnknownCheck {
        /// The file.
        file: PathBuf,
        /// Where the stream begins.
        at: u64,
        /// The type's number.
        check: u8,
    },
    /// The archive uses something that liblzma does not know.
    #[error(
        "{file} uses an xz filter or option that is unknown (near byte {at}); make it with xz -6 -T0"
    )]
    Unsupported {
        /// The file.
        file: PathBuf,
        /// How far the input was read.
        at: u64,
    },
    /// More memory is needed than allowed.
    #[error(
        "decoding {file} needs more than the {limit} bytes of memory that can be spared (block near byte {at}); make it with xz -6 -T0"
    )]
    Memory {
        /// The file.
        file: PathBuf,
        /// How far the input was read.
        at: u64,
        /// Bytes allowed.
        limit: u64,
    },
    /// The kernel gave no memory, or liblzma is misused.
    #[error("decoding {file} failed near byte {at}: {error}")]
    Failed {
        /// The file.
        file: PathBuf,
        /// How far the input was read.
        at: u64,
        /// liblzma's words.
        error: liblzma::stream::Error,
    },
}
