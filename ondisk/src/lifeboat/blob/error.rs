// SPDX-License-Identifier: MIT OR Apache-2.0
//! What can be wrong with a blob.

use super::MAX_BYTES;
use crate::bzimage::BzImageError;
use crate::run::TooShort;

/// Why a blob cannot be made, or bytes are not a blob.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BlobError {
    /// A kernel that the loader cannot start.
    #[error("the kernel cannot be started by replant's loader: {0}")]
    Kernel(#[from] BzImageError),
    /// A setup that has no room in memory.
    #[error(
        "the kernel's setup has {bytes} bytes, {} are the most",
        super::MAX_SETUP
    )]
    SetupTooLarge {
        /// Its bytes.
        bytes: usize,
    },
    /// A file that ends within its setup.
    #[error("the kernel is cut off: it has {bytes} bytes, and {setup} of setup")]
    KernelTooShort {
        /// Bytes of the file.
        bytes: u64,
        /// Bytes of its setup.
        setup: usize,
    },
    /// Runs that do not hold the file.
    #[error("the {what} does not lie in the runs that were given: {short}")]
    Runs {
        /// `kernel` or `initramfs`.
        what: &'static str,
        /// How many sectors are missing.
        short: TooShort,
    },
    /// Nowhere to load a file to.
    #[error("the {what} has {bytes} bytes, for which there is no room where the kernel wants it")]
    NoRoom {
        /// `kernel` or `initramfs`.
        what: &'static str,
        /// Bytes of the file.
        bytes: u64,
    },
    /// A command line that the kernel would cut off.
    #[error("the kernel's command line has {bytes} bytes, {limit} are the most")]
    LineTooLong {
        /// Its bytes.
        bytes: usize,
        /// What the kernel takes.
        limit: usize,
    },
    /// A NUL, which would end the command line.
    #[error("the kernel's command line has a NUL")]
    LineNul,
    /// More than stage 1 reads.
    #[error(
        "kernel and initramfs lie on the disk in {pieces} pieces: to load them takes a blob of \
         {bytes} bytes, {MAX_BYTES} are the most"
    )]
    TooLarge {
        /// Bytes of the blob.
        bytes: usize,
        /// Entries of its load table.
        pieces: usize,
    },
    /// Something else, or a blob of another version.
    #[error("this is not a blob of replant's loader")]
    NotOurs,
    /// A header that contradicts itself, or the rest.
    #[error("the blob's {0} is damaged")]
    Damaged(&'static str),
}
