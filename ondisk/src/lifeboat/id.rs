// SPDX-License-Identifier: MIT OR Apache-2.0
//! Which staging something belongs to.

use crate::hex::{self, Hex};
use std::fmt;

/// The number of one staging: 128 random bits, the same in the kernel's command
/// line, in the blobs, the record and the state; printed as 32 lower-case
/// hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Id(pub [u8; 16]);

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Hex(&self.0).fmt(f)
    }
}

impl fmt::Debug for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl std::str::FromStr for Id {
    type Err = BadId;

    /// Reads 32 hexadecimal digits.
    fn from_str(text: &str) -> Result<Id, BadId> {
        hex::decode(text.as_bytes()).map(Id).ok_or(BadId)
    }
}

/// The text is not the number of a staging.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("the number of a staging has 32 hexadecimal digits")]
pub struct BadId;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_back() {
        let text = "000102030405060708090a0b0c0d0eff";
        let id: Id = text.parse().unwrap();
        assert_eq!(id.0[15], 0xff);
        assert_eq!(
            (id.to_string(), format!("{id:?}")),
            (text.into(), text.into())
        );
        for bad in [
            "",
            &text[1..],
            &format!("{text}0"),
            &text.replace('f', "g"),
            &"é".repeat(16),
        ] {
            assert_eq!(bad.parse::<Id>(), Err(BadId), "{bad}");
        }
    }
}
