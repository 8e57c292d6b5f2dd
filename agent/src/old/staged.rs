// SPDX-License-Identifier: MIT OR Apache-2.0
//! `staged.toml`: what was staged, and for which machine.

use crate::fingerprint::Fingerprint;
use ondisk::document;
use ondisk::inventory::{Disagreement, Facts};
use ondisk::manifest::{Manifest, PAYLOAD, Protection};
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
    pub fingerprint: Fingerprint,
    /// What was found in the payload.
    pub facts: Facts,
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
mod tests {
    use super::*;
    use crate::disk::DiskId;

    #[test]
    fn reads_back_what_it_writes() {
        let (manifest, _) = crate::plan::sample();
        let staged = Staged {
            format: FORMAT,
            time: 1_700_000_000,
            manifest_sha256: "ab".repeat(32),
            payload_sha256: "00".repeat(32),
            identity_sha256: "cd".repeat(32),
            host: "oldbox".into(),
            root: "UUID=0de0".into(),
            whole: ["volume group old".to_owned()].into(),
            fingerprint: Fingerprint {
                machine_id: "0123".into(),
                disk: DiskId {
                    bytes: 8 << 30,
                    table: "dos 1".into(),
                    ..DiskId::default()
                },
            },
            facts: Facts {
                payload: manifest.payload.clone(),
                content: Vec::new(),
            },
            protection: Protection::Resume,
            environment: Some(Environment {
                uuid: "0de1".into(),
                path: "grub2/grubenv".into(),
            }),
        };
        let text = staged.encode().unwrap();
        assert_eq!(Staged::parse(&text), Ok(staged.clone()));
        // That of an earlier version.
        let (start, rest) = text.split_once("[environment]").unwrap();
        let (_, rest) = rest.split_once("[fingerprint]").unwrap();
        let earlier = Staged::parse(&format!("{start}[fingerprint]{rest}")).unwrap();
        assert_eq!(earlier.environment, None);
        let error = Staged::parse(&text.replace("format = 1", "format = 9")).unwrap_err();
        assert_eq!(error, Error::Format(9));
        assert!(matches!(Staged::parse("x"), Err(Error::Syntax(_))));

        // Without numbers for its file systems the manifest is another one's.
        let error = staged.agree(&manifest).unwrap_err().to_string();
        assert!(
            error.contains("1000000000 bytes and 1000 members on /"),
            "{error}"
        );
        let mut other = manifest;
        other
            .files
            .iter_mut()
            .for_each(|f| f.sha256 = "11".repeat(32));
        assert_eq!(staged.agree(&other), Err(Error::OtherPayload));
    }
}
