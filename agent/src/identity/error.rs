// SPDX-License-Identifier: MIT OR Apache-2.0
//! What can go wrong while the identity is saved or applied.

use std::io;
use std::path::PathBuf;

/// Why the identity could not be saved or applied.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file operation failed.
    #[error(
        "cannot {action} {path}: {source}; check that the file system is mounted, writable and not full"
    )]
    Io {
        /// What was tried, in the infinitive ("read", "create the directory").
        action: &'static str,
        /// The file, with the root directory in front.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
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

/// The shorthand of this module.
pub type Result<T> = std::result::Result<T, Error>;
