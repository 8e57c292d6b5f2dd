// SPDX-License-Identifier: MIT OR Apache-2.0
//! The command line in a blob, with what the loader writes into it.

use super::BlobError;

/// What stands where the loader writes the drive's number and the way.
const DRIVE: &[u8; 2] = b"??";
const START: &[u8; 4] = b"????";

/// A command line with two places that the loader fills in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandLine {
    text: Vec<u8>,
    drive: usize,
    start: usize,
}

impl CommandLine {
    /// `words`, then `drive` with two hexadecimal digits after it (the number
    /// of the BIOS's drive that the machine was started from), then `start`
    /// with the four letters of the boot sector after it (by which way).
    ///
    /// # Errors
    /// When one of them has a NUL.
    pub fn new(words: &str, drive: &str, start: &str) -> Result<CommandLine, BlobError> {
        let mut text = words.as_bytes().to_vec();
        let mut add = |word: &str, value: &[u8]| {
            if !text.is_empty() {
                text.push(b' ');
            }
            text.extend_from_slice(word.as_bytes());
            let at = text.len();
            text.extend_from_slice(value);
            at
        };
        let (drive, start) = (add(drive, DRIVE), add(start, START));
        CommandLine::of(text, drive, start).ok_or(BlobError::LineNul)
    }

    /// A text with its places, if they lie in it and it has no NUL.
    pub(super) fn of(text: Vec<u8>, drive: usize, start: usize) -> Option<CommandLine> {
        let is_in = |at: usize, length| at.checked_add(length).is_some_and(|end| end <= text.len());
        let whole = is_in(drive, DRIVE.len()) && is_in(start, START.len()) && !text.contains(&0);
        whole.then_some(CommandLine { text, drive, start })
    }

    /// The whole line without its NUL, with `?` where the loader writes.
    #[must_use]
    pub fn text(&self) -> &[u8] {
        &self.text
    }

    /// Offset of the drive's two digits.
    #[must_use]
    pub fn drive(&self) -> usize {
        self.drive
    }

    /// Offset of the way's four letters.
    #[must_use]
    pub fn start(&self) -> usize {
        self.start
    }
}
