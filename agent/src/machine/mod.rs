// SPDX-License-Identifier: MIT OR Apache-2.0
//! Facts about the machine that replant runs on.

mod memory;
mod mounts;
pub mod process;
mod processors;

pub use memory::MemInfo;
pub use mounts::{Mount, mounts, parse as parse_mounts};
pub use processors::processors;

use std::path::PathBuf;
use sys::{FileError, cannot};

/// Why a fact could not be found.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file of /proc, /sys or /etc could not be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// A file does not say what it should.
    #[error("{}: {what}", path.display())]
    Unexpected {
        path: PathBuf,
        /// What is odd about it.
        what: String,
    },
}

impl Error {
    /// Whether trying again may succeed.
    pub fn is_transient(&self) -> bool {
        match self {
            Error::File(error) => error.is_transient(),
            Error::Unexpected { .. } => false,
        }
    }
}

fn read(path: impl Into<PathBuf>) -> Result<String, Error> {
    let path = path.into();
    Ok(std::fs::read_to_string(&path).map_err(cannot("read", &path))?)
}
