// SPDX-License-Identifier: MIT OR Apache-2.0
//! Progress on the old system's terminal.

use crate::report::bytes;
use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

/// A line that is drawn again and again, if standard error is a terminal.
pub(super) struct Meter {
    what: &'static str,
    last: Option<Instant>,
    terminal: bool,
}

impl Meter {
    pub(super) fn new(what: &'static str) -> Meter {
        Meter {
            what,
            last: None,
            terminal: std::io::stderr().is_terminal(),
        }
    }

    pub(super) fn show(&mut self, done: u64, total: u64) {
        let due = self
            .last
            .is_none_or(|last| last.elapsed() > Duration::from_millis(250));
        if !self.terminal || !due {
            return;
        }
        self.last = Some(Instant::now());
        let percent = done.saturating_mul(100).checked_div(total).unwrap_or(100);
        let (done, total) = (bytes(done), bytes(total));
        let _ = write!(
            std::io::stderr(),
            "\r{}: {percent:3} %  {done} of {total}\x1b[K",
            self.what
        );
    }

    pub(super) fn clear(&mut self) {
        if self.last.take().is_some() {
            let _ = write!(std::io::stderr(), "\r\x1b[K");
        }
    }
}
