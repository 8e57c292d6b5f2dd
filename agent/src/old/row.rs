// SPDX-License-Identifier: MIT OR Apache-2.0
//! What one check found.

use crate::report::quote;
use std::fmt;

/// How a check ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// Nothing is in the way.
    Fine,
    /// A person should know it.
    Warning,
    /// The machine cannot be migrated so.
    Refused,
    /// The check itself failed: a file that cannot be read, say.
    Failed,
    /// It was not made, for it needs what another one did not find.
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
    /// Which check it is of.
    pub(super) check: &'static str,
    pub(super) state: State,
    /// What was found.
    pub(super) found: String,
    /// What to do; empty where there is nothing to do.
    pub(super) todo: String,
}

impl Row {
    /// Messages of this house say what is so, and behind the first semicolon
    /// what to do.
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

    /// Its text as it was.
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
