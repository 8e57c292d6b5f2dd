// SPDX-License-Identifier: MIT OR Apache-2.0
//! What can go wrong while the identity is saved or applied.

use std::io;
use std::path::PathBuf;

/// Why the identity could not be saved or applied.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file could not be read or written.
    #[error(transparent)]
    File(#[from] rootdir::Error),
    /// The saved identity would be longer than what is read again.
    #[error(
        "the identity of this machine takes {size} bytes, {limit} at most can be carried over; it has {accounts} accounts, and the longest authorized_keys are those of {largest}: shorten these, or remove accounts that nobody uses"
    )]
    TooMuch {
        /// What it takes, in bytes.
        size: u64,
        /// What is read, in bytes.
        limit: u64,
        /// How many accounts are in it.
        accounts: usize,
        /// Who has the longest authorized_keys.
        largest: String,
    },
    /// The package carries more over than fits.
    #[error(
        "{path}: with it, what the package carries over ([carry]) is more than {bytes} bytes or {files} files; carry fewer and smaller ones, or bring them back by other means when the new system is there"
    )]
    TooMuchCarried {
        /// The file at which it was too much.
        path: PathBuf,
        /// What may be carried, in bytes.
        bytes: u64,
        /// What may be carried, in files and directories.
        files: usize,
    },
    /// The saved identity does not parse.
    #[error("{path} is damaged: {reason}; stage the migration again")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What the parser says.
        reason: String,
    },
    /// The saved identity was made by a newer version.
    #[error(
        "{path} has version {found}, this program knows up to {known}; use the program of the package that saved it"
    )]
    Version {
        /// The file.
        path: PathBuf,
        /// The version in the file.
        found: u32,
        /// The newest version that this program knows.
        known: u32,
    },
    /// The kernel did not tell its network configuration.
    #[error(
        "cannot ask the kernel for its {what}: {source}; look for a security module that forbids netlink"
    )]
    Netlink {
        /// links, addresses or routes.
        what: &'static str,
        /// The system's answer.
        source: io::Error,
    },
    /// The kernel's answer has a wrong length field.
    #[error("the kernel's list of {what} is damaged at byte {offset}; try again")]
    NetlinkFormat {
        /// links, addresses or routes.
        what: &'static str,
        /// Where in the answer.
        offset: usize,
    },
    /// An account cannot be given a number.
    #[error(
        "no free number is left for {kind} {name}; free one below 60000 in the payload's etc/{file}"
    )]
    NoFreeNumber {
        /// "user" or "group".
        kind: &'static str,
        /// Its name.
        name: String,
        /// passwd or group.
        file: &'static str,
    },
}

impl Error {
    /// Whether trying again may succeed.
    pub fn is_transient(&self) -> bool {
        match self {
            Error::File(error) => error.is_transient(),
            Error::Netlink { source, .. } => sys::transient::io(source),
            Error::NetlinkFormat { .. } => true,
            Error::TooMuch { .. }
            | Error::Damaged { .. }
            | Error::Version { .. }
            | Error::TooMuchCarried { .. }
            | Error::NoFreeNumber { .. } => false,
        }
    }
}

/// The shorthand of this module.
pub type Result<T> = std::result::Result<T, Error>;
