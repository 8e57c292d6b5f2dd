// SPDX-License-Identifier: MIT OR Apache-2.0
//! What can go wrong with a file below a root.

use std::io;
use std::path::{Path, PathBuf};
use sys::FileError;

/// Why a file below the root could not be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file operation failed.
    #[error("{0}; check that the file system is mounted, writable and not full")]
    File(#[from] FileError),
    /// A file is larger than anything of its kind.
    #[error(
        "{path} is larger than {limit} bytes, which no file of this kind is; look at it and shorten it"
    )]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// The limit in bytes.
        limit: u64,
    },
    /// A path leads to something that is no regular file, or holds a name that
    /// cannot be written.
    #[error("{path} is not usable: {reason}; remove it or make it a regular file")]
    Unusable {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: &'static str,
    },
    /// A user's files did not answer.
    #[error(
        "the files of the user with number {uid} did not answer within {seconds} seconds; look at the file server or the program that they are on"
    )]
    Slow {
        /// The user's number.
        uid: u32,
        /// How long it was waited for.
        seconds: u64,
    },
    /// A file system is to be mounted where something else is.
    #[error(
        "{path} cannot be mounted on: {name} is a link or a file, not a directory; make it a directory in the new system and make the package again"
    )]
    NoMountPoint {
        /// The mount point.
        path: PathBuf,
        /// The name in it that is no directory.
        name: String,
    },
}

impl Error {
    /// Whether trying again may succeed.
    pub fn is_transient(&self) -> bool {
        match self {
            Error::File(error) => error.is_transient(),
            Error::Slow { .. } => true,
            Error::TooLarge { .. } | Error::Unusable { .. } | Error::NoMountPoint { .. } => false,
        }
    }
}

/// The shorthand of this crate.
pub type Result<T> = std::result::Result<T, Error>;

pub(super) fn io(action: &'static str, path: &Path, error: impl Into<io::Error>) -> Error {
    FileError::new(action, path, error).into()
}
