// SPDX-License-Identifier: MIT OR Apache-2.0
//! Why a package cannot be made.

use std::path::{Path, PathBuf};

/// Why a package cannot be made.
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
    /// The layout.
    #[error(transparent)]
    Layout(#[from] crate::layout::Error),
    /// The kernel, its initramfs, or the program.
    #[error(transparent)]
    Initramfs(#[from] crate::initramfs::Error),
    /// Standard output.
    #[error("standard output: {0}")]
    Output(std::io::Error),
    /// What would be the manifest.
    #[error(transparent)]
    Manifest(#[from] ondisk::manifest::Error),
    /// The partition table.
    #[error("{}: {source}", file.display())]
    Table {
        /// The file.
        file: PathBuf,
        /// What is wrong.
        source: ondisk::gpt::Error,
    },
    /// The payload's archive.
    #[error("{}: {source}", file.display())]
    Archive {
        /// The file.
        file: PathBuf,
        /// What is wrong.
        source: ondisk::pax::Error,
    },
    /// The archive cannot be decoded within what the target has for it.
    #[error(
        "{}: its decoder needs more than {} MiB; compress it with xz -9 or a smaller preset",
        .0.display(),
        ondisk::manifest::DECODER_BYTES >> 20
    )]
    Dictionary(PathBuf),
    /// GRUB has no place.
    #[error(
        "{}: no BIOS boot partition (type EF02), which GRUB needs on a GPT disk; make one in the new system and capture it again",
        .0.display()
    )]
    NoBiosBoot(PathBuf),
    /// The payload's fstab and the layout do not agree.
    #[error("the payload's etc/fstab has {line}, {what}")]
    Fstab {
        /// The line's first fields.
        line: String,
        /// What does not agree, and what to do.
        what: String,
    },
    /// What the payload lacks.
    #[error("{} {what}: the new system would not boot; capture it again", file.display())]
    Payload {
        /// The file.
        file: PathBuf,
        /// What is missing.
        what: &'static str,
    },
}

impl Error {
    pub(super) fn file(path: &Path, source: std::io::Error) -> Error {
        Error::File {
            path: path.to_path_buf(),
            source,
        }
    }
}
