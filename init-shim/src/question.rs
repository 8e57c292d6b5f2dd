// SPDX-License-Identifier: MIT OR Apache-2.0
//! The question whether the program that runs is to be stopped.

use crate::line_editor::{Edit, LineEditor};

/// After so long without a key, in milliseconds, the program goes on.
pub const TIMEOUT: u64 = 30_000;
/// The key that asks, on every console: Ctrl-C.
pub const KEY: u8 = 0x03;

/// What the answer means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// The program is stopped, and the console opens.
    Console,
    /// Back to the old system, which is unchanged.
    Reboot,
    /// The program goes on.
    Continue,
}

/// A question that waits for its answer.
#[derive(Debug)]
pub struct Question {
    line: LineEditor,
    last_key: u64,
    past_no_return: bool,
}

impl Question {
    /// Asked at `now`.
    pub fn new(now: u64, past_no_return: bool) -> Question {
        Question {
            line: LineEditor::new(),
            last_key: now,
            past_no_return,
        }
    }

    pub fn text(&self) -> &'static str {
        match self.past_no_return {
            true => {
                "Stop what runs, and open the console? The new system's files stay in memory, and\n\
                 the migration can go on from the console. Type yes to stop; anything else, or\n\
                 nothing for 30 seconds, goes on: "
            }
            false => {
                "Stop what runs? The disk is as it was. Type yes for the console, reboot for the\n\
                 old system; anything else, or nothing for 30 seconds, goes on: "
            }
        }
    }

    /// Takes a key: what it changes on the screen, and the answer when the
    /// line is complete.
    pub fn key(&mut self, byte: u8, now: u64) -> (Edit, Option<Answer>) {
        self.last_key = now;
        let edit = self.line.key(byte);
        let answer = (edit == Edit::Complete).then(|| match self.line.take().trim_ascii() {
            b"yes" => Answer::Console,
            b"reboot" if !self.past_no_return => Answer::Reboot,
            _ => Answer::Continue,
        });
        (edit, answer)
    }

    pub fn is_timed_out(&self, now: u64) -> bool {
        now.saturating_sub(self.last_key) >= TIMEOUT
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(keys: &[u8], past_no_return: bool) -> Option<Answer> {
        let mut question = Question::new(0, past_no_return);
        keys.iter().find_map(|key| question.key(*key, 1).1)
    }

    #[test]
    fn only_a_whole_yes_stops() {
        assert_eq!(answer(b"yes\r", true), Some(Answer::Console));
        assert_eq!(answer(b" yex\x7fs \n", false), Some(Answer::Console));
        assert_eq!(answer(b"reboot\r", false), Some(Answer::Reboot));
        // After the point of no return there is nothing to reboot into.
        assert_eq!(answer(b"reboot\r", true), Some(Answer::Continue));
        for no in [
            &b"\r"[..],
            b"no\r",
            b"y\r",
            b"yes yes\r",
            b"YES\r",
            b"\x03\r",
        ] {
            assert_eq!(answer(no, true), Some(Answer::Continue), "{no:?}");
        }
        assert_eq!(answer(b"yes", true), None);
    }

    #[test]
    fn nobody_answers() {
        let mut question = Question::new(1000, true);
        assert!(!question.is_timed_out(30_999) && question.is_timed_out(31_000));
        assert_eq!(question.key(b'y', 20_000), (Edit::Echo(b'y'), None));
        assert!(!question.is_timed_out(49_999) && question.is_timed_out(50_000));
    }
}
