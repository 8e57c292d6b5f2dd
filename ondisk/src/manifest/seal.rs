// SPDX-License-Identifier: MIT OR Apache-2.0
//! The manifest's checksum of itself: comments of TOML, so that every reader
//! of the format reads the rest. The first line says that there is one, so
//! that a manifest that lost its end is not taken for one without.

use super::Error;
use crate::sha256::Sha256Sum;

const FIRST: &str =
    "# Made by replant-pack bundle; the last line is the SHA-256 of all lines before it.\n";
const LAST: &str = "# sha256 = ";

/// Whether a manifest has its own checksum.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seal {
    /// It has, and it is right.
    Right,
    /// It has none: a package of replant 0.1.
    Absent,
}

/// Adds both lines.
pub(super) fn add(text: &str) -> String {
    let text = format!("{FIRST}{text}");
    let sum = Sha256Sum::of(text.as_bytes());
    format!("{text}{LAST}{sum}\n")
}

/// Looks whether the bytes are those that the last line is about.
pub(super) fn check(text: &str) -> Result<Seal, Error> {
    let whole = text.strip_suffix('\n').unwrap_or(text);
    let start = whole
        .rfind('\n')
        .map_or(0, |newline| newline.saturating_add(1));
    let (before, last) = text.split_at_checked(start).unwrap_or((text, ""));
    match last.trim_end_matches('\n').strip_prefix(LAST) {
        Some(said) if said == Sha256Sum::of(before.as_bytes()).to_string() => Ok(Seal::Right),
        None if !text.starts_with(FIRST) => Ok(Seal::Absent),
        _ => Err(Error::Changed),
    }
}
