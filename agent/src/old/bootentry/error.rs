// SPDX-License-Identifier: MIT OR Apache-2.0
//! Why the boot entry could not be made or taken away.

use super::{END_LINE, ID, Unwanted};
use crate::program;
use std::path::PathBuf;
use sys::FileError;

/// Why the entry could not be made or taken away.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    #[error(
        "no GRUB 2 found: neither /boot/grub2/grub.cfg nor /boot/grub/grub.cfg; only machines that boot by GRUB 2 can be staged"
    )]
    NoLoader,
    #[error("{}: {why}; a one-shot boot entry would be booted again and again", path.display())]
    Environment {
        /// The environment block.
        path: PathBuf,
        why: String,
    },
    #[error(
        "{path} is a link to {target}, which GRUB, seeing only the file system of grub.cfg, does not follow: it would not find the choice for the next boot, or boot it again and again; make it a file of its own (rm it, then grub-editenv {path} create) and set the default entry again", path = path.display(), target = target.display()
    )]
    Elsewhere {
        /// The environment block.
        path: PathBuf,
        target: PathBuf,
    },
    #[error(
        "{}: has no \"{missing}\"; make it again with {remedy} and retry",
        path.display()
    )]
    Config {
        path: PathBuf,
        /// The words that it should contain.
        missing: &'static str,
        remedy: &'static str,
    },
    #[error(
        "{}: replant's own lines were changed, and where they end (\"{END_LINE}\") is not to be seen; remove them by hand",
        path.display()
    )]
    Changed { path: PathBuf },
    #[error(transparent)]
    File(#[from] FileError),
    #[error("GRUB, by what it will read: {0}")]
    Choice(#[from] Unwanted),
    #[error(transparent)]
    Root(#[from] rootdir::Error),
    #[error(transparent)]
    Program(#[from] program::Error),
    #[error(
        "grubby still lists /boot/vmlinuz-convert after removing it; take the entry \"{ID}\" out of GRUB's configuration by hand"
    )]
    StillListed,
    #[error(
        "{}: next_entry is \"{found}\" after it was set to \"{ID}\"; another program writes this file: stop it and try again",
        path.display()
    )]
    NotArmed {
        /// The environment block.
        path: PathBuf,
        found: String,
    },
}
