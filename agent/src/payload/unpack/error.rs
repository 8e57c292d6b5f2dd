// SPDX-License-Identifier: MIT OR Apache-2.0
//! Why an archive cannot be unpacked.

use crate::payload::StreamError;
use ondisk::pax::Name;
use rustix::io::Errno;
use std::path::PathBuf;

/// Why an archive cannot be unpacked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Stream(#[from] StreamError),
    #[error("cannot open the new root {path}: {errno}; mount the new file systems there first")]
    Root { path: PathBuf, errno: Errno },
    #[error(
        "this kernel is older than Linux 5.6 and cannot confine the unpacked files to the new root (no openat2); take a newer vmlinuz-convert"
    )]
    OldKernel,
    #[error(
        "{name}: its path leads through a symbolic link or a file, so it could leave the new root; make the archive again with GNU tar from one directory"
    )]
    Blocked {
        /// The member, or what it links to.
        name: Name,
    },
    #[error(
        "{name}: its path has {length} bytes, more than the allowed {limit}; make the archive without it"
    )]
    LongPath {
        name: Name,
        /// Its length in bytes.
        length: usize,
        limit: usize,
    },
    #[error(
        "{name}: a directory that is not empty is in the way; format the new file systems again"
    )]
    InTheWay { name: Name },
    #[error("{name} is a hard link to {target}, which is not there; make the archive again")]
    NoTarget { name: Name, target: Name },
    #[error(
        "{name}: the archive holds more than the {limit} {what} that the manifest says; make the package again"
    )]
    TooMuch {
        /// The member that exceeds the limit.
        name: Name,
        /// Members or bytes.
        what: &'static str,
        limit: u64,
    },
    #[error(
        "{name}: the new file system is full ({step}); take a bigger disk or a smaller payload"
    )]
    Full { name: Name, step: &'static str },
    #[error("{name}: cannot {step}: {errno}")]
    Entry {
        name: Name,
        step: &'static str,
        errno: Errno,
    },
    #[error("{name}: cannot set the attribute {attribute}: {errno}")]
    Attribute {
        name: Name,
        attribute: Name,
        errno: Errno,
    },
    #[error(transparent)]
    Stopped(#[from] crate::stop::Stopped),
    #[error(
        "the unpacked files did not reach the disk: {errno}; look for I/O errors in the kernel's log"
    )]
    Sync { errno: Errno },
}

impl Error {
    /// Whether trying again may succeed.
    pub fn is_transient(&self) -> bool {
        match self {
            Error::Stream(error) => error.is_transient(),
            Error::Root { errno, .. }
            | Error::Entry { errno, .. }
            | Error::Attribute { errno, .. }
            | Error::Sync { errno } => sys::transient::errno(*errno),
            Error::OldKernel
            | Error::Blocked { .. }
            | Error::LongPath { .. }
            | Error::InTheWay { .. }
            | Error::NoTarget { .. }
            | Error::TooMuch { .. }
            | Error::Full { .. }
            | Error::Stopped(_) => false,
        }
    }
}

/// An attribute that the file system does not support.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lost {
    pub name: Name,
    pub attribute: Name,
}

/// Puts a name to a failed system call.
pub(super) trait Context<T> {
    /// `path` is the member, `step` completes "cannot ...".
    fn during(self, path: &[u8], step: &'static str) -> Result<T, Error>;
}

impl<T> Context<T> for Result<T, Errno> {
    fn during(self, path: &[u8], step: &'static str) -> Result<T, Error> {
        self.map_err(|errno| {
            let name = Name::new(path);
            match errno {
                Errno::NOSPC | Errno::DQUOT => Error::Full { name, step },
                _ => Error::Entry { name, step, errno },
            }
        })
    }
}
