// SPDX-License-Identifier: MIT OR Apache-2.0
//! The error of a file that could not be used, for all that read and write files.

use crate::transient;
use std::io;
use std::path::{Path, PathBuf};

/// A file, and what could not be done with it.
#[derive(Debug, thiserror::Error)]
#[error("cannot {action} {}: {source}", path.display())]
pub struct FileError {
    /// What was tried, in the infinitive ("read", "create the directory").
    pub action: &'static str,
    /// The file.
    pub path: PathBuf,
    /// The system's answer.
    pub source: io::Error,
}

impl FileError {
    /// An answer of the system to something that was tried with a file.
    pub fn new(action: &'static str, path: impl AsRef<Path>, error: impl Into<io::Error>) -> Self {
        FileError {
            action,
            path: path.as_ref().to_path_buf(),
            source: error.into(),
        }
    }

    /// Whether the same again may go well.
    pub fn is_transient(&self) -> bool {
        transient::io(&self.source)
    }
}

/// For `map_err`: which file it was, and what was tried.
pub fn cannot<E: Into<io::Error>>(
    action: &'static str,
    path: &(impl AsRef<Path> + ?Sized),
) -> impl Fn(E) -> FileError {
    move |error| FileError::new(action, path, error)
}
