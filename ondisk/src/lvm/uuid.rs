// SPDX-License-Identifier: MIT OR Apache-2.0
//! The 32-character identifiers of volume groups and volumes.

use std::fmt;

const ALPHABET: &[u8; 62] = b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
/// Lengths of the groups that dashes separate in the text form.
const GROUPS: [usize; 7] = [6, 4, 4, 4, 4, 4, 6];

/// An LVM identifier: 32 characters of `0-9a-zA-Z`, `!` and `#`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Uuid([u8; 32]);

/// Why a string is no LVM identifier.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is not an LVM identifier: 32 characters, or 38 with dashes, are expected")]
pub struct UuidError(pub String);

impl Uuid {
    /// Makes an identifier of 32 random bytes, as lvm2 does: each byte modulo 62.
    pub fn from_random(random: &[u8; 32]) -> Self {
        Self(random.map(|b| ALPHABET.get(usize::from(b) % 62).copied().unwrap_or(b'0')))
    }

    /// Reads the 32 characters that stand in a label.
    pub fn from_compact(bytes: &[u8]) -> Result<Self, UuidError> {
        let wrong = || UuidError(String::from_utf8_lossy(bytes).into_owned());
        let id: [u8; 32] = bytes.try_into().map_err(|_| wrong())?;
        if id
            .iter()
            .all(|b| b.is_ascii_alphanumeric() || *b == b'!' || *b == b'#')
        {
            Ok(Self(id))
        } else {
            Err(wrong())
        }
    }

    /// Reads the form with dashes (`6-4-4-4-4-4-6`), or the one without.
    pub fn parse(text: &str) -> Result<Self, UuidError> {
        let wrong = || UuidError(text.to_owned());
        if !text.contains('-') {
            return Self::from_compact(text.as_bytes()).map_err(|_| wrong());
        }
        let groups: Vec<&str> = text.split('-').collect();
        if !groups.iter().map(|g| g.len()).eq(GROUPS) {
            return Err(wrong());
        }
        Self::from_compact(groups.concat().as_bytes()).map_err(|_| wrong())
    }

    /// The 32 characters without dashes, as in a label and in device-mapper's uuid.
    pub fn compact(&self) -> String {
        String::from_utf8_lossy(&self.0).into_owned()
    }

    /// The 32 characters as bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for Uuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest: &[u8] = &self.0;
        for (i, len) in GROUPS.iter().enumerate() {
            if i > 0 {
                f.write_str("-")?;
            }
            let (group, tail) = rest.split_at_checked(*len).unwrap_or((rest, &[]));
            f.write_str(&String::from_utf8_lossy(group))?;
            rest = tail;
        }
        Ok(())
    }
}

impl fmt::Debug for Uuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_are_read_and_written() {
        let dashed = "6UptPU-03J6-7xFo-nqv0-01Mh-yTb3-VO5ptC";
        let id = Uuid::parse(dashed).unwrap();
        assert_eq!(id.to_string(), dashed);
        assert_eq!(id.compact(), "6UptPU03J67xFonqv001MhyTb3VO5ptC");
        assert_eq!(Uuid::parse(&id.compact()), Ok(id));
    }

    #[test]
    fn wrong_strings_are_refused() {
        for s in [
            "",
            "6UptPU-03J6-7xFo-nqv0-01Mh-yTb3-VO5pt",
            "6UptPU03-J6-7xFo-nqv0-01Mh-yTb3-VO5ptC",
            "6UptPU-03J6-7xFo-nqv0-01Mh-yTb3-VO5pt/",
            "6UptPU-03J6-7xFo-nqv0-01Mh-yTb3-VO5pté",
        ] {
            assert!(Uuid::parse(s).is_err(), "{s}");
        }
    }

    #[test]
    fn random_bytes_map_modulo_62() {
        let mut random = [0u8; 32];
        random[0] = 61;
        random[1] = 62;
        random[2] = 255;
        assert_eq!(
            Uuid::from_random(&random).compact(),
            format!("Z07{}", "0".repeat(29))
        );
    }
}
