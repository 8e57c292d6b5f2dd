// SPDX-License-Identifier: MIT OR Apache-2.0
//! A file's bytes checked against the size and the SHA-256 that the manifest
//! has for it.
use super::runs;
use super::{Count, Limit, Payload, SourceError};
use ondisk::manifest::Manifest;
use ondisk::sha256::{Hash, Sha256Sum};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

/// What the manifest says of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Expected {
    /// Bytes.
    pub size: u64,
    /// Checksum of all of them.
    pub sha256: Sha256Sum,
}

impl Expected {
    /// What the manifest says of the file of this name.
    pub fn of(manifest: &Manifest, name: &str) -> Result<Expected, ondisk::manifest::Error> {
        let unlisted = || ondisk::manifest::Error::Value {
            place: "file".into(),
            what: format!("{name} is not listed; make the package again"),
        };
        let entry = manifest.file(name).ok_or_else(unlisted)?;
        Ok(Expected {
            size: entry.size,
            sha256: entry.sha256.parse().map_err(|_| unlisted())?,
        })
    }
}

/// Why a file is not what the manifest says.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Source(#[from] SourceError),
    #[error(transparent)]
    Runs(runs::Error),
    #[error("cannot read {file} at byte {at}: {error}; check the disk that it is on")]
    Read {
        file: PathBuf,
        at: u64,
        error: io::Error,
    },
    #[error("cannot copy {file} at byte {at}: {error}")]
    Write {
        file: PathBuf,
        at: u64,
        error: io::Error,
    },
    #[error(
        "{file} is cut: it has {found} bytes, the manifest says {expected}; copy the package again"
    )]
    TooShort {
        file: PathBuf,
        /// Bytes there.
        found: u64,
        /// Bytes expected.
        expected: u64,
    },
    #[error(
        "{file} has more than the {expected} bytes that the manifest says; copy the package again"
    )]
    TooLong {
        file: PathBuf,
        /// Bytes expected.
        expected: u64,
    },
    #[error(transparent)]
    Stopped(#[from] crate::stop::Stopped),
    #[error(
        "{file} is damaged: its SHA-256 is {found}, the manifest says {expected}; copy the package again"
    )]
    Changed {
        file: PathBuf,
        /// Checksum of what is there.
        found: Sha256Sum,
        expected: Sha256Sum,
    },
}

impl Error {
    /// Whether trying again may succeed.
    pub fn is_transient(&self) -> bool {
        match self {
            Error::Source(error) => error.is_transient(),
            Error::Runs(error) => error.is_transient(),
            Error::Read { error, .. } | Error::Write { error, .. } => sys::transient::io(error),
            Error::TooShort { .. } | Error::TooLong { .. } | Error::Changed { .. } => false,
            Error::Stopped(_) => false,
        }
    }
}

/// Bytes that are read, hashed and written at once.
const PIECE: usize = 1 << 20;

/// Reads all of `reader` and compares. `progress` gets the bytes read so far.
pub fn verify(
    reader: impl Read,
    file: &Path,
    expected: &Expected,
    progress: &mut dyn FnMut(u64),
) -> Result<(), Error> {
    copy(reader, &mut io::sink(), file, expected, progress)
}

/// Reads all of the payload and compares. What its source has verified already
/// is not hashed a second time.
pub fn payload(
    payload: &Payload,
    expected: &Expected,
    progress: &mut dyn FnMut(u64),
) -> Result<(), Error> {
    let (reader, name) = (payload.open()?, payload.name());
    match payload.is_verified_as_read() {
        true => pass(reader, &mut io::sink(), name, expected.size, progress),
        false => verify(reader, name, expected, progress),
    }
}

