// SPDX-License-Identifier: MIT OR Apache-2.0
//! Who signed a package.

use crate::file::At;
use anyhow::{Result, bail};
use ondisk::minisign::{PublicKey, Signature, verify};
use serde::Serialize;
use std::fmt;
use std::path::PathBuf;

/// What a signature says.
#[derive(Debug, Serialize)]
pub struct Signed {
    /// The number of the key.
    by: String,
    /// Its trusted comment.
    comment: String,
    /// Whether a key that was given says that it is right.
    verified: bool,
}

impl Signed {
    /// What the bytes of a signature say of themselves.
    pub fn claimed(bytes: &[u8]) -> Result<Signed> {
        Ok(Signed::of(&Signature::parse(bytes)?, false))
    }

    fn of(signature: &Signature, verified: bool) -> Signed {
        Signed {
            by: signature.by().to_string(),
            comment: signature.comment(),
            verified,
        }
    }

    /// Compares with the keys of these files, if there are any. `None` is a
    /// package that is not signed, where no key is given.
    pub fn verified(
        manifest: &str,
        signature: Option<&[u8]>,
        trust: &[PathBuf],
    ) -> Result<Option<Signed>> {
        let mut keys = Vec::new();
        for path in trust {
            match PublicKey::parse(&std::fs::read(path).at(path)?) {
                Ok(key) => keys.push(key),
                Err(what) => bail!("{} {what}", path.display()),
            }
        }
        if keys.is_empty() {
            return signature.map(Signed::claimed).transpose();
        }
        let signed = verify(manifest.as_bytes(), signature, &keys)?;
        Ok(Some(Signed::of(&signed, true)))
    }
}

impl fmt::Display for Signed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Signed { by, comment, .. } = self;
        match self.verified {
            true => write!(f, "signed by {by}: {comment}"),
            false => write!(
                f,
                "says that {by} signed it ({comment}), which was not verified; verify --trust FILE does that"
            ),
        }
    }
}
