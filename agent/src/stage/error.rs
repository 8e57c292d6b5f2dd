// SPDX-License-Identifier: MIT OR Apache-2.0
//! Why the old system's side failed.

use std::path::PathBuf;

/// Why a command on the old system failed; one line each.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Not root.
    #[error("replant must run as root; try: sudo replant ...")]
    NotRoot,
    /// Not the unpacked package.
    #[error("{} has no {name}; unpack migration.tar.gz again, and run replant in its directory", dir.display())]
    NoFile {
        /// The directory.
        dir: PathBuf,
        /// The file that is missing.
        name: String,
    },
    /// The package lies where it would be deleted.
    #[error("{} lies in {}, which staging replaces; move the package elsewhere, as to /root/package", path.display(), place.display())]
    InPlace {
        /// The package, or a file of it.
        path: PathBuf,
        /// The place.
        place: PathBuf,
    },
    /// A file of the package is not what the manifest says.
    #[error(transparent)]
    Verify(#[from] crate::payload::verify::Error),
    /// A file cannot be copied.
    #[error(transparent)]
    Copy(#[from] crate::payload::tmpfs::Error),
    /// The manifest.
    #[error(transparent)]
    Manifest(#[from] ondisk::manifest::Error),
    /// The partition table.
    #[error("va.sgdisk: {0}")]
    Table(#[from] ondisk::gpt::Error),
    /// The machine does not suit the package.
    #[error(transparent)]
    Refused(#[from] crate::plan::Refusal),
    /// Too little RAM.
    #[error(transparent)]
    Memory(#[from] crate::payload::memory::TooLittle),
    /// Facts about the machine.
    #[error(transparent)]
    Machine(#[from] crate::machine::Error),
    /// Block devices.
    #[error(transparent)]
    Device(#[from] crate::device::Error),
    /// The disk.
    #[error(transparent)]
    Disk(#[from] crate::disk::Error),
    /// The boot entry.
    #[error(transparent)]
    Boot(#[from] super::bootentry::Error),
    /// The identity.
    #[error(transparent)]
    Identity(#[from] crate::identity::Error),
    /// A program of the old system.
    #[error(transparent)]
    Program(#[from] crate::program::Error),
    /// The record.
    #[error(transparent)]
    Staged(#[from] super::StagedError),
    /// A machine of a kind that this version does not migrate.
    #[error("{0}")]
    Unsupported(String),
    /// A file system is too full.
    #[error("{}: {need} more bytes are needed, {free} are free; make room there and try again", path.display())]
    Full {
        /// Where it is mounted.
        path: PathBuf,
        /// Bytes needed.
        need: u64,
        /// Bytes free.
        free: u64,
    },
    /// A file system that must be written is mounted read-only.
    #[error("{path} is mounted read-only; make it writable (mount -o remount,rw {path}) and try again", path = .0.display())]
    ReadOnly(PathBuf),
    /// A word for the tiny system's kernel that GRUB would not pass on as it is.
    #[error(
        "--append: \"{0}\" has a character that means something to GRUB; use letters, digits and . , : = / _ + @ % - only"
    )]
    Word(String),
    /// All is staged, but the machine was not restarted.
    #[error(
        "everything is staged, but this machine could not be restarted; restart it yourself: {0}"
    )]
    Restart(crate::program::Error),
    /// The person said no.
    #[error("nothing was changed")]
    Declined,
    /// A file could not be read or written.
    #[error("{}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: std::io::Error,
    },
    /// The file system that holds /boot could not be frozen and thawed.
    #[error("{}: cannot be flushed for the boot loader: {errno}", path.display())]
    Freeze {
        /// Where it is mounted.
        path: PathBuf,
        /// The kernel's answer.
        errno: rustix::io::Errno,
    },
}

/// Names the file of an I/O error.
pub(super) fn file(path: &std::path::Path) -> impl FnOnce(std::io::Error) -> Error {
    let path = path.to_path_buf();
    move |source| Error::File { path, source }
}
