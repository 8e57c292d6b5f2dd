// SPDX-License-Identifier: MIT OR Apache-2.0
//! `staged.toml`: what was staged, and for which machine.

use crate::fingerprint::Fingerprint;
use ondisk::document;
use ondisk::inventory::{Disagreement, Facts};
use ondisk::manifest::{self, Manifest, PAYLOAD, Protection};
use ondisk::minisign::{BadKey, PublicKey, Untrusted, verify};
use ondisk::sha256::Sha256Sum;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// The format that this version writes and reads.
pub const FORMAT: u32 = 1;

/// What `replant stage` leaves for the tiny system.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Staged {
    pub format: u32,
    /// Seconds since 1970.
    pub time: u64,
    /// SHA-256 of the staged migration.toml.
    pub manifest_sha256: String,
    /// SHA-256 of the payload that was examined.
    pub payload_sha256: String,
    /// SHA-256 over the files of the saved identity, see
    /// [`identity::digest`].
    pub identity_sha256: String,
    /// The old machine's host name.
    pub host: String,
    /// `root=` of the old root file system, as `UUID=...`.
    pub root: String,
    /// RAID arrays and the like that the old system found to be wholly on the
    /// disk, by [`crate::plan::Whole::id`]. The tiny system cannot see all of
    /// their members.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub whole: BTreeSet<String>,
    /// The level of protection.
    #[serde(default)]
    pub protection: Protection,
    /// Where GRUB's environment block lies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<Environment>,
    /// Who signed the package, if only signed ones were taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature: Option<Signed>,
    pub fingerprint: Fingerprint,
    /// What was found in the payload.
    pub facts: Facts,
}

/// A signature, and whose would have been taken. Keys that are installed later
/// change nothing for what is staged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signed {
    /// The number of the key that signed.
    pub by: String,
    /// The content of migration.toml.minisig.
    pub text: String,
    /// The trusted keys, each as one line.
    pub trusted: Vec<String>,
}

/// The file with GRUB's environment block.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Environment {
    /// The UUID of its file system.
    pub uuid: String,
    /// Its path there, without a slash at the start.
    pub path: String,
}

/// Why a record cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error("staged.toml: {0}; run replant stage again on the old system")]
    Syntax(#[from] document::Error),
    #[error("staged.toml cannot be written: {0}")]
    Unwritable(#[from] document::WriteError),
    #[error("staged.toml has format {0}, this version reads {FORMAT}; run replant stage again")]
    Format(u32),
    #[error(
        "staged.toml is about another payload than migration.toml; run replant stage again on the old system"
    )]
    OtherPayload,
    #[error(
        "migration.toml is not the file that was staged; run replant stage again on the old system"
    )]
    OtherManifest,
    #[error(transparent)]
    Untrusted(#[from] Untrusted),
    #[error("staged.toml: a trusted key {0}; run replant stage again on the old system")]
    Key(BadKey),
    #[error("migration.toml is no text; run replant stage again on the old system")]
    NoText,
    #[error(transparent)]
    Manifest(#[from] manifest::Error),
    #[error(transparent)]
    Disagreement(#[from] Disagreement),
}

impl Staged {
    /// Reads the record.
    pub fn parse(text: &str) -> Result<Staged, Error> {
        let staged: Staged = document::read(text)?;
        if staged.format == FORMAT {
            Ok(staged)
        } else {
            Err(Error::Format(staged.format))
        }
    }

    /// Reads the staged manifest: it must be the one that was staged, signed by a
    /// key that was trusted then, and about the payload that was examined.
    pub fn manifest(&self, bytes: &[u8]) -> Result<Manifest, Error> {
        if Sha256Sum::of(bytes).to_string() != self.manifest_sha256 {
            return Err(Error::OtherManifest);
        }
        if let Some(signed) = &self.signature {
            let keys = signed
                .trusted
                .iter()
                .map(|line| PublicKey::parse(line.as_bytes()));
            let keys: Vec<_> = keys.collect::<Result<_, _>>().map_err(Error::Key)?;
            verify(bytes, Some(signed.text.as_bytes()), &keys)?;
        }
        let manifest = Manifest::parse(std::str::from_utf8(bytes).map_err(|_| Error::NoText)?)?;
        self.agree(&manifest)?;
        Ok(manifest)
    }

    /// Checks that the manifest belongs to the payload that was examined, and has
    /// its numbers. Then the payload need not be decoded again, as long as its
    /// checksum is right.
    pub fn agree(&self, manifest: &Manifest) -> Result<(), Error> {
        if manifest.file(PAYLOAD).map(|f| &f.sha256) != Some(&self.payload_sha256) {
            return Err(Error::OtherPayload);
        }
        Ok(self.facts.agree(manifest)?)
    }

    /// The text of the record.
    pub fn encode(&self) -> Result<String, Error> {
        Ok(document::write(self)?)
    }
}

#[cfg(test)]
mod tests;
