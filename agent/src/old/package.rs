// SPDX-License-Identifier: MIT OR Apache-2.0
//! The unpacked package.

use super::Error;
use crate::machine;
use crate::payload::verify::{Expected, verify};
use crate::payload::{LookError, Payload, StreamError, look, memory, xz};
use ondisk::gpt::Backup;
use ondisk::inventory::Report;
use ondisk::manifest::{LONGEST, MANIFEST, Manifest, PAYLOAD, SCRIPT, SIGNATURE, Seal, TABLE};
use ondisk::sha256::Sha256Sum;
use std::cmp::Ordering;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};
use sys::cannot;

/// What a package says of itself, of which nothing was believed yet.
pub struct Sealed {
    pub dir: PathBuf,
    /// The manifest.
    pub text: String,
    /// Its signature.
    pub signature: Option<Vec<u8>>,
}

impl Sealed {
    /// Reads the manifest of the package in `dir`, and its signature.
    ///
    /// # Errors
    /// [`Error`] names the file.
    pub fn read(dir: &Path) -> Result<Sealed, Error> {
        // The script passes ".", which says nothing in a message. A directory
        // that does not exist is reported below, as a missing manifest.
        let dir = dir.canonicalize().unwrap_or_else(|_| dir.to_path_buf());
        let path = dir.join(MANIFEST);
        if !path.exists() {
            return Err(Error::NoFile {
                dir,
                name: MANIFEST.into(),
            });
        }
        let text = small(&path)?;
        let text = String::from_utf8(text).map_err(|_| Error::NoSmallFile(path))?;
        let path = dir.join(SIGNATURE);
        let signature = match path.symlink_metadata() {
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            _ => Some(small(&path)?),
        };
        Ok(Sealed {
            dir,
            text,
            signature,
        })
    }
}

/// Reads a file that nobody has vouched for: a device or a pipe would have no end.
fn small(path: &Path) -> Result<Vec<u8>, Error> {
    let found = std::fs::metadata(path).map_err(cannot("read", path))?;
    if !found.is_file() || found.len() > LONGEST {
        return Err(Error::NoSmallFile(path.into()));
    }
    let mut bytes = Vec::new();
    std::fs::File::open(path)
        .and_then(|file| file.take(LONGEST).read_to_end(&mut bytes))
        .map_err(cannot("read", path))?;
    Ok(bytes)
}

/// A package whose files all exist with the right sizes; [`Package::verify`]
/// compares every byte.
pub struct Package {
    pub dir: PathBuf,
    pub manifest: Manifest,
    /// The manifest's text.
    pub text: String,
    /// SHA-256 of the manifest's text.
    pub manifest_sha256: String,
    /// Whether the manifest's last line is a checksum of it.
    pub seal: Seal,
    pub table: Backup,
}

impl Package {
    /// Reads the manifest and the table of the package in `dir`, and looks
    /// whether all the files are there. Quick, whatever the payload's size.
    ///
    /// # Errors
    /// [`Error`] names the file that is missing, cut, or longer than it was.
    pub fn open(dir: &Path) -> Result<Package, Error> {
        Package::of(Sealed::read(dir)?)
    }

    /// The same, of a manifest that was read already.
    ///
    /// # Errors
    /// As of [`Package::open`].
    pub fn of(sealed: Sealed) -> Result<Package, Error> {
        let Sealed { dir, text, .. } = sealed;
        let missing = |name: &str| Error::NoFile {
            dir: dir.clone(),
            name: name.into(),
        };
        let manifest = Manifest::parse(&text)?;
        let seal = Manifest::seal(&text)?;
        let manifest_sha256 = Sha256Sum::of(text.as_bytes()).to_string();
        for entry in &manifest.files {
            let path = dir.join(&entry.name);
            if !path.exists() {
                return Err(missing(&entry.name));
            }
            let found = std::fs::metadata(&path)
                .map_err(cannot("look at", &path))?
                .len();
            right_size(path, found, entry.size)?;
        }
        let path = dir.join(TABLE);
        let bytes = std::fs::read(&path).map_err(cannot("read", &path))?;
        let known = Expected::of(&manifest, TABLE)?;
        verify(&bytes[..], &path, &known, &mut |_| {})?;
        let table = Backup::parse(&bytes)?;
        Ok(Package {
            dir,
            manifest,
            text,
            manifest_sha256,
            seal,
            table,
        })
    }

