// SPDX-License-Identifier: MIT OR Apache-2.0
//! Where the payload's bytes come from.

use super::Copied;
use super::runs::{self, Runs};
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use sys::transient;
use sys::{FileError, cannot};

/// The archive of the new system, wherever its bytes are.
#[derive(Debug, Clone)]
pub struct Payload {
    source: Source,
    size: u64,
}

/// Where the bytes are. Readers see only [`Payload::open`].
#[derive(Debug, Clone)]
enum Source {
    File(PathBuf),
    /// Places of a disk whose file system is gone.
    Runs(Arc<Runs>),
    /// Another copy in a file, which is verified while it is read.
    Copied(Arc<Copied>),
}

/// Why the payload cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    #[error("{0}; put the package's file back there")]
    File(#[from] FileError),
    #[error("cannot begin to read {} ahead: {error}", name.display())]
    Ahead { name: PathBuf, error: io::Error },
}

impl SourceError {
    /// Whether trying again may succeed.
    pub fn is_transient(&self) -> bool {
        match self {
            SourceError::File(error) => error.is_transient(),
            SourceError::Ahead { error, .. } => transient::io(error),
        }
    }
}

/// Whether reading all of the payload again may succeed after this error: each
/// source decides for its own errors.
pub(super) fn may_pass(error: &io::Error) -> bool {
    match runs::Error::inside(error) {
        Some(error) => error.is_transient(),
        None => transient::io(error),
    }
}

impl Payload {
    /// The payload in a file, in a tmpfs or on a disk.
    pub fn file(path: impl Into<PathBuf>) -> Result<Payload, SourceError> {
        let path = path.into();
        let data = std::fs::metadata(&path).map_err(cannot("open", &path))?;
        if !data.is_file() {
            let what = io::Error::other("it is not a regular file");
            return Err(FileError::new("open", path, what).into());
        }
        Ok(Payload {
            size: data.len(),
            source: Source::File(path),
        })
    }

    /// The payload in places of a disk.
    pub fn runs(runs: Runs) -> Payload {
        Payload {
            size: runs.size(),
            source: Source::Runs(Arc::new(runs)),
        }
    }

    /// Another copy of it, in a file.
    pub fn copied(copied: Copied) -> Payload {
        Payload {
            size: copied.size(),
            source: Source::Copied(Arc::new(copied)),
        }
    }

    /// Bytes of the compressed archive.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// What to call it in messages.
    pub fn name(&self) -> &Path {
        match &self.source {
            Source::File(path) => path,
            Source::Runs(runs) => runs.name(),
            Source::Copied(copied) => copied.name(),
        }
    }

    /// Whether its readers return verified bytes only, so that reading all of
    /// them is enough to have compared them.
    pub(super) fn is_verified_as_read(&self) -> bool {
        match &self.source {
            Source::File(_) => false,
            Source::Runs(_) | Source::Copied(_) => true,
        }
    }

    /// A reader of all its bytes, from the first one on.
    pub fn open(&self) -> Result<Box<dyn Read + Send>, SourceError> {
        match &self.source {
            Source::File(path) => Ok(Box::new(File::open(path).map_err(cannot("open", path))?)),
            Source::Copied(copied) => Ok(Box::new(copied.open())),
            Source::Runs(runs) => match runs.open() {
                Ok(reader) => Ok(Box::new(reader)),
                Err(error) => Err(SourceError::Ahead {
                    name: runs.name().into(),
                    error,
                }),
            },
        }
    }
}
