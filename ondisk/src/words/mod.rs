// SPDX-License-Identifier: MIT OR Apache-2.0
//! Words of a system's files that name volumes: those of the kernel's command
//! line (`root=`, `resume=`, `rd.lvm.lv=`) wherever they are kept, of dracut's
//! and of initramfs-tools' configuration.
//!
//! Where such a word names what the new disk does not have, the initramfs
//! waits for it, and mostly in vain: dracut's `rd.lvm.lv=` of another volume
//! group ends in its emergency shell, when the old system is gone.

mod entries;
mod judge;
mod shell;
mod sources;
#[cfg(test)]
mod tests;

pub use entries::{ENTRY_FILES, entries_default, menu_can_update, stale_entries};
pub use sources::{BOOT_ENTRIES, is_wanted};

use crate::naming::Made;
use std::fmt;

/// A word that says what will not be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The file, as `etc/default/grub`.
    pub file: String,
    /// The line, from 1 on.
    pub line: usize,
    /// The word, as it stands there.
    pub word: String,
    /// What is wrong with it and what to do.
    pub what: String,
    /// The new system would not come up as it should; otherwise a person
    /// should know it.
    pub refused: bool,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Finding {
            file,
            line,
            word,
            what,
            ..
        } = self;
        write!(f, "{file} line {line} has {word}, {what}")
    }
}

/// Compares the words of `texts` (paths below the root, and contents) with
/// what is made.
pub fn check<'t>(texts: impl Iterator<Item = (&'t str, &'t str)>, made: &Made) -> Vec<Finding> {
    let texts: Vec<_> = texts.collect();
    let mut found = Vec::new();
    let judge = judge::Judge { made };
    for group in sources::groups(&texts) {
        found.extend(judge.group(&texts, &group));
    }
    found.extend(entries::check(&texts, &judge));
    found.extend(sources::other_files(&texts));
    found
}
