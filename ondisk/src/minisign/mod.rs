// SPDX-License-Identifier: MIT OR Apache-2.0
//! Signatures of packages, in minisign's format: whether a manifest is what the
//! owner of a trusted key signed.
//!
//! Prehashed signatures, minisign's default, and those of its older versions,
//! which sign the bytes themselves, are read.

mod key;
#[cfg(test)]
mod tests;

pub use key::{BadKey, KeyId, PublicKey};

use crate::manifest::{MANIFEST, SIGNATURE};
use std::fmt;

/// What every minisign file begins with.
const COMMENT: &str = "untrusted comment:";

/// The longest signature in bytes. minisign's comments have 1 KiB and 8 KiB at most;
/// the first of them is not signed, and all of it is kept for the tiny system.
const LONGEST: usize = 16 << 10;

/// A signature; whether it is right, only [`verify`] says.
#[derive(Clone)]
pub struct Signature {
    by: KeyId,
    inner: minisign_verify::Signature,
}

/// The text is no signature of minisign's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "{SIGNATURE} is no signature of minisign, which has four lines: a comment, the signature, a trusted comment and its signature; take the package from its maker again"
)]
pub struct BadSignature;

impl Signature {
    /// Reads the bytes of a `.minisig` file.
    ///
    /// # Errors
    /// [`BadSignature`].
    pub fn parse(bytes: &[u8]) -> Result<Signature, BadSignature> {
        if bytes.len() > LONGEST {
            return Err(BadSignature);
        }
        let text = std::str::from_utf8(bytes).map_err(|_| BadSignature)?;
        let lines: Vec<&str> = text.trim_end().lines().collect();
        let [comment, signature, _, _] = lines.as_slice() else {
            return Err(BadSignature);
        };
        let by = KeyId::of_line(signature).ok_or(BadSignature)?;
        if !comment.starts_with(COMMENT) {
            return Err(BadSignature);
        }
        let inner = minisign_verify::Signature::decode(text).map_err(|_| BadSignature)?;
        Ok(Signature { by, inner })
    }

    /// The key that it says to be of.
    pub fn by(&self) -> KeyId {
        self.by
    }

    /// The comment that is signed, too, on one line and without anything that a
    /// terminal would carry out.
    pub fn comment(&self) -> String {
        let plain = |c: char| if c.is_control() { ' ' } else { c };
        self.inner.trusted_comment().chars().map(plain).collect()
    }
}

impl fmt::Debug for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signature by {}", self.by)
    }
}

/// Why a package is not one that a trusted key signed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Untrusted {
    /// There is no signature.
    #[error(
        "the package is not signed (it has no {SIGNATURE}), and only what {trusted} signed is taken here; take the signed package from its maker"
    )]
    Unsigned {
        /// What would be taken.
        trusted: Ids,
    },
    /// The file with the signature is none.
    #[error(transparent)]
    Damaged(#[from] BadSignature),
    /// The signature is of another key.
    #[error(
        "the package is signed by {by}, and only what {trusted} signed is taken here; if {by} is the maker's key, compare it with what the maker says elsewhere than in the package, then trust its .pub file"
    )]
    Stranger {
        /// Who signed.
        by: KeyId,
        /// What would be taken.
        trusted: Ids,
    },
    /// The signature is not of these bytes.
    #[error(
        "{MANIFEST} is not what {by} signed: it or {SIGNATURE} was changed or damaged; take the package from its maker again"
    )]
    Changed {
        /// Who is said to have signed.
        by: KeyId,
    },
}

/// Which keys are trusted, in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ids(Vec<KeyId>);

impl Ids {
    /// Those of the keys, each once.
    pub fn of(keys: &[PublicKey]) -> Ids {
        let mut ids: Vec<KeyId> = keys.iter().map(PublicKey::id).collect();
        ids.sort();
        ids.dedup();
        Ids(ids)
    }
}

impl fmt::Display for Ids {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ids: Vec<String> = self.0.iter().map(KeyId::to_string).collect();
        match ids.as_slice() {
            [] => write!(f, "nobody"),
            ids => write!(f, "{}", ids.join(" or ")),
        }
    }
}

/// Whether one of the keys signed these bytes; `signature` is the content of the
/// `.minisig` file, if there is one. Without keys nothing is trusted.
///
/// # Errors
/// [`Untrusted`] says what is wrong and what to do.
pub fn verify(
    bytes: &[u8],
    signature: Option<&[u8]>,
    keys: &[PublicKey],
) -> Result<Signature, Untrusted> {
    let trusted = || Ids::of(keys);
    let Some(signature) = signature else {
        return Err(Untrusted::Unsigned { trusted: trusted() });
    };
    let signature = Signature::parse(signature)?;
    let by = signature.by;
    let mut known = keys.iter().filter(|key| key.id() == by).peekable();
    if known.peek().is_none() {
        let trusted = trusted();
        return Err(Untrusted::Stranger { by, trusted });
    }
    // Two keys may have one id, for it is only a random number.
    match known.any(|key| key.signed(bytes, &signature)) {
        true => Ok(signature),
        false => Err(Untrusted::Changed { by }),
    }
}
