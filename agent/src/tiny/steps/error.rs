// SPDX-License-Identifier: MIT OR Apache-2.0
//! Why a step failed.

use std::path::PathBuf;
use sys::FileError;

/// Why a step failed. Each message is one line that names the thing.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The message of another module's error. Keeping the error itself would add
    /// code for `Debug` and `source` of each type.
    #[error("{error}")]
    Part {
        error: String,
        /// Whether trying again may succeed.
        transient: bool,
    },
    #[error("va.sgdisk: {0}")]
    Table(#[from] ondisk::gpt::Error),
    #[error(
        "this machine was not staged: {} is missing on {device}; run upgrade_to_tiny_system.sh on the old system",
        path.display()
    )]
    NotStaged {
        /// The record that is missing.
        path: PathBuf,
        device: String,
    },
    /// What differs first, as the end of the sentence.
    #[error(
        "the package was staged for another machine: {0}; run upgrade_to_tiny_system.sh on this one"
    )]
    OtherMachine(String),
    /// A staged file is gone, damaged or cannot be read. The path is the one
    /// that the file has on the old system.
    #[error("{} {why}; stage the package again on the old system", path.display())]
    StagedFile {
        /// The file, as `/etc/upd/va.tar.xz`.
        path: PathBuf,
        /// What is wrong with it, as the end of the sentence.
        why: String,
    },
    #[error(
        "the kernel {0} is older than Linux 5.6: it has no openat2, which unpacking needs; make the package with a newer kernel"
    )]
    OldKernel(String),
    #[error("{what} is not as it was written: {found}")]
    Unverified { what: String, found: String },
    #[error("{file} holds {found}, the manifest says {expected}; make the package again")]
    NotThePayload {
        file: String,
        found: String,
        expected: String,
    },
    #[error("stopped by hand")]
    Stopped,
    #[error("{0} is not known: the step that finds it has not run; type: migrate")]
    Missing(&'static str),
    #[error(
        "the disk {name} of {bytes} bytes is not found any more ({}); look for it with: disks, attach it again, then type: migrate",
        crate::tiny::disks::why_none(others)
    )]
    DiskGone {
        /// The kernel's name that the disk had.
        name: String,
        bytes: u64,
        /// The disks that are there, and why each is not the one.
        others: Vec<String>,
    },
    #[error(
        "the disk that is being replaced cannot be told from others: {}; detach the others, then type: migrate",
        disks.join(", ")
    )]
    DisksAlike { disks: Vec<String> },
    /// What is about to be written is not the disk that is replaced, or not on
    /// it.
    #[error(
        "{} is not the disk that is being replaced, or not on it: it {why}; that disk may have another name now: type: migrate",
        disk.display()
    )]
    OtherDisk {
        disk: PathBuf,
        /// What is wrong with it, as the end of "it ...".
        why: String,
    },
    /// What a person names as the payload cannot be it.
    #[error("{from}: {} {why}; type: migrate --payload DEVICE:PATH", from.device.display())]
    Elsewhere {
        from: crate::tiny::Elsewhere,
        /// What is wrong with the device, as the end of the sentence.
        why: String,
    },
    #[error("the disk is being rewritten already, and the payload is in memory; type: migrate")]
    Begun,
    /// The old system is to start again, although there may be attempts left.
    #[error("{0}")]
    Back(crate::tiny::lifeboat::Back),
    /// Record and state could not be found, so it is not known whether the old
    /// system still exists.
    #[error("how far this migration is cannot be said: {0}")]
    Unknown(Box<Error>),
    #[error("{word} is no address of a staging; start the machine again as it was staged")]
    NoAddress {
        /// The word of the kernel's command line.
        word: String,
    },
    #[error(
        "replant.break={name}: there is no such step ({}), so it stops here",
        super::names().join(", ")
    )]
    NoSuchStep { name: String },
    #[error("stopped before {0}, as replant.break asks")]
    Break(&'static str),
}

impl Error {
    /// Whether trying again may succeed: a device was busy or slow, or a medium
    /// failed once. Each error type decides for itself.
    pub fn is_transient(&self) -> bool {
        match self {
            Error::Part { transient, .. } => *transient,
            Error::Unverified { .. } => true,
            Error::Table(_)
            | Error::NotStaged { .. }
            | Error::OtherMachine(_)
            | Error::StagedFile { .. }
            | Error::OldKernel(_)
            | Error::NotThePayload { .. }
            | Error::Missing(_)
            | Error::DiskGone { .. }
            | Error::DisksAlike { .. }
            | Error::OtherDisk { .. }
            | Error::Elsewhere { .. }
            | Error::Begun
            | Error::Back(_)
            | Error::Unknown(_)
            | Error::NoAddress { .. }
            | Error::NoSuchStep { .. }
            | Error::Break(_)
            | Error::Stopped => false,
        }
    }
}

/// The error types of other modules, each with the function that says whether it
/// is transient.
macro_rules! parts {
    ($($transient:expr => $($error:ty),*;)*) => {
        $($(impl From<$error> for Error {
            fn from(error: $error) -> Error {
                let transient: fn(&$error) -> bool = $transient;
                Error::Part {
                    transient: transient(&error),
                    error: error.to_string(),
                }
            }
        })*)*
    };
}

parts! {
    |error| error.is_transient() =>
        crate::device::Error,
        crate::locate::Error,
        crate::machine::Error,
        crate::lvm::LvmError,
        crate::disk::Error,
        crate::disk::ext4::Error,
        crate::mount::Error,
        crate::payload::tmpfs::Error,
        crate::payload::verify::Error,
        crate::payload::SourceError,
        crate::payload::unpack::Error,
        identity::Error,
        crate::tiny::boot::Error,
        crate::tiny::lifeboat::Error,
        FileError,
        rootdir::Error;
    |_| false =>
        crate::payload::memory::TooLittle,
        ondisk::lvm::PlanError,
        crate::plan::Refusal,
        crate::tiny::lifeboat::BadContents,
        ondisk::manifest::Error,
        crate::old::StagedError;
}

/// A step that failed, after its retries.
#[derive(Debug, thiserror::Error)]
#[error("{step}: {error}")]
pub struct Failure {
    pub step: &'static str,
    /// Whether the disk may have been written.
    pub past_no_return: bool,
    pub error: Box<Error>,
}

#[cfg(test)]
mod tests;
