// SPDX-License-Identifier: MIT OR Apache-2.0
//! `staged.toml`: the record that a machine was staged, and which one.

use crate::machine::Fingerprint;
use serde::{Deserialize, Serialize};

/// The format that this version writes and reads.
pub const FORMAT: u32 = 1;

/// What `replant stage` leaves for the tiny system.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Staged {
    /// [`FORMAT`].
    pub format: u32,
    /// Seconds since 1970.
    pub time: u64,
    /// SHA-256 of the staged migration.toml.
    pub manifest_sha256: String,
    /// SHA-256 over the files of the saved identity, see
    /// [`crate::identity::digest`].
    pub identity_sha256: String,
    /// The old machine's host name.
    pub host: String,
    /// `root=` of the old root file system, as `UUID=...`.
    pub root: String,
    /// The machine and its disk.
    pub fingerprint: Fingerprint,
}

/// Why a record cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Not what we wrote.
    #[error("staged.toml: {0}; run replant stage again on the old system")]
    Syntax(String),
    /// A format of another version.
    #[error("staged.toml has format {0}, this version reads {FORMAT}; run replant stage again")]
    Format(u32),
}

impl Staged {
    /// Reads the record.
    ///
    /// # Errors
    /// [`Error`].
    pub fn parse(text: &str) -> Result<Staged, Error> {
        let staged: Staged =
            toml::from_str(text).map_err(|e| Error::Syntax(e.message().replace('\n', " ")))?;
        if staged.format == FORMAT {
            Ok(staged)
        } else {
            Err(Error::Format(staged.format))
        }
    }

    /// The text of the record.
    ///
    /// # Errors
    /// [`Error::Syntax`] when TOML cannot say it.
    pub fn encode(&self) -> Result<String, Error> {
        toml::to_string(self).map_err(|e| Error::Syntax(e.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::DiskId;

    #[test]
    fn reads_back_what_it_writes() {
        let staged = Staged {
            format: FORMAT,
            time: 1_700_000_000,
            manifest_sha256: "ab".repeat(32),
            identity_sha256: "cd".repeat(32),
            host: "oldbox".into(),
            root: "UUID=0de0".into(),
            fingerprint: Fingerprint {
                machine_id: "0123".into(),
                disk: DiskId {
                    bytes: 8 << 30,
                    table: "dos 1".into(),
                    serial: String::new(),
                },
            },
        };
        let text = staged.encode().unwrap();
        assert_eq!(Staged::parse(&text), Ok(staged));
        let error = Staged::parse(&text.replace("format = 1", "format = 9")).unwrap_err();
        assert_eq!(error, Error::Format(9));
        assert!(matches!(Staged::parse("x"), Err(Error::Syntax(_))));
    }
}
