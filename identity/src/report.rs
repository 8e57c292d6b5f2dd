// SPDX-License-Identifier: MIT OR Apache-2.0
//! What was saved or applied, in sentences for the log.

/// What a call did, for the log and the console; one line each.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// What was carried over, or changed in the new system.
    pub done: Vec<String>,
    /// What could not be carried over as it was, and what that means.
    pub warnings: Vec<String>,
    /// The new system relabels its files at the first boot and boots once more.
    pub relabels: bool,
}

impl Report {
    /// Adds a line on something that was done.
    pub(crate) fn done(&mut self, line: impl Into<String>) {
        self.done.push(line.into());
    }

    /// Adds a warning, once.
    pub(crate) fn warn(&mut self, line: impl Into<String>) {
        let line = line.into();
        if !self.warnings.contains(&line) {
            self.warnings.push(line);
        }
    }
}
