// SPDX-License-Identifier: MIT OR Apache-2.0
//! What is wrong with a payload, file by file.

use crate::pax::Name;
use std::fmt;

/// Something about one file of the payload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The file.
    pub file: Name,
    /// What is wrong with it and what to do, as the rest of the sentence.
    pub what: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.file, self.what)
    }
}

/// Findings are kept up to here; the others are counted.
const KEPT: usize = 50;
/// Bytes of a path that are kept.
const NAME: usize = 300;

/// What was found, the first fifty in full.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Findings {
    list: Vec<Finding>,
    more: usize,
}

impl Findings {
    /// Adds one; `what` goes on after the file's name.
    pub fn push(&mut self, file: &[u8], what: impl Into<String>) {
        if self.list.len() >= KEPT {
            self.more = self.more.saturating_add(1);
            return;
        }
        self.list.push(Finding {
            file: Name::new(file.get(..NAME).unwrap_or(file)),
            what: what.into(),
        });
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Those that were kept, in the order in which they were found.
    pub fn iter(&self) -> impl Iterator<Item = &Finding> {
        self.list.iter()
    }

    /// How many there are in all.
    pub fn count(&self) -> usize {
        self.list.len().saturating_add(self.more)
    }
}

/// The first of them, and how many more there are, in one line.
impl fmt::Display for Findings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(first) = self.list.first() else {
            return f.write_str("nothing");
        };
        write!(f, "{first}")?;
        let others: Vec<String> = self
            .list
            .iter()
            .skip(1)
            .take(5)
            .map(|o| o.file.to_string())
            .collect();
        match self.count().saturating_sub(1) {
            0 => Ok(()),
            more => write!(
                f,
                " ({more} more: {}{})",
                others.join(", "),
                if more > others.len() { " ..." } else { "" }
            ),
        }
    }
}
