// SPDX-License-Identifier: MIT OR Apache-2.0
//! Why a step failed.

use std::path::PathBuf;

/// Why a step failed. Each message is one line that names the thing.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Devices and modules.
    #[error(transparent)]
    Device(#[from] crate::device::Error),
    /// The old root was not found, or not on one disk.
    #[error(transparent)]
    Locate(#[from] crate::locate::Error),
    /// Facts about the machine.
    #[error(transparent)]
    Machine(#[from] crate::machine::Error),
    /// Volume groups.
    #[error(transparent)]
    Lvm(#[from] crate::lvm::LvmError),
    /// The disk.
    #[error(transparent)]
    Disk(#[from] crate::disk::Error),
    /// Formatting.
    #[error(transparent)]
    Format(#[from] crate::disk::ext4::Error),
    /// Mounting.
    #[error(transparent)]
    Mount(#[from] crate::mount::Error),
    /// The package's memory.
    #[error(transparent)]
    Tmpfs(#[from] crate::payload::tmpfs::Error),
    /// A file of the package is not what the manifest says.
    #[error(transparent)]
    Verify(#[from] crate::payload::verify::Error),
    /// Too little RAM.
    #[error(transparent)]
    Memory(#[from] crate::payload::memory::TooLittle),
    /// Not a package for this machine.
    #[error(transparent)]
    Refused(#[from] crate::plan::Refusal),
    /// The manifest.
    #[error(transparent)]
    Manifest(#[from] ondisk::manifest::Error),
    /// The partition table of the package.
    #[error("va.sgdisk: {0}")]
    Table(#[from] ondisk::gpt::Error),
    /// The staged record.
    #[error(transparent)]
    Staged(#[from] crate::stage::StagedError),
    /// The payload's source.
    #[error(transparent)]
    Source(#[from] crate::payload::SourceError),
    /// Unpacking.
    #[error(transparent)]
    Unpack(#[from] crate::payload::unpack::Error),
    /// Identity.
    #[error(transparent)]
    Identity(#[from] crate::identity::Error),
    /// Bootloader and initramfs of the new system.
    #[error(transparent)]
    Boot(#[from] crate::boot::Error),
    /// `replant=migrate` without staging.
    #[error(
        "this machine was not staged: {} is missing on {device}; run upgrade_to_tiny_system.sh on the old system",
        path.display()
    )]
    NotStaged {
        /// The record that is missing.
        path: PathBuf,
        /// The old root's device.
        device: String,
    },
    /// Staged, but for another machine or another disk.
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
    /// The tiny system's kernel lacks what unpacking needs.
    #[error(
        "the kernel {0} is older than Linux 5.6: it has no openat2, which unpacking needs; make the package with a newer kernel"
    )]
    OldKernel(String),
    /// A file could not be read or written.
    #[error("{}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: std::io::Error,
    },
    /// What was written is not there.
    #[error("{what} is not as it was written: {found}")]
    Unverified {
        /// The thing.
        what: String,
        /// What is there instead.
        found: String,
    },
    /// A step needs what an earlier one finds.
    #[error("{0} is not known: the step that finds it has not run; type: migrate")]
    Missing(&'static str),
    /// A migration is resumed, and its disk is gone.
    #[error(
        "the disk {name} of {bytes} bytes is not found any more; look for it with: disks, attach it again, then type: migrate"
    )]
    DiskGone {
        /// The kernel's name of the disk.
        name: String,
        /// Its size.
        bytes: u64,
    },
    /// A step before the point of no return, after it.
    #[error("the disk is being rewritten already, and the payload is in memory; type: migrate")]
    Begun,
    /// `replant.break=` names none of the steps.
    #[error(
        "replant.break={name}: there is no such step ({}), so it stops here",
        super::names().join(", ")
    )]
    NoSuchStep {
        /// What it names.
        name: String,
    },
    /// `replant.break=` stopped the migration.
    #[error("stopped before {0}, as replant.break asks")]
    Break(&'static str),
}

impl Error {
    /// Whether the same again may go well: devices that were busy or slow, a
    /// medium that failed once.
    pub fn is_transient(&self) -> bool {
        matches!(
            self,
            Error::Device(_)
                | Error::Lvm(_)
                | Error::Disk(_)
                | Error::Format(_)
                | Error::Mount(_)
                | Error::File { .. }
                | Error::Unpack(_)
                | Error::Boot(_)
                | Error::Unverified { .. }
        )
    }
}

/// A step that failed, after its retries.
#[derive(Debug, thiserror::Error)]
#[error("{step}: {error}")]
pub struct Failure {
    /// The step's name.
    pub step: &'static str,
    /// Whether the disk may have been written.
    pub past_no_return: bool,
    /// Why.
    pub error: Box<Error>,
}
