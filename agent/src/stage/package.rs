// SPDX-License-Identifier: MIT OR Apache-2.0
//! The unpacked package.

use super::Error;
use super::error::file;
use crate::payload::Sha256;
use crate::payload::verify::{Expected, verify};
use ondisk::gpt::Backup;
use ondisk::manifest::{MANIFEST, Manifest, SCRIPT, TABLE};
use std::path::{Path, PathBuf};

/// A package whose every byte was compared with its manifest.
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
    /// Reads and verifies the package in `dir`. `progress` gets the bytes done
    /// and the bytes in all.
    ///
    /// # Errors
    /// [`Error`] names the file that is missing, cut or changed.
    pub fn open(dir: &Path, progress: &mut dyn FnMut(u64, u64)) -> Result<Package, Error> {
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
        // All sizes first: a file that is cut is found without reading 1 GB.
        for entry in &manifest.files {
            let path = dir.join(&entry.name);
            if !path.exists() {
                return Err(missing(&entry.name));
            }
            let found = std::fs::metadata(&path).map_err(file(&path))?.len();
            if found < entry.size {
                let expected = entry.size;
                let error = crate::payload::verify::Error::TooShort {
                    file: path,
                    found,
                    expected,
                };
                return Err(error.into());
            }
        }
        let total = manifest.files.iter().map(|f| f.size).sum();
        let mut before = 0;
        for entry in &manifest.files {
            let path = dir.join(&entry.name);
            let expected = expected(&manifest, &entry.name)?;
            let reader = std::fs::File::open(&path).map_err(file(&path))?;
            verify(reader, &path, &expected, &mut |done| {
                progress(before + done, total)
            })?;
            before += entry.size;
        }
        let path = dir.join(TABLE);
        let table = Backup::parse(&std::fs::read(&path).map_err(file(&path))?)?;
        Ok(Package {
            dir: dir.into(),
            manifest,
            manifest_sha256,
            table,
        })
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
        expected(&self.manifest, name)
    }
}

fn expected(manifest: &Manifest, name: &str) -> Result<Expected, Error> {
    let unlisted = || ondisk::manifest::Error::Value {
        place: "file".into(),
        what: format!("{name} is not listed; make the package again"),
    };
    let entry = manifest.file(name).ok_or_else(unlisted)?;
    let sha256 = entry.sha256.parse().map_err(|_| unlisted())?;
    Ok(Expected {
        size: entry.size,
        sha256,
    })
}
