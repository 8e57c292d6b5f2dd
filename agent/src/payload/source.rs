// SPDX-License-Identifier: MIT OR Apache-2.0
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// The archive of the new system, wherever its bytes are.
#[derive(Debug, Clone)]
pub struct Payload {
    source: Source,
    size: u64,
}

/// Where the bytes are. Readers see only [`Payload::open`], so that block
/// ranges of a disk can become another variant.
#[derive(Debug, Clone)]
enum Source {
    File(PathBuf),
}

/// Why the payload cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// The file cannot be opened.
    #[error("cannot open {path}: {error}; put the package's file back there")]
    Open {
        /// The file.
        path: PathBuf,
        /// The kernel's answer.
        error: io::Error,
    },
    /// Not a regular file.
    #[error("{path} is not a regular file; put the package's file there")]
    NotAFile {
        /// What was given.
        path: PathBuf,
    },
}

impl Payload {
    /// The payload in a file, in a tmpfs or on a disk.
    pub fn file(path: impl Into<PathBuf>) -> Result<Payload, SourceError> {
        let path = path.into();
        match std::fs::metadata(&path) {
            Ok(data) if data.is_file() => Ok(Payload {
                size: data.len(),
                source: Source::File(path),
            }),
            Ok(_) => Err(SourceError::NotAFile { path }),
            Err(error) => Err(SourceError::Open { path, error }),
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
        }
    }

    /// A reader of all its bytes, from the first one on.
    pub fn open(&self) -> Result<Box<dyn Read + Send>, SourceError> {
        match &self.source {
            Source::File(path) => match File::open(path) {
                Ok(file) => Ok(Box::new(file)),
                Err(error) => Err(SourceError::Open {
                    path: path.clone(),
                    error,
                }),
            },
        }
    }
}
