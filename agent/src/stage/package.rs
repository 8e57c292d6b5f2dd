// SPDX-License-Identifier: MIT OR Apache-2.0
//! The unpacked package.

use super::Error;
use super::error::file;
use crate::payload::Sha256;
use crate::payload::verify::{Expected, verify};
use ondisk::gpt::Backup;
use ondisk::manifest::{MANIFEST, Manifest, SCRIPT, TABLE};
use std::cmp::Ordering;
use std::path::{Path, PathBuf};

/// A package whose files are all there, in their sizes; [`Package::verify`]
/// compares every byte.
pub struct Package {
    /// Its directory.
    pub dir: PathBuf,
    /// The manifest.
    pub manifest: Manifest,
    /// SHA-256 of the manifest's text.
    pub manifest_sha256: String,
    /// The new partition table.
    pub table: Backup,
}

impl Package {
    /// Reads the manifest and the table of the package in `dir`, and looks
    /// whether all the files are there. Quick, whatever the payload's size.
    ///
    /// # Errors
    /// [`Error`] names the file that is missing, cut, or longer than it was.
    pub fn open(dir: &Path) -> Result<Package, Error> {
        // For messages: the script says "."; where there is no such directory,
        // the missing manifest is told below.
        let dir = &dir.canonicalize().unwrap_or_else(|_| dir.to_path_buf());
        let path = dir.join(MANIFEST);
        let missing = |name: &str| Error::NoFile {
            dir: dir.into(),
            name: name.into(),
        };
        if !path.exists() {
            return Err(missing(MANIFEST));
        }
        let text = std::fs::read_to_string(&path).map_err(file(&path))?;
        let manifest = Manifest::parse(&text)?;
        let mut sum = Sha256::new();
        sum.update(text.as_bytes());
        let manifest_sha256 = sum.finish().to_string();
        for entry in &manifest.files {
            let path = dir.join(&entry.name);
            if !path.exists() {
                return Err(missing(&entry.name));
            }
            let found = std::fs::metadata(&path).map_err(file(&path))?.len();
            right_size(path, found, entry.size)?;
        }
        let path = dir.join(TABLE);
        let bytes = std::fs::read(&path).map_err(file(&path))?;
        let known = Expected::of(&manifest, TABLE)?;
        verify(&bytes[..], &path, &known, &mut |_| {})?;
        let table = Backup::parse(&bytes)?;
        Ok(Package {
            dir: dir.into(),
            manifest,
            manifest_sha256,
            table,
        })
    }

    /// Compares every byte of every file with the manifest. `progress` gets
    /// the bytes done and the bytes in all.
    ///
    /// # Errors
    /// [`Error`] names the file that was changed.
    pub fn verify(&self, progress: &mut dyn FnMut(u64, u64)) -> Result<(), Error> {
        let sizes = self.manifest.files.iter().map(|f| f.size);
        let total = sizes.fold(0, u64::saturating_add);
        let mut before = 0_u64;
        for entry in &self.manifest.files {
            let path = self.dir.join(&entry.name);
            let reader = std::fs::File::open(&path).map_err(file(&path))?;
            verify(reader, &path, &self.expected(&entry.name)?, &mut |done| {
                progress(before.saturating_add(done), total);
            })?;
            before = before.saturating_add(entry.size);
        }
        Ok(())
    }

    /// Names of the files that go to the old system's disk, the script apart.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.manifest
            .files
            .iter()
            .map(|f| f.name.as_str())
            .filter(|name| *name != SCRIPT)
    }

    /// Size and checksum of a file.
    ///
    /// # Errors
    /// When the manifest does not list it.
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
