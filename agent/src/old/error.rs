// SPDX-License-Identifier: MIT OR Apache-2.0
//! Why a command on the old system failed, each in one line; and the exit status
//! that follows from it.

use super::bootentry;
use super::unsupported::Unsupported;
use crate::payload::{LookError, StreamError, verify, xz};
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
    #[error("{} is no file of text of at most 4 MiB; take the package from its maker again", .0.display())]
    NoSmallFile(PathBuf),
    #[error("{} lies in {}, which staging replaces; move the package elsewhere, as to /root/package", path.display(), place.display())]
    InPlace {
        /// The package, or a file of it.
        path: PathBuf,
        place: PathBuf,
    },
    #[error("{} {why}", path.display())]
    Key {
        /// The file that is to have a key.
        path: PathBuf,
        why: ondisk::minisign::BadKey,
    },
    #[error("{} has files and none of them is a key, whose name ends in .pub; rename the key, or empty the directory if every package is to be taken", .0.display())]
    NoKeys(PathBuf),
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
    /// The message of another module's error. It is kept as text, which makes
    /// less code than the error itself.
    #[error("{text}")]
    Part {
        text: String,
        /// Whether machine and package do not fit each other. Otherwise something
        /// could not be found out, or not be done.
        refusal: bool,
    },
    #[error("this machine cannot be migrated with this package: {} in the way, each with its row above; nothing was changed", things(.0))]
    Refused(usize),
    #[error("whether this machine can be migrated is not known: {} failed, each with its row above; nothing was changed", checks(.0))]
    Unchecked(usize),
    #[error(
        "there are warnings, {0} of them, each with its row above, and --strict takes none; nothing was changed"
    )]
    Strict(usize),
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
    Unprotected(#[from] super::protection::Error),
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

fn things(count: &usize) -> String {
    match count {
        1 => "one thing is".into(),
        count => format!("{count} things are"),
    }
}

fn checks(count: &usize) -> String {
    match count {
        1 => "one check".into(),
        count => format!("{count} checks"),
    }
}

impl Error {
    /// Whether machine and package do not fit each other: trying again gives the
    /// same result until one of them is changed.
    pub(super) fn is_refusal(&self) -> bool {
        match self {
            Error::Part { refusal, .. } => *refusal,
            Error::Unsupported(Unsupported::NothingMounted(_)) => false,
            Error::NoFile { .. }
            | Error::NoSmallFile(_)
            | Error::InPlace { .. }
            | Error::Payload(_)
            | Error::Table(_)
            | Error::Unsupported(_)
            | Error::Full { .. }
            | Error::ReadOnly(_)
            | Error::ConsolePassword { .. }
            | Error::Unprotected(_)
            | Error::Refused(_) => true,
            Error::NotRoot
            | Error::Key { .. }
            | Error::NoKeys(_)
            | Error::NoMemory { .. }
            | Error::Unchecked(_)
            | Error::Strict(_)
            | Error::NobodyToAsk
            | Error::Running(_)
            | Error::Archive(_)
            | Error::Remains(_)
            | Error::Restart(_)
            | Error::Declined
            | Error::Freeze { .. }
            | Error::Frozen { .. } => false,
        }
    }

    /// The exit status of the program.
    pub fn status(&self) -> u8 {
        match self {
            Error::Strict(_) => 3,
            error if error.is_refusal() => 2,
            _ => 1,
        }
    }
}

/// The error types of other modules, each with whether it is a refusal.
macro_rules! parts {
    ($($error:ty => $refusal:expr),* $(,)?) => {
        $(impl From<$error> for Error {
            fn from(error: $error) -> Error {
                let refuses: fn(&$error) -> bool = $refusal;
                let refusal = refuses(&error);
                Error::Part { text: error.to_string(), refusal }
            }
        })*
    };
}

parts!(
    crate::payload::verify::Error => verify_refuses,
    crate::payload::StreamError => stream_refuses,
    crate::payload::LookError => |error| match error {
        LookError::Stream(error) => stream_refuses(error),
        LookError::Disagreement(_) => true,
    },
    ondisk::inventory::Disagreement => |_| true,
    ondisk::package::Refusal => |_| true,
    ondisk::minisign::Untrusted => |_| true,
    crate::payload::tmpfs::Error => |_| false,
    ondisk::manifest::Error => |_| true,
    crate::plan::Refusal => |_| true,
    crate::payload::memory::TooLittle => |_| true,
    crate::machine::Error => |_| false,
    crate::block::NotOneDisk => |_| true,
    crate::disk::Error => |_| false,
    bootentry::Error => |error| {
        use bootentry::Error::{File, Program, Root};
        !matches!(error, File(_) | Root(_) | Program(_))
    },
    identity::Error => |_| false,
    super::StagedError => |_| false,
    super::arguments::Error => |_| false,
    super::protection::Refused => |_| true,
    super::protection::SectorError => |_| false,
    sys::FileError => |_| false,
);

/// A file that differs from the manifest is a refusal; one that cannot be read is
/// not.
fn verify_refuses(error: &verify::Error) -> bool {
    use verify::Error::{Changed, TooLong, TooShort};
    matches!(error, TooShort { .. } | TooLong { .. } | Changed { .. })
}

fn stream_refuses(error: &StreamError) -> bool {
    match error {
        StreamError::Source(_) | StreamError::Thread(_) => false,
        StreamError::Xz(xz::Error::Read { .. } | xz::Error::Failed { .. }) => false,
        StreamError::Xz(_) | StreamError::Tar { .. } => true,
    }
}
