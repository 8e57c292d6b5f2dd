// SPDX-License-Identifier: MIT OR Apache-2.0
//! Why a record cannot be read or made.

use super::{Inconsistent, MAX_BYTES, VERSION};
use crate::lifeboat::filler::Filler;
use crate::lifeboat::id::Id;
use crate::sha256::Sha256Sum;

/// Why bytes are no record of this staging, or a record cannot be written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RecordError {
    /// Never written: the filler of `stage` is there.
    #[error("no record was written here yet: there is {0} of staging {id}", id = .0.id)]
    Filler(Filler),
    /// Something else.
    #[error("there is no record here")]
    NoMagic,
    /// Fewer bytes than the record says that it has.
    #[error("the record is cut off: it has {need} bytes, {have} were read")]
    Short {
        /// Bytes that there are.
        have: u64,
        /// Bytes that there should be.
        need: u64,
    },
    /// More bytes than any record.
    #[error("the record has {0} bytes, more than {MAX_BYTES}")]
    TooLong(u64),
    /// Made by a version of replant with another layout.
    #[error(
        "the record has version {major}.{minor}, this replant knows {}.{}", VERSION.0, VERSION.1
    )]
    Version {
        /// First number of its version.
        major: u16,
        /// Second number.
        minor: u16,
    },
    /// Made by a newer replant, which put something into it that must not be
    /// left out.
    #[error(
        "the record has version {major}.{minor} with section {kind}, which this replant \
         ({}.{}) does not know", VERSION.0, VERSION.1
    )]
    UnknownSection {
        /// First number of its version.
        major: u16,
        /// Second number.
        minor: u16,
        /// Number of the section.
        kind: u32,
    },
    /// The checksum is wrong.
    #[error("the record is damaged: SHA-256 {stored}, computed {computed}")]
    Damaged {
        /// Checksum in the record.
        stored: Sha256Sum,
        /// Checksum of the record.
        computed: Sha256Sum,
    },
    /// Of another staging.
    #[error("the record is that of staging {found}, not of {want}")]
    Foreign {
        /// Staging in the record.
        found: Id,
        /// The staging that was looked for.
        want: Id,
    },
    /// A section that is not where it should be.
    #[error("the record has section {found} where section {want} should be")]
    Order {
        /// Number of the section that is there; 0 at the end.
        found: u32,
        /// Number of the section that should be there.
        want: u32,
    },
    /// A section, or the record's head, whose contents end too early, go on too
    /// long, or are not of its form.
    #[error("the record's {what} is not of its form")]
    Form {
        /// Which part.
        what: &'static str,
    },
    /// The places of both copies do not fit into the record's first block.
    #[error(
        "the record's own files lie in {runs} runs, for more than {max} there is no room; \
         its first block must name them all"
    )]
    OwnRuns {
        /// Runs of both copies.
        runs: usize,
        /// The bound.
        max: usize,
    },
    /// Contents that contradict each other.
    #[error("the record contradicts itself: {0}")]
    Inconsistent(#[from] Inconsistent),
}

/// A record's size, if it is one.
pub(super) fn within_bounds(bytes: u64) -> Result<u64, RecordError> {
    if bytes > MAX_BYTES {
        return Err(RecordError::TooLong(bytes));
    }
    Ok(bytes)
}
