// SPDX-License-Identifier: MIT OR Apache-2.0
//! The table of all findings. Every check gets its row, whatever the others
//! found.

use super::Error;
use super::output::Output;
pub(super) use super::row::{Row, State};
use std::fmt;

/// The table, which grows while the checks are made.
pub(super) struct Rows {
    list: Vec<Row>,
    output: Output,
}

impl Rows {
    /// Creates an empty table. Each row is printed by `output` as soon as it is
    /// added.
    pub(super) fn new(output: Output) -> Rows {
        let list = Vec::new();
        Rows { list, output }
    }

    fn push(&mut self, row: Row) {
        self.output.row(&row);
        self.list.push(row);
    }

    pub(super) fn fine(&mut self, check: &'static str, found: impl fmt::Display) {
        self.push(Row::new(check, State::Fine, &found.to_string()));
    }

    pub(super) fn warn(&mut self, check: &'static str, text: impl fmt::Display) {
        self.push(Row::new(check, State::Warning, &text.to_string()));
    }

    pub(super) fn refuse(&mut self, check: &'static str, text: impl fmt::Display) {
        self.push(Row::new(check, State::Refused, &text.to_string()));
    }

    pub(super) fn skip(&mut self, check: &'static str, why: impl fmt::Display) {
        let text = format!("not looked at: {why}");
        self.push(Row::new(check, State::Skipped, &text));
    }

    /// Adds a row for an error; for a payload, one for each thing that is wrong
    /// with it.
    pub(super) fn error(&mut self, check: &'static str, error: &Error) {
        if let Error::Payload(findings) = error {
            for finding in findings.iter() {
                self.refuse(check, format_args!("va.tar.xz: {finding}"));
            }
            let kept = findings.iter().count();
            if let more @ 1.. = findings.count().saturating_sub(kept) {
                self.refuse(check, format_args!("va.tar.xz: {more} more of the kind"));
            }
            return;
        }
        let state = match error.is_refusal() {
            true => State::Refused,
            false => State::Failed,
        };
        self.push(Row::new(check, state, &error.to_string()));
    }

    /// Returns the value of a result, or adds a row for its error.
    pub(super) fn take<T, E: Into<Error>>(
        &mut self,
        check: &'static str,
        result: Result<T, E>,
    ) -> Option<T> {
        match result {
            Ok(value) => Some(value),
            Err(error) => {
                self.error(check, &error.into());
                None
            }
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Row> {
        self.list.iter()
    }

    pub(super) fn output(&self) -> Output {
        self.output
    }

    pub(super) fn count(&self, state: State) -> usize {
        self.iter().filter(|row| row.state == state).count()
    }

    /// Whether no row keeps the machine from being migrated.
    pub(super) fn is_clear(&self) -> bool {
        self.count(State::Refused) == 0 && self.count(State::Failed) == 0
    }

    /// The result of all rows.
    ///
    /// # Errors
    /// [`Error::Refused`] where something is refused, which is certain whatever
    /// else could not be found out; otherwise [`Error::Unchecked`].
    pub(super) fn judge(&self) -> Result<(), Error> {
        let (refused, failed) = (self.count(State::Refused), self.count(State::Failed));
        match (refused, failed) {
            (0, 0) => Ok(()),
            (0, failed) => Err(Error::Unchecked(failed)),
            (refused, _) => Err(Error::Refused(refused)),
        }
    }

    /// A JSON list of objects, without its brackets.
    pub(super) fn json(&self) -> String {
        let rows = self.iter().map(|row| format!("{{{}}}", row.members()));
        rows.collect::<Vec<_>>().join(",")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::old::unsupported::Unsupported;
    use ondisk::inventory::Findings;
    use sys::FileError;

    fn rows() -> Rows {
        Rows::new(Output::Silent)
    }

    #[test]
    fn one_that_fails_does_not_hide_the_next_one() {
        let mut rows = rows();
        assert_eq!(rows.take::<(), _>("firmware", Err(Unsupported::Uefi)), None);
        let io = std::io::Error::from_raw_os_error(5);
        let unread = FileError::new("read", "/boot/x", io);
        assert_eq!(rows.take::<(), _>("boot", Err(unread)), None);
        assert_eq!(rows.take::<_, Error>("root", Ok(7)), Some(7));
        rows.warn("memory", "little; add some; or not");
        rows.skip("plan", "there is no disk");
        let states: Vec<State> = rows.iter().map(|row| row.state).collect();
        use State::*;
        assert_eq!(states, [Refused, Failed, Warning, Skipped]);
        assert!(matches!(rows.judge(), Err(Error::Refused(1))));
        assert!(!rows.is_clear());
        let warned = rows.iter().nth(2).unwrap();
        assert_eq!(
            (warned.found.as_str(), warned.todo.as_str()),
            ("little", "add some; or not")
        );
        assert_eq!(
            warned.to_string(),
            "warning  memory      little; add some; or not"
        );
    }

    #[test]
    fn what_could_not_be_found_out_is_no_refusal() {
        let mut rows = rows();
        let io = std::io::Error::from_raw_os_error(5);
        let failed = FileError::new("read", "/boot/x", io);
        rows.error("boot", &failed.into());
        assert!(matches!(rows.judge(), Err(Error::Unchecked(1))));
        let found = &rows.iter().next().unwrap().found;
        assert!(
            found.contains("/boot/x") && found.contains("Input/output error"),
            "{found}"
        );
    }

    #[test]
    fn each_thing_that_is_wrong_with_a_payload_has_its_row() {
        let mut findings = Findings::default();
        for n in 0..60 {
            findings.push(format!("etc/{n}").as_bytes(), "is wrong; mend it");
        }
        let mut rows = rows();
        rows.error("payload", &Error::Payload(findings));
        assert_eq!(rows.count(State::Refused), 51);
        let texts: Vec<String> = rows.iter().map(Row::text).collect();
        assert_eq!(texts.first().unwrap(), "va.tar.xz: etc/0 is wrong; mend it");
        assert_eq!(texts.last().unwrap(), "va.tar.xz: 10 more of the kind");
    }

    #[test]
    fn as_json() {
        let mut rows = rows();
        rows.warn("memory", "a \"b\"; c");
        assert_eq!(
            rows.json(),
            "{\"check\":\"memory\",\"state\":\"warning\",\"found\":\"a \\\"b\\\"\",\"todo\":\"c\"}"
        );
    }
}