    /// Compares every byte of every file with the manifest. `progress` gets the
    /// bytes done and the total. Returns the files that differ, each with the
    /// reason.
    pub fn verify(&self, progress: &mut dyn FnMut(u64, u64)) -> Vec<(String, Error)> {
        let sizes = self.manifest.files.iter().map(|f| f.size);
        let total = sizes.fold(0, u64::saturating_add);
        let mut before = 0_u64;
        let mut damaged = Vec::new();
        for entry in &self.manifest.files {
            let verified = self.verify_one(&entry.name, &mut |done| {
                progress(before.saturating_add(done), total);
            });
            damaged.extend(verified.err().map(|error| (entry.name.clone(), error)));
            before = before.saturating_add(entry.size);
        }
        damaged
    }

    /// The same of one file.
    ///
    /// # Errors
    /// [`Error`] says how it differs.
    pub(super) fn verify_one(
        &self,
        name: &str,
        progress: &mut dyn FnMut(u64),
    ) -> Result<(), Error> {
        let path = self.dir.join(name);
        let reader = std::fs::File::open(&path).map_err(cannot("open", &path))?;
        verify(reader, &path, &self.expected(name)?, progress)?;
        Ok(())
    }

    /// Decodes the payload without writing it, and compares its contents with the
    /// manifest. `progress` gets the compressed bytes done and the total.
    ///
    /// # Errors
    /// [`Error::Payload`] names what in it would make the migration fail when
    /// the old system is gone.
    pub fn look(&self, progress: &mut dyn FnMut(u64, u64)) -> Result<Report, Error> {
        let payload = Payload::file(self.dir.join(PAYLOAD)).map_err(StreamError::Source)?;
        let available = machine::MemInfo::read()?.available;
        let limits = memory::beside(available, machine::processors());
        let found = look(&payload, &self.manifest, limits, &mut |p| {
            progress(p.compressed, p.compressed_total);
        });
        let found = found.map_err(|error| match error {
            LookError::Stream(StreamError::Xz(xz::Error::Memory { file, .. })) => {
                Error::NoMemory { file, available }
            }
            other => other.into(),
        })?;
        if !found.refusals.is_empty() {
            return Err(Error::Payload(found.refusals));
        }
        found.facts.agree(&self.manifest)?;
        Ok(found)
    }

    /// Names of the files that are staged: all but the script.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.manifest
            .files
            .iter()
            .map(|f| f.name.as_str())
            .filter(|name| *name != SCRIPT)
    }

    /// Bytes of a file, as the manifest says; 0 where it says nothing of it.
    pub fn expected_size(&self, name: &str) -> u64 {
        self.manifest.file(name).map_or(0, |file| file.size)
    }

    /// Size and checksum of a file.
    pub fn expected(&self, name: &str) -> Result<Expected, Error> {
        Ok(Expected::of(&self.manifest, name)?)
    }
}

fn right_size(file: PathBuf, found: u64, expected: u64) -> Result<(), Error> {
    use crate::payload::verify::Error::{TooLong, TooShort};
    let wrong = match found.cmp(&expected) {
        Ordering::Equal => return Ok(()),
        Ordering::Less => TooShort {
            file,
            found,
            expected,
        },
        Ordering::Greater => TooLong { file, expected },
    };
    Err(wrong.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_has_vouched_for_is_a_short_file_of_text() {
        let dir = tempfile::tempdir().unwrap();
        let [manifest, signature] = [MANIFEST, SIGNATURE].map(|name| dir.path().join(name));
        let read = || Sealed::read(dir.path()).map(|sealed| (sealed.text, sealed.signature));
        let refuses = |name: &str| {
            let error = read().unwrap_err();
            let words = format!("/{name} is no file of text ");
            assert!(error.to_string().contains(&words), "{error}");
            assert!(error.is_refusal(), "{error}");
        };
        std::fs::write(&manifest, "x").unwrap();
        assert_eq!(read().unwrap(), ("x".to_owned(), None));
        // What unpacking can leave; nothing of it ends.
        for endless in ["/dev/zero", "/dev/full"] {
            std::os::unix::fs::symlink(endless, &signature).unwrap();
            refuses(SIGNATURE);
            std::fs::remove_file(&signature).unwrap();
        }
        std::fs::write(&signature, "y").unwrap();
        assert_eq!(read().unwrap(), ("x".to_owned(), Some(b"y".to_vec())));
        let long = std::fs::File::create(&manifest).unwrap();
        long.set_len(LONGEST + 1).unwrap();
        refuses(MANIFEST);
        std::fs::write(&manifest, b"\xff").unwrap();
        refuses(MANIFEST);
        // A link to a file is as good as the file; one to nothing is no signature
        // that is missing.
        std::fs::remove_file(&signature).unwrap();
        std::os::unix::fs::symlink("nowhere", &signature).unwrap();
        std::fs::write(&manifest, "x").unwrap();
        assert!(read().is_err());
        std::fs::write(dir.path().join("nowhere"), "z").unwrap();
        assert_eq!(read().unwrap().1, Some(b"z".to_vec()));
    }
}
