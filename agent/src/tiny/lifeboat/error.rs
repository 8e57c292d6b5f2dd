// SPDX-License-Identifier: MIT OR Apache-2.0
//! What can go wrong with the record and the state of a migration.

use crate::disk;
use crate::payload::runs;
use ondisk::lifeboat::record::RecordError;
use ondisk::lifeboat::state::{NoState, StateError};
use ondisk::lifeboat::{BlobError, BootSectorError, Id, Role, TooShort};
use std::path::PathBuf;

/// Why the record and the state of a migration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Disk(#[from] disk::Error),
    /// No disk has them.
    #[error(
        "no disk has the record and the state of staging {id} ({}); attach the machine's disk, then type: migrate",
        crate::tiny::disks::why_none(others)
    )]
    NotFound {
        id: Id,
        /// Why each disk is not the one.
        others: Vec<String>,
    },
    /// There is a clone of the disk.
    #[error(
        "the record and the state of staging {id} are on several disks ({}); nothing is written to any of them; detach all but the machine's own, then type: migrate",
        disks.join(", ")
    )]
    Alike { id: Id, disks: Vec<String> },
    /// The disk has another size than the record says.
    #[error("has {have} {what}, the record is that of a disk with {want}")]
    Shape {
        what: &'static str,
        have: u64,
        want: u64,
    },
    /// The record's places and those of the command line are not the same.
    #[error("has its {0} elsewhere than the kernel's command line says")]
    Elsewhere(Role),
    /// Neither copy of the record can be read.
    #[error("copy A at LBA {}: {a}; copy B at LBA {}: {b}", at[0], at[1])]
    NoRecord {
        a: Box<Error>,
        b: Box<Error>,
        /// The first sector of each, of 512 bytes.
        at: [u64; 2],
    },
    #[error(transparent)]
    NoState(#[from] NoState),
    /// A record that cannot be written.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// A state that cannot follow the present one.
    #[error(transparent)]
    State(#[from] StateError),
    /// The disk is not the one that was found.
    #[error("{} is not the disk that is being replaced any more: {why}", disk.display())]
    OtherDisk { disk: PathBuf, why: String },
    /// A file that is not on the disk as it was staged.
    #[error(
        "{role} does not lie on the disk as it was staged: a defragmenter may have moved it, or its sectors are damaged; stage the package again on the old system"
    )]
    Changed { role: Role },
    /// As [`Error::Changed`], when the old system is gone.
    #[error("{role} is damaged")]
    Damaged { role: Role },
    /// A blob that would not start this staging.
    #[error("{role} does not fit: {why}; stage the package again on the old system")]
    Blob { role: Role, why: String },
    /// A part of the disk has changed since it was recorded.
    #[error(
        "{what} of the disk has changed since the package was staged; stage it again on the old system"
    )]
    ChangedSince { what: &'static str },
    /// A file that the record does not have.
    #[error("the record has no {0}")]
    Missing(Role),
    #[error(transparent)]
    BootSector(#[from] BootSectorError),
    /// A place on the disk that cannot be read, or has other bytes.
    #[error(transparent)]
    Unread(#[from] runs::Error),
    /// A payload that cannot be read from the disk.
    #[error(transparent)]
    Runs(#[from] runs::Invalid),
    /// Places of a file that are fewer than its bytes.
    #[error("{role}: {short}")]
    Places { role: Role, short: TooShort },
}

impl Error {
    /// Whether trying again may succeed.
    pub fn is_transient(&self) -> bool {
        match self {
            Error::Disk(error) => error.is_transient(),
            Error::Unread(error) => error.is_transient(),
            Error::NotFound { .. }
            | Error::Alike { .. }
            | Error::Shape { .. }
            | Error::Elsewhere(_)
            | Error::NoRecord { .. }
            | Error::NoState(_)
            | Error::Record(_)
            | Error::State(_)
            | Error::OtherDisk { .. }
            | Error::Changed { .. }
            | Error::Damaged { .. }
            | Error::Blob { .. }
            | Error::ChangedSince { .. }
            | Error::Missing(_)
            | Error::BootSector(_)
            | Error::Runs(_)
            | Error::Places { .. } => false,
        }
    }
}

impl Error {
    /// What a blob's error says of it.
    pub(super) fn blob(role: Role, error: BlobError) -> Error {
        Error::Blob {
            role,
            why: error.to_string(),
        }
    }
}
