// SPDX-License-Identifier: MIT OR Apache-2.0
use crate::payload::StreamError;
use ondisk::pax::Name;
use rustix::io::Errno;
use std::path::PathBuf;

/// Why an archive cannot be unpacked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The archive cannot be read.
    #[error(transparent)]
    Stream(#[from] StreamError),
    /// The new root cannot be opened.
    #[error("cannot open the new root {path}: {errno}; mount the new file systems there first")]
    Root {
        /// The directory.
        path: PathBuf,
        /// The kernel's answer.
        errno: Errno,
    },
    /// The kernel has no `openat2`.
    #[error(
        "this kernel is older than Linux 5.6 and cannot confine the unpacked files to the new root (no openat2); take a newer vmlinuz-convert"
    )]
    OldKernel,
    /// A path leads through something that is not a directory.
    #[error(
        "{name}: its path leads through a symbolic link or a file, so it could leave the new root; make the archive again with GNU tar from one directory"
    )]
    Blocked {
        /// The member, or what it links to.
        name: Name,
    },
    /// A path is longer than any that a system has.
    #[error(
        "{name}: its path has {length} bytes, more than the allowed {limit}; make the archive without it"
    )]
    LongPath {
        /// The beginning of it.
        name: Name,
        /// Its length in bytes.
        length: usize,
        /// What is allowed.
        limit: usize,
    },
    /// A directory with content stands where something else belongs.
    #[error(
        "{name}: a directory that is not empty is in the way; format the new file systems again"
    )]
    InTheWay {
        /// The member.
        name: Name,
    },
    /// A hard link to something that the archive did not hold before.
    #[error("{name} is a hard link to {target}, which is not there; make the archive again")]
    NoTarget {
        /// The member.
        name: Name,
        /// What it links to.
        target: Name,
    },
    /// The archive holds more than the manifest says.
    #[error(
        "{name}: the archive holds more than the {limit} {what} that the manifest says; make the package again"
    )]
    TooMuch {
        /// The member that exceeds the limit.
        name: Name,
        /// Members or bytes.
        what: &'static str,
        /// How many are allowed.
        limit: u64,
    },
    /// The file systems are full.
    #[error(
        "{name}: the new file system is full ({step}); take a bigger disk or a smaller payload"
    )]
    Full {
        /// The member.
        name: Name,
        /// What was done.
        step: &'static str,
    },
    /// A system call failed.
    #[error("{name}: cannot {step}: {errno}")]
    Entry {
        /// The member.
        name: Name,
        /// What was done.
        step: &'static str,
        /// The kernel's answer.
        errno: Errno,
    },
    /// An attribute cannot be set.
    #[error("{name}: cannot set the attribute {attribute}: {errno}")]
    Attribute {
        /// The member.
        name: Name,
        /// The attribute.
        attribute: Name,
        /// The kernel's answer.
        errno: Errno,
    },
    /// The data did not reach the disk.
    #[error(
        "the unpacked files did not reach the disk: {errno}; look for I/O errors in the kernel's log"
    )]
    Sync {
        /// The kernel's answer.
        errno: Errno,
    },
}

/// An attribute that the file system does not support.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lost {
    /// The member.
    pub name: Name,
    /// The attribute.
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
