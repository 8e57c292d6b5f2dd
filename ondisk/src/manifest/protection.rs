// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a power cut leads to: `protection`.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// What a power cut, at any instant, leads to. The better one is the greater.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Protection {
    /// After the point of no return to a machine without a system.
    #[default]
    None,
    /// To the old system, to the tiny one, which goes on by itself, or to the
    /// new one.
    Resume,
}

impl Protection {
    const ALL: [Protection; 2] = [Protection::None, Protection::Resume];

    /// How it is written.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Protection::None => "none",
            Protection::Resume => "resume",
        }
    }
}

impl fmt::Display for Protection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// The word names no level of protection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the level of protection is \"resume\" or \"none\"")]
pub struct BadProtection;

impl FromStr for Protection {
    type Err = BadProtection;

    fn from_str(text: &str) -> Result<Protection, BadProtection> {
        let named = |level: &Protection| level.word() == text;
        let level = Protection::ALL.into_iter().find(named);
        level.ok_or(BadProtection)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_the_levels() {
        for level in Protection::ALL {
            assert_eq!(level.to_string().parse(), Ok(level));
        }
        for bad in ["", "undo", "Resume", "resume "] {
            assert_eq!(bad.parse::<Protection>(), Err(BadProtection), "{bad:?}");
        }
        assert!(Protection::Resume > Protection::None);
        assert_eq!(Protection::default(), Protection::None);
    }
}