/// Copies all of `reader` to `writer` and compares what passes, so that one
/// pass over a slow disk does for both. After an error, the copy is worthless.
pub fn copy(
    reader: impl Read,
    writer: &mut dyn Write,
    file: &Path,
    expected: &Expected,
    progress: &mut dyn FnMut(u64),
) -> Result<(), Error> {
    let mut reader = Hash::new(reader);
    pass(&mut reader, writer, file, expected.size, progress)?;
    let found = reader.finish();
    if found != expected.sha256 {
        return Err(Error::Changed {
            file: file.to_path_buf(),
            found,
            expected: expected.sha256,
        });
    }
    Ok(())
}

/// Copies all of `reader` to `writer`; it must be `size` bytes.
fn pass(
    reader: impl Read,
    writer: &mut dyn Write,
    file: &Path,
    size: u64,
    progress: &mut dyn FnMut(u64),
) -> Result<(), Error> {
    let mut reader = Count::new(Limit::new(reader, size), progress);
    let mut buffer = vec![0; PIECE];
    loop {
        crate::stop::check()?;
        let at = reader.passed();
        let read = match reader.read(&mut buffer) {
            Ok(0) => break,
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) if error.kind() == io::ErrorKind::FileTooLarge => {
                return Err(Error::TooLong {
                    file: file.to_path_buf(),
                    expected: size,
                });
            }
            Err(error) => {
                return Err(match runs::Error::inside(&error) {
                    Some(runs::Error::Stopped(stopped)) => Error::Stopped(*stopped),
                    Some(error) => Error::Runs(error.clone()),
                    None => Error::Read {
                        file: file.to_path_buf(),
                        at,
                        error,
                    },
                });
            }
        };
        writer
            .write_all(buffer.get(..read).unwrap_or_default())
            .map_err(|error| Error::Write {
                file: file.to_path_buf(),
                at,
                error,
            })?;
    }
    let found = reader.passed();
    if found != size {
        return Err(Error::TooShort {
            file: file.to_path_buf(),
            found,
            expected: size,
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expected(bytes: &[u8]) -> Expected {
        Expected {
            size: bytes.len() as u64,
            sha256: Sha256Sum::of(bytes),
        }
    }

    fn check(bytes: &[u8], expected: &Expected) -> Result<(), Error> {
        verify(bytes, Path::new("va.tar.xz"), expected, &mut |_| {})
    }

    #[test]
    fn the_right_bytes_pass_and_are_copied() {
        for size in [0, 1, PIECE - 1, PIECE, PIECE + 1, 2 * PIECE] {
            let bytes: Vec<u8> = (0..size).map(|i| (i % 251) as u8).collect();
            let (mut copied, mut message) = (Vec::new(), 0);
            let mut tell = |at| message = at;
            copy(
                &bytes[..],
                &mut copied,
                Path::new("x"),
                &expected(&bytes),
                &mut tell,
            )
            .unwrap();
            assert_eq!((copied.len(), message), (size, size as u64));
            assert!(copied == bytes);
        }
    }

    #[test]
    fn every_other_byte_string_is_refused() {
        let good = expected(b"payload");
        assert!(matches!(
            check(b"payloa", &good),
            Err(Error::TooShort {
                found: 6,
                expected: 7,
                ..
            })
        ));
        assert!(matches!(
            check(b"payload1", &good),
            Err(Error::TooLong { expected: 7, .. })
        ));
        assert!(matches!(
            check(b"paYload", &good),
            Err(Error::Changed { .. })
        ));
        assert!(matches!(
            check(b"", &good),
            Err(Error::TooShort { found: 0, .. })
        ));
        assert!(matches!(
            check(b"x", &expected(b"")),
            Err(Error::TooLong { .. })
        ));
    }

    #[test]
    fn the_message_names_the_file_and_the_remedy() {
        let text = check(b"paYload", &expected(b"payload"))
            .unwrap_err()
            .to_string();
        assert!(
            text.starts_with("va.tar.xz is damaged: its SHA-256 is "),
            "{text}"
        );
        assert!(text.ends_with("copy the package again"), "{text}");
    }
}
