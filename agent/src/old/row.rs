// SPDX-License-Identifier: MIT OR Apache-2.0
//! The finding of one check.

use crate::report::quote;
use std::fmt;

/// How a check ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// Nothing is in the way.
    Fine,
    /// The migration is possible, but something should be known.
    Warning,
    /// The machine cannot be migrated with this package as it is.
    Refused,
    /// The check itself failed: a file that cannot be read, say.
    Failed,
    /// It was not made, because it needs the result of a check that failed.
    Skipped,
}

impl State {
    pub(super) const fn word(self) -> &'static str {
        match self {
            State::Fine => "ok",
            State::Warning => "warning",
            State::Refused => "refused",
            State::Failed => "failed",
            State::Skipped => "skipped",
        }
    }
}

/// One line of the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) check: &'static str,
    pub(super) state: State,
    pub(super) found: String,
    /// What to do; empty where there is nothing to do.
    pub(super) todo: String,
}

impl Row {
    /// Splits a message at its first semicolon: by convention what is wrong
    /// stands before it, and what to do behind it.
    pub(super) fn new(check: &'static str, state: State, text: &str) -> Row {
        let (found, todo) = match state {
            State::Fine => (text, ""),
            _ => text.split_once("; ").unwrap_or((text, "")),
        };
        Row {
            check,
            state,
            found: found.into(),
            todo: todo.into(),
        }
    }

    /// The whole message again.
    pub(super) fn text(&self) -> String {
        match self.todo.as_str() {
            "" => self.found.clone(),
            todo => format!("{}; {todo}", self.found),
        }
    }

    /// Members of a JSON object.
    pub(super) fn members(&self) -> String {
        format!(
            "\"check\":{},\"state\":\"{}\",\"found\":{},\"todo\":{}",
            quote(self.check),
            self.state.word(),
            quote(&self.found),
            quote(&self.todo)
        )
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (state, check, text) = (self.state.word(), self.check, self.text());
        write!(f, "{state:<8} {check:<11} {}", text.replace('\n', " "))
    }
}
