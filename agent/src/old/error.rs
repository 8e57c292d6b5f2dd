// SPDX-License-Identifier: MIT OR Apache-2.0
//! Why a command on the old system failed; each message is one line.

use super::unsupported::Unsupported;
use std::path::PathBuf;

#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    #[error("replant must run as root; try: sudo replant ...")]
    NotRoot,
    #[error("{} has no {name}; unpack migration.tar.gz again, and run replant in its directory", dir.display())]
    NoFile {
        dir: PathBuf,
        /// The file that is missing.
        name: String,
    },
    #[error("{} lies in {}, which staging replaces; move the package elsewhere, as to /root/package", path.display(), place.display())]
    InPlace {
        /// The package, or a file of it.
        path: PathBuf,
        place: PathBuf,
    },
    #[error("va.tar.xz: {0}")]
    Payload(ondisk::inventory::Findings),
    #[error(
        "{} cannot be looked through: of the memory {} MiB are available, and its decoder needs more than the half of it; stop a service and try again", file.display(), available >> 20
    )]
    NoMemory {
        file: PathBuf,
        /// Bytes available.
        available: u64,
    },
    #[error("va.sgdisk: {0}")]
    Table(#[from] ondisk::gpt::Error),
    /// What a part's error says, which is all; as text, for it is smaller.
    #[error("{0}")]
    Part(String),
    #[error(transparent)]
    Unsupported(#[from] Unsupported),
    #[error("nobody to ask on standard input; say --yes")]
    NobodyToAsk,
    #[error("{}: {need} more bytes are needed, {free} are free; make room there and try again", path.display())]
    Full {
        path: PathBuf,
        /// Bytes needed.
        need: u64,
        /// Bytes free.
        free: u64,
    },
    #[error("{path} is mounted read-only; make it writable (mount -o remount,rw {path}) and try again", path = .0.display())]
    ReadOnly(PathBuf),
    #[error(
        "another replant stage or revert is running{}; wait for its end and try again", .0.map(|pid: u32| format!(" (process {pid})")).unwrap_or_default()
    )]
    Running(Option<u32>),
    #[error(
        "the package protects the console by a password, but {whose} {why}; set one on this machine with passwd (for \"root\"), or put one that mkpasswd -m sha512crypt made into the package"
    )]
    ConsolePassword {
        whose: &'static str,
        /// Why it is of no use.
        why: crate::password::Unusable,
    },
    #[error("the initramfs cannot get the console's password: {0}")]
    Archive(ondisk::cpio::Error),
    #[error("not everything could be taken back: {}", .0.join("; also: "))]
    Remains(Vec<String>),
    #[error(
        "everything is staged, but this machine could not be restarted; restart it yourself: {0}"
    )]
    Restart(crate::program::Error),
    #[error(
        "protection \"resume\" cannot be had: {0}; nothing is staged; make that possible, or stage with --protection none, and the machine must not lose power"
    )]
    Unprotected(String),
    #[error("nothing was changed")]
    Declined,
    #[error("{}: cannot be flushed for the boot loader: {errno}", path.display())]
    Freeze {
        path: PathBuf,
        errno: rustix::io::Errno,
    },
    #[error("{path} is frozen, so that every write to it waits, and cannot be thawed: {errno}; run fsfreeze --unfreeze {path}, and if that fails restart this machine", path = path.display())]
    Frozen {
        path: PathBuf,
        errno: rustix::io::Errno,
    },
}

macro_rules! parts {
    ($($error:ty),* $(,)?) => {
        $(impl From<$error> for Error {
            fn from(error: $error) -> Error {
                Error::Part(error.to_string())
            }
        })*
    };
}

parts!(
    crate::payload::verify::Error,
    crate::payload::StreamError,
    crate::payload::LookError,
    ondisk::inventory::Disagreement,
    ondisk::agreement::Disagreement,
    crate::payload::tmpfs::Error,
    ondisk::manifest::Error,
    crate::plan::Refusal,
    crate::payload::memory::TooLittle,
    crate::machine::Error,
    crate::block::NotOneDisk,
    crate::disk::Error,
    super::bootentry::Error,
    identity::Error,
    super::StagedError,
    super::arguments::Error,
    super::protection::Refused,
    super::protection::SectorError,
    sys::FileError,
);
