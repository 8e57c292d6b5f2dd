// SPDX-License-Identifier: MIT OR Apache-2.0
//! What GRUB would do and should not.

use ondisk::grub::config::{ConfigError, Note};

/// Why GRUB, by what it will read, would not start replant's entry once and
/// afterwards what it starts without it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Unwanted {
    /// Its configuration cannot be evaluated.
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error("what it starts next cannot be found out")]
    Unforeseen,
    #[error(
        "at the next boot it would {would}, and not replant's entry{why}{}",
        noted(notes)
    )]
    NotOurs {
        /// What it would do, after "it would".
        would: String,
        /// What is wrong with our entry; empty, or with a colon before it.
        why: &'static str,
        /// What was not evaluated on the way there.
        notes: Vec<Note>,
    },
    #[error(
        "after that boot it would {would}, where it would {normally} without replant; choose the default entry by its id (grub-set-default or GRUB_DEFAULT), not by its number"
    )]
    NotAsBefore { would: String, normally: String },
    #[error("chosen by hand, replant's entry would migrate, too")]
    ByHand,
}

fn noted(notes: &[Note]) -> String {
    let notes: Vec<String> = notes.iter().map(ToString::to_string).collect();
    match notes.len() {
        0 => String::new(),
        _ => format!(" ({})", notes.join("; ")),
    }
}
