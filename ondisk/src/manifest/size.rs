// SPDX-License-Identifier: MIT OR Apache-2.0
//! Sizes as a person writes them.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A size: bytes, or all that is left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Size {
    /// That many bytes.
    Bytes(u64),
    /// All that the others leave.
    Rest,
}

const UNITS: [(&str, u64); 5] = [
    ("TiB", 1 << 40),
    ("GiB", 1 << 30),
    ("MiB", 1 << 20),
    ("KiB", 1 << 10),
    ("B", 1),
];

impl Size {
    /// Reads `512MiB`, `8 GiB`, `1048576`, `rest`. `None` for anything else
    /// and for what does not fit in 64 bits.
    pub fn parse(text: &str) -> Option<Size> {
        let text = text.trim();
        if text == "rest" {
            return Some(Size::Rest);
        }
        let split = text
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(text.len());
        let (number, unit) = text.split_at(split);
        let unit = unit.trim_start();
        let factor = if unit.is_empty() {
            1
        } else {
            UNITS
                .iter()
                .find(|(name, _)| *name == unit)
                .map(|(_, factor)| *factor)?
        };
        number
            .parse::<u64>()
            .ok()?
            .checked_mul(factor)
            .map(Size::Bytes)
    }
}

impl std::fmt::Display for Size {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match *self {
            Size::Rest => f.write_str("rest"),
            Size::Bytes(0) => f.write_str("0B"),
            Size::Bytes(bytes) => {
                for (name, factor) in UNITS {
                    if bytes % factor == 0 {
                        return write!(f, "{}{name}", bytes / factor);
                    }
                }
                Ok(())
            }
        }
    }
}

impl Serialize for Size {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Size {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Size, D::Error> {
        let text = String::deserialize(deserializer)?;
        Size::parse(&text).ok_or_else(|| {
            D::Error::custom(format!(
                "\"{text}\" is no size; write \"512MiB\", \"8GiB\" or \"rest\""
            ))
        })
    }
}
