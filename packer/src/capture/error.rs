// SPDX-License-Identifier: MIT OR Apache-2.0
//! Why a disk cannot be captured.

use std::path::{Path, PathBuf};

/// Why a disk cannot be captured.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file could not be read or written.
    #[error("{}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: std::io::Error,
    },
    /// No room for temporary files.
    #[error("no temporary directory: {source}; set TMPDIR")]
    Scratch {
        /// The system's error.
        source: std::io::Error,
    },
    /// The partition table.
    #[error("{}: {source}", image.display())]
    Table {
        /// The image.
        image: PathBuf,
        /// What is wrong.
        source: ondisk::gpt::Error,
    },
    /// Not a GPT disk.
    #[error("{}: no GPT; the new system must boot from a GPT disk with a BIOS boot partition", .0.display())]
    NoTable(PathBuf),
    /// LVM's metadata.
    #[error("partition {number}: {what}")]
    Lvm {
        /// The partition.
        number: u32,
        /// What is wrong.
        what: String,
    },
    /// A volume in several pieces.
    #[error(
        "logical volume {0} is not one piece on one partition; make it so (pvmove) before the capture"
    )]
    Pieces(String),
    /// No root.
    #[error("no file system of the disk has an /etc/fstab: none of them is the root")]
    NoRoot,
    /// Several.
    #[error("several file systems have an /etc/fstab ({}); empty all but the new system's", .0.join(", "))]
    SeveralRoots(Vec<String>),
    /// Not unmounted.
    #[error(
        "the file system on {0} was not unmounted cleanly, and its journal is not replayed; start the appliance once more, shut it down, and capture again"
    )]
    InUse(String),
    /// The fstab names what is not there.
    #[error(
        "/etc/fstab mounts {target} from {source_spec}, which the disk does not have; correct the fstab, or give the line the option noauto or nofail"
    )]
    NoDevice {
        /// Where it is mounted.
        target: String,
        /// What is mounted.
        source_spec: String,
    },
    /// The fstab mounts what the new system cannot have.
    #[error(
        "/etc/fstab mounts {target} from {device}, which is {}; the new system has only ext4 and boots by BIOS: take the line out of the fstab (an EFI system partition is not used), or give it the option noauto or nofail",
        if kind.is_empty() { "no file system" } else { kind }
    )]
    Foreign {
        /// Where it is mounted.
        target: String,
        /// What is mounted.
        device: String,
        /// Its type.
        kind: String,
    },
    /// The fstab says a type that the new file system will not have.
    #[error(
        "/etc/fstab mounts {target} ({device}) as {kind}, and the new file system will be ext4; write ext4 or auto into the type field of that line in the appliance's fstab, and capture again"
    )]
    Type {
        /// Where it is mounted.
        target: String,
        /// What is mounted.
        device: String,
        /// The type.
        kind: String,
    },
    /// The fstab mounts where no directory is.
    #[error(
        "/etc/fstab mounts {0}, and there is no such directory (a link may not lead out of the new system); make it there"
    )]
    NoMountPoint(String),
    /// Standard output.
    #[error("standard output: {0}")]
    Output(std::io::Error),
    /// A program of the build machine.
    #[error(transparent)]
    Program(#[from] crate::program::Error),
    /// tar or xz.
    #[error("tar failed ({0}); its messages are above")]
    Tar(std::process::ExitStatus),
    /// The layout.
    #[error(transparent)]
    Layout(#[from] crate::layout::Error),
}

impl Error {
    pub(super) fn file(path: &Path, source: std::io::Error) -> Error {
        Error::File {
            path: path.to_path_buf(),
            source,
        }
    }
}
