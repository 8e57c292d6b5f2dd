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

    /// Whether trying again may succeed.
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

/// Removes a file, or a link. One that is not there is no error.
///
/// # Errors
/// When it is there and stays.
pub fn remove_file(path: impl AsRef<Path>) -> Result<(), FileError> {
    match std::fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(FileError::new("remove", path, error))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_there_is_removed_and_what_stays_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("file");
        std::fs::write(&file, "").unwrap();
        remove_file(&file).unwrap();
        assert!(!file.exists());
        remove_file(&file).unwrap();
        let error = remove_file(dir.path()).unwrap_err().to_string();
        let words = format!("cannot remove {}: ", dir.path().display());
        assert!(error.starts_with(&words), "{error}");
    }
}
