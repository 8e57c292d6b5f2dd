// SPDX-License-Identifier: MIT OR Apache-2.0
//! Ways in which GRUB would not boot as intended.

use ondisk::grub::config::{ConfigError, Note};

/// Why GRUB, as evaluated, would not start replant's entry once and afterwards
/// what it starts without that entry.
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
        /// What is wrong with our entry, with a colon before it; or empty.
        why: &'static str,
        /// Commands of the configuration that were not evaluated.
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
