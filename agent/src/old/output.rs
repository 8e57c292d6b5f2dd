// SPDX-License-Identifier: MIT OR Apache-2.0
//! How commands of the old system show progress: lines and a meter for a person,
//! or one JSON object per line for a program.

use super::row::Row;
use crate::report::{bytes, quote};
use crate::terminal::say;
use std::fmt::Display;
use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

/// The form of the output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Output {
    /// Lines on standard output, and a meter on the terminal.
    Text,
    /// One JSON object for each row, on standard output.
    Lines,
    /// Only a meter; `--json` prints one object at the end.
    Silent,
}

/// The state of a step in a line for programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Progress {
    /// The step begins or goes on.
    Running,
    Done,
    Failed,
    /// The step goes on, but something should be known.
    Warning,
}

impl Progress {
    const fn word(self) -> &'static str {
        match self {
            Progress::Running => "running",
            Progress::Done => "done",
            Progress::Failed => "failed",
            Progress::Warning => "warning",
        }
    }
}

/// One line of JSON; `progress` is in percent, and `None` where it is not known.
fn line(step: &str, state: &str, message: &str, progress: Option<u64>) -> String {
    format!("{{{}}}", members(step, state, message, progress))
}

fn members(step: &str, state: &str, message: &str, progress: Option<u64>) -> String {
    let progress = progress.map_or("null".into(), |percent| percent.to_string());
    format!(
        "\"step\":{},\"state\":{},\"message\":{},\"progress\":{progress}",
        quote(step),
        quote(state),
        quote(message)
    )
}

impl Output {
    /// A row of the checks.
    pub(super) fn row(self, row: &Row) {
        match self {
            Output::Text => say(row),
            Output::Lines => {
                let members = members("check", row.state.word(), &row.text(), None);
                say(format_args!("{{{members},{}}}", more(row)));
            }
            Output::Silent => {}
        }
    }

    /// Reports a step of `stage`. A person gets only the message, if it is not
    /// empty.
    pub(super) fn step(self, step: &str, state: Progress, message: impl Display) {
        let message = message.to_string();
        match self {
            Output::Text if state == Progress::Warning => say(format_args!("warning: {message}")),
            Output::Text if !message.is_empty() => say(message),
            Output::Lines => say(line(step, state.word(), &message, None)),
            Output::Text | Output::Silent => {}
        }
    }

    /// Prints text that only a person needs.
    pub(super) fn text(self, text: impl Display) {
        if self == Output::Text {
            say(text);
        }
    }
}

/// The row's parts as JSON members.
fn more(row: &Row) -> String {
    format!(
        "\"check\":{},\"found\":{},\"todo\":{}",
        quote(row.check),
        quote(&row.found),
        quote(&row.todo)
    )
}

/// A progress line that is redrawn on standard error if that is a terminal; for
/// programs, one line each second.
pub(super) struct Meter {
    step: &'static str,
    what: &'static str,
    output: Output,
    last: Option<Instant>,
    terminal: bool,
}

impl Meter {
    pub(super) fn new(output: Output, step: &'static str, what: &'static str) -> Meter {
        Meter {
            step,
            what,
            output,
            last: None,
            terminal: std::io::stderr().is_terminal(),
        }
    }

    pub(super) fn show(&mut self, done: u64, total: u64) {
        let (shown, pause) = match self.output {
            Output::Lines => (true, Duration::from_secs(1)),
            Output::Text | Output::Silent => (self.terminal, Duration::from_millis(250)),
        };
        let due = self.last.is_none_or(|last| last.elapsed() > pause);
        if !shown || !due {
            return;
        }
        self.last = Some(Instant::now());
        let percent = done.saturating_mul(100).checked_div(total).unwrap_or(100);
        if self.output == Output::Lines {
            let state = Progress::Running.word();
            return say(line(self.step, state, self.what, Some(percent.min(100))));
        }
        let (done, total) = (bytes(done), bytes(total));
        let _ = write!(
            std::io::stderr(),
            "\r{}: {percent:3} %  {done} of {total}\x1b[K",
            self.what
        );
    }

    pub(super) fn clear(&mut self) {
        if self.last.take().is_some() && self.output != Output::Lines {
            let _ = write!(std::io::stderr(), "\r\x1b[K");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_the_same_keys_always() {
        assert_eq!(
            line("files", "running", "a \"b\"", Some(25)),
            "{\"step\":\"files\",\"state\":\"running\",\"message\":\"a \\\"b\\\"\",\"progress\":25}"
        );
        assert!(line("files", "done", "", None).ends_with("\"progress\":null}"));
    }
}
