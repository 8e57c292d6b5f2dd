// SPDX-License-Identifier: MIT OR Apache-2.0
//! The package, from the record and from where it lies on the disk.

use super::{Error, Lifeboat};
use crate::disk::Disk;
use crate::old::{Staged, StagedError};
use crate::paths;
use crate::payload::Payload;
use crate::payload::runs::Runs;
use ondisk::gpt::{self, Backup};
use ondisk::lifeboat::Role;
use ondisk::lifeboat::record::Record;
use ondisk::manifest::{Manifest, PAYLOAD, TABLE};
use ondisk::sha256::Sha256Sum;

/// The package's small files, parsed from the record.
#[derive(Debug, Clone)]
pub struct Contents {
    pub manifest: Manifest,
    pub table: Backup,
    pub staged: Staged,
}

/// Why the record's files cannot be used, although its checksum is right.
#[derive(Debug, thiserror::Error)]
pub enum BadContents {
    #[error("the record's {0} is no text")]
    NoText(&'static str),
    #[error("va.sgdisk: {0}")]
    Table(#[from] gpt::Error),
    #[error(transparent)]
    Staged(#[from] StagedError),
    #[error("the record's {0} is not the one that its migration.toml names")]
    OtherFile(&'static str),
}

impl Contents {
    /// Reads the three files.
    ///
    /// # Errors
    /// One that is none, and files that do not belong together.
    pub fn of(record: &Record) -> Result<Contents, BadContents> {
        let staged = text("staged.toml", &record.staged)?;
        let staged = Staged::parse(staged)?;
        let manifest = staged.manifest(&record.manifest)?;
        bound(&manifest, TABLE, &Sha256Sum::of(&record.table_backup))?;
        if let Some(sum) = record.file(Role::Payload).and_then(|file| file.sum) {
            bound(&manifest, PAYLOAD, &sum)?;
        }
        Ok(Contents {
            manifest,
            table: Backup::parse(&record.table_backup)?,
            staged,
        })
    }
}

/// Checks that the manifest, and so who signed it, means this file.
fn bound(manifest: &Manifest, name: &'static str, sum: &Sha256Sum) -> Result<(), BadContents> {
    match manifest.file(name) {
        Some(file) if file.sha256 == sum.to_string() => Ok(()),
        _ => Err(BadContents::OtherFile(name)),
    }
}

fn text<'a>(name: &'static str, bytes: &'a [u8]) -> Result<&'a str, BadContents> {
    std::str::from_utf8(bytes).map_err(|_| BadContents::NoText(name))
}

impl Lifeboat {
    /// The payload, read from its places.
    ///
    /// # Errors
    /// [`Error::Missing`], [`Error::Runs`].
    pub fn payload(&self) -> Result<Payload, Error> {
        let file = self.file(Role::Payload)?.clone();
        let disk = Disk::open(&self.path)?;
        Ok(Payload::runs(Runs::new(disk, PAYLOAD, file)?))
    }

    /// The saved identity as [`identity::archive`] has it, each chunk compared
    /// with its checksum.
    ///
    /// # Errors
    /// [`Error::Unread`] names the place on the disk.
    pub fn identity(&self) -> Result<Vec<u8>, Error> {
        let file = self.file(Role::Identity)?.clone();
        let disk = Disk::open(&self.path)?;
        Ok(Runs::new(disk, paths::IDENTITY, file)?.read()?)
    }
}
