// SPDX-License-Identifier: MIT OR Apache-2.0
//! A file's bytes checked against the size and the SHA-256 that the manifest
//! has for it.
use super::{Count, Hash, Limit, Sha256Sum};
use ondisk::manifest::Manifest;
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
    ///
    /// # Errors
    /// When the manifest does not list it.
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
    /// The file cannot be read.
    #[error("cannot read {file} at byte {at}: {error}; check the disk that it is on")]
    Read {
        /// The file.
        file: PathBuf,
        /// Where.
        at: u64,
        /// The kernel's answer.
        error: io::Error,
    },
    /// The copy cannot be written.
    #[error("cannot copy {file} at byte {at}: {error}")]
    Write {
        /// The file.
        file: PathBuf,
        /// Where.
        at: u64,
        /// The kernel's answer.
        error: io::Error,
    },
    /// Fewer bytes than expected.
    #[error(
        "{file} is cut: it has {found} bytes, the manifest says {expected}; copy the package again"
    )]
    TooShort {
        /// The file.
        file: PathBuf,
        /// Bytes there.
        found: u64,
        /// Bytes expected.
        expected: u64,
    },
    /// More bytes than expected.
    #[error(
        "{file} has more than the {expected} bytes that the manifest says; copy the package again"
    )]
    TooLong {
        /// The file.
        file: PathBuf,
        /// Bytes expected.
        expected: u64,
    },
    /// Other bytes than expected.
    #[error(
        "{file} is damaged: its SHA-256 is {found}, the manifest says {expected}; copy the package again"
    )]
    Changed {
        /// The file.
        file: PathBuf,
        /// Checksum of what is there.
        found: Sha256Sum,
        /// Checksum expected.
        expected: Sha256Sum,
    },
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

/// Copies all of `reader` to `writer` and compares what passes, so that one
/// pass over a slow disk does for both. After an error, the copy is worthless.
pub fn copy(
    reader: impl Read,
    writer: &mut dyn Write,
    file: &Path,
    expected: &Expected,
    progress: &mut dyn FnMut(u64),
) -> Result<(), Error> {
    let mut reader = Count::new(Hash::new(Limit::new(reader, expected.size)), progress);
    let mut buffer = vec![0; PIECE];
    loop {
        let at = reader.passed();
        let read = match reader.read(&mut buffer) {
            Ok(0) => break,
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) if error.kind() == io::ErrorKind::FileTooLarge => {
                return Err(Error::TooLong {
                    file: file.to_path_buf(),
                    expected: expected.size,
                });
            }
            Err(error) => {
                return Err(Error::Read {
                    file: file.to_path_buf(),
                    at,
                    error,
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
    if found != expected.size {
        return Err(Error::TooShort {
            file: file.to_path_buf(),
            found,
            expected: expected.size,
        });
    }
    let found = reader.into_inner().finish();
    if found != expected.sha256 {
        return Err(Error::Changed {
            file: file.to_path_buf(),
            found,
            expected: expected.sha256,
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::payload::Sha256;

    fn expected(bytes: &[u8]) -> Expected {
        let mut hash = Sha256::new();
        hash.update(bytes);
        Expected {
            size: bytes.len() as u64,
            sha256: hash.finish(),
        }
    }

    fn check(bytes: &[u8], expected: &Expected) -> Result<(), Error> {
        verify(bytes, Path::new("va.tar.xz"), expected, &mut |_| {})
    }

    #[test]
    fn the_right_bytes_pass_and_are_copied() {
        for size in [0, 1, PIECE - 1, PIECE, PIECE + 1, 2 * PIECE] {
            let bytes: Vec<u8> = (0..size).map(|i| (i % 251) as u8).collect();
            let (mut copied, mut told) = (Vec::new(), 0);
            let mut tell = |at| told = at;
            copy(
                &bytes[..],
                &mut copied,
                Path::new("x"),
                &expected(&bytes),
                &mut tell,
            )
            .unwrap();
            assert_eq!((copied.len(), told), (size, size as u64));
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
    fn the_message_names_the_file_and_the_cure() {
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
