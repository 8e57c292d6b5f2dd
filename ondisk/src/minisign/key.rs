// SPDX-License-Identifier: MIT OR Apache-2.0
//! Public keys, and the numbers by which keys and signatures are told apart.

use super::{COMMENT, Signature};
use std::fmt;

/// The number of a key. It is random and proves nothing by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct KeyId(u64);

impl KeyId {
    /// That of a line of base64, which has two bytes of algorithm, then the
    /// number, in keys as in signatures.
    pub(super) fn of_line(line: &str) -> Option<KeyId> {
        let mut bits: u128 = 0;
        // 16 digits are 12 bytes, of which the first 10 count.
        for digit in line.as_bytes().get(..16)? {
            let value = match digit {
                b'A'..=b'Z' => digit - b'A',
                b'a'..=b'z' => digit - b'a' + 26,
                b'0'..=b'9' => digit - b'0' + 52,
                b'+' => 62,
                b'/' => 63,
                _ => return None,
            };
            bits = bits << 6 | u128::from(value);
        }
        let number = (bits >> 16) & u128::from(u64::MAX);
        Some(KeyId(u64::try_from(number).ok()?.swap_bytes()))
    }
}

impl fmt::Display for KeyId {
    /// As minisign shows it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:X}", self.0)
    }
}

/// A public key.
#[derive(Clone, PartialEq, Eq)]
pub struct PublicKey {
    id: KeyId,
    line: String,
    inner: minisign_verify::PublicKey,
}

/// Why a text is not a public key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadKey {
    /// Nothing like a key.
    #[error(
        "is no public key of minisign, which has two lines: a comment, and 56 characters that begin with RW; give the .pub file of whom you trust"
    )]
    NoKey,
    /// What must be kept secret.
    #[error("is a secret key; keep it where packages are signed, and give its .pub file")]
    Secret,
    /// More than one.
    #[error("has more than one key; put each into a file of its own")]
    Several,
}

impl PublicKey {
    /// Reads a `.pub` file: a comment, which may be missing, and the key.
    ///
    /// # Errors
    /// [`BadKey`].
    pub fn parse(bytes: &[u8]) -> Result<PublicKey, BadKey> {
        let text = std::str::from_utf8(bytes).map_err(|_| BadKey::NoKey)?;
        let lines = text.lines().map(str::trim);
        let mut lines = lines.filter(|line| !line.is_empty() && !line.starts_with(COMMENT));
        let line = lines.next().ok_or(BadKey::NoKey)?;
        // Ed25519, scrypt or nothing, BLAKE2b.
        if line.starts_with("RWRTY0Iy") || line.starts_with("RWQAAEIy") {
            return Err(BadKey::Secret);
        }
        let inner = minisign_verify::PublicKey::from_base64(line).map_err(|_| BadKey::NoKey)?;
        let id = KeyId::of_line(line).ok_or(BadKey::NoKey)?;
        match lines.next() {
            None => Ok(PublicKey {
                id,
                line: line.to_owned(),
                inner,
            }),
            Some(_) => Err(BadKey::Several),
        }
    }

    /// Its number.
    pub fn id(&self) -> KeyId {
        self.id
    }

    /// The key without its comment; [`PublicKey::parse`] reads it.
    pub fn line(&self) -> &str {
        &self.line
    }

    /// Whether the signature is one of these bytes by this key.
    pub(super) fn signed(&self, bytes: &[u8], signature: &Signature) -> bool {
        self.inner.verify(bytes, &signature.inner, true).is_ok()
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey {}", self.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// minisign's comments have no zeros in front of it either.
    #[test]
    fn a_small_number_is_shown_as_minisign_does_it() {
        assert_eq!(KeyId(0x04B7_7EBC_22B7_D8ED).to_string(), "4B77EBC22B7D8ED");
    }
}
