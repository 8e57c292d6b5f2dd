// SPDX-License-Identifier: MIT OR Apache-2.0
//! Puts the file into errors.

use anyhow::{Error, Result, anyhow};
use std::fmt::Display;
use std::io;
use std::path::{Path, PathBuf};

/// The error of a file that could not be read or written.
pub fn cannot(action: &str, path: &Path) -> impl Fn(io::Error) -> Error {
    move |e| anyhow!("cannot {action} {}: {e}", path.display())
}

pub trait At<T> {
    /// Puts the path before the message. The messages of `ondisk` quote their
    /// causes, so a chain of errors would say them twice.
    fn at(self, path: &Path) -> Result<T>;
}

impl<T, E: Display> At<T> for Result<T, E> {
    fn at(self, path: &Path) -> Result<T> {
        self.map_err(|e| anyhow!("{}: {e}", path.display()))
    }
}

/// The directory that a path lies in; the current one for a bare name.
pub fn beside(path: &Path) -> PathBuf {
    match path.parent() {
        Some(parent) if parent != Path::new("") => parent.to_path_buf(),
        _ => PathBuf::from("."),
    }
}
