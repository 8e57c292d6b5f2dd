// SPDX-License-Identifier: MIT OR Apache-2.0
//! How the last attempt to migrate this machine ended, by the files that it left.

use crate::paths;
use crate::report::quote;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use sys::FileError;

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// Nothing was attempted since the staging, or nothing is staged.
    None,
    /// It stopped before the point of no return; nothing was changed.
    Stopped,
    /// The boot into the tiny system has happened, and it left no report.
    Unknown,
    /// This is the new system.
    Done,
}

/// The last attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Last {
    pub(super) end: End,
    /// The step in which it stopped.
    step: String,
    why: String,
    pub(super) log: Option<PathBuf>,
}

impl Last {
    /// Looks at what lies below `root`.
    ///
    /// # Errors
    /// When there is a report that cannot be read.
    pub(super) fn of(root: &Path, staged: bool, armed: bool) -> Result<Last, FileError> {
        let report = root.join(paths::STAGED_DIR).join(paths::FAILURE_REPORT);
        let text = match std::fs::read(&report) {
            Ok(bytes) => Some(String::from_utf8_lossy(&bytes).into_owned()),
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(error) => return Err(FileError::new("read", report, error)),
        };
        let log = root.join(paths::NEW_LOGS).join(paths::MIGRATION_LOG);
        Ok(match text {
            Some(text) => Last::stopped(&text, report),
            None if staged && !armed => Last {
                end: End::Unknown,
                why: "the boot into the tiny system was used up, and it left no report: it was a rehearsal, a person went back by the console, the machine lost power or was reset, or replant.report=off was given; its console and its kernel's log say more".into(),
                ..Last::nothing()
            },
            None if !staged && log.exists() => Last {
                end: End::Done,
                log: Some(log),
                ..Last::nothing()
            },
            None => Last::nothing(),
        })
    }

    fn nothing() -> Last {
        Last {
            end: End::None,
            step: String::new(),
            why: String::new(),
            log: None,
        }
    }

    /// The second line of a report is `STEP: REASON` ([`crate::tiny::steps::Failure`]).
    fn stopped(report: &str, path: PathBuf) -> Last {
        let why = report.lines().nth(1).unwrap_or_default();
        let step = why.split_once(": ").map(|(step, _)| step);
        let step = step.filter(|step| !step.contains(' '));
        Last {
            end: End::Stopped,
            step: step.unwrap_or_default().into(),
            why: why.into(),
            log: Some(path),
        }
    }

    /// The reason, if it failed.
    pub(super) fn failure(&self) -> Option<&str> {
        (self.end == End::Stopped).then_some(&self.why)
    }

    /// A line for a person; `None` if nothing was attempted.
    pub(super) fn line(&self) -> Option<String> {
        match self.end {
            End::None => None,
            End::Stopped => Some(format!("the last migration stopped: {}", self.why)),
            End::Unknown => Some(format!("how the last try ended is not known: {}", self.why)),
            End::Done => Some("this system was put here by replant".into()),
        }
    }

    /// Members of a JSON object.
    pub(super) fn json(&self) -> String {
        let end = match self.end {
            End::None => "none",
            End::Stopped => "stopped",
            End::Unknown => "unknown",
            End::Done => "done",
        };
        let text = |text: &str| match text {
            "" => "null".to_string(),
            text => quote(text),
        };
        let log = self.log.as_ref().map(|path| path.display().to_string());
        format!(
            "\"last_end\":\"{end}\",\"last_step\":{},\"last_reason\":{},\"last_log\":{}",
            text(&self.step),
            text(&self.why),
            text(&log.unwrap_or_default())
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_is_known_by_what_was_left() {
        let root = tempfile::tempdir().unwrap();
        let of = |staged, armed| Last::of(root.path(), staged, armed).unwrap();
        assert_eq!(of(false, false).end, End::None);
        assert_eq!(of(true, true).end, End::None);
        assert_eq!(of(true, false).end, End::Unknown);
        assert_eq!(of(true, false).failure(), None);
        let logs = root.path().join("var/log/replant");
        std::fs::create_dir_all(&logs).unwrap();
        std::fs::write(logs.join("migration.log"), "").unwrap();
        assert_eq!(of(false, false).end, End::Done);
        // A second migration may be staged on it.
        assert_eq!(of(true, true).end, End::None);
        let dir = root.path().join("etc/upd");
        std::fs::create_dir_all(&dir).unwrap();
        let report = "The migration stopped, and nothing was changed.\npreflight: no \"x\"; mend it\n\n[ 1] line\n";
        std::fs::write(dir.join("report.txt"), report).unwrap();
        let last = of(true, false);
        assert_eq!(last.failure(), Some("preflight: no \"x\"; mend it"));
        let text = last.json();
        let start = "\"last_end\":\"stopped\",\"last_step\":\"preflight\",\"last_reason\":\"preflight: no \\\"x\\\"; mend it\",\"last_log\":";
        assert!(
            text.starts_with(start) && text.ends_with("etc/upd/report.txt\""),
            "{text}"
        );
        // One that cannot be read is not one that is not there.
        std::fs::remove_file(dir.join("report.txt")).unwrap();
        std::fs::create_dir(dir.join("report.txt")).unwrap();
        let error = Last::of(root.path(), true, false).unwrap_err().to_string();
        assert!(error.contains("report.txt"), "{error}");
    }
}
