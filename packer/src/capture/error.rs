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
    /// The fstab names what is not there.
    #[error(
        "/etc/fstab mounts {target} from {source_spec}, which the disk does not have; correct the fstab"
    )]
    NoDevice {
        /// Where it is mounted.
        target: String,
        /// What is mounted.
        source_spec: String,
    },
    /// The fstab mounts where no directory is.
    #[error("/etc/fstab mounts {0}, and there is no such directory; make it in the new system")]
    NoMountPoint(String),
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
