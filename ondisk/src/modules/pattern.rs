// SPDX-License-Identifier: MIT OR Apache-2.0
//! The patterns of modules.alias, as fnmatch(3) without flags takes them.

use crate::glob::matches;
use std::borrow::Cow;

/// A pattern of modules.alias: `*`, `?`, `[...]`, and `-` the same as `_`
/// outside of brackets.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Pattern(String);

impl Pattern {
    /// The pattern that `text` stands for.
    pub fn new(text: &str) -> Self {
        Self(normalize(text).into_owned())
    }

    /// The pattern with `_` for `-`.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether `text`, which went through `normalize`, matches.
    pub fn matches_normalized(&self, text: &str) -> bool {
        matches(&self.0, text)
    }

    /// Whether `text` (a modalias or a name) matches.
    pub fn matches(&self, text: &str) -> bool {
        self.matches_normalized(&normalize(text))
    }
}

/// `text` with `_` for each `-` outside of brackets.
pub fn normalize(text: &str) -> Cow<'_, str> {
    if !text.contains('-') {
        return Cow::Borrowed(text);
    }
    let mut inside = false;
    let change = |character| {
        match character {
            '[' => inside = true,
            ']' => inside = false,
            '-' if !inside => return '_',
            _ => {}
        }
        character
    };
    Cow::Owned(text.chars().map(change).collect())
}
