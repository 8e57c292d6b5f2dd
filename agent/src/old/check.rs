// SPDX-License-Identifier: MIT OR Apache-2.0
//! `replant check`: says whether staging and migrating would succeed. Changes
//! nothing.

use super::Error;
use super::examine::{Checked, Request, examine};
use super::output::Output;
use super::protection::Obstacle;
use super::rows::{Row, Rows, State};
use crate::losses;
use crate::report::quote;
use crate::terminal::say;
use std::path::{Path, PathBuf};

/// Says whether staging and migrating would succeed. With `strict`, a warning is
/// a failure, too.
///
/// # Errors
/// [`Error::Refused`], [`Error::Unchecked`] or [`Error::Strict`], after the
/// reasons were printed; any other error when no check could be made at all.
pub fn check(package: &Path, json: bool, strict: bool, trust: &[PathBuf]) -> Result<(), Error> {
    let request = Request {
        dir: package,
        append: &[],
        protection: None,
        thorough: true,
        trust,
    };
    let mut rows = Rows::new(if json { Output::Silent } else { Output::Text });
    let examined = examine(&request, &mut rows);
    let (checked, result) = match examined {
        Ok(checked) => {
            let result = judge(&rows, checked.is_some(), strict);
            (checked, result)
        }
        Err(error) => (None, Err(error)),
    };
    if json {
        say(object(&rows, checked.as_ref(), &result));
        return result;
    }
    if let Some(checked) = &checked {
        say(format_args!("\n{}", checked.describe()));
    }
    result?;
    say(match rows.count(State::Warning) {
        0 => "this machine can be migrated; nothing was changed".to_string(),
        1 => "this machine can be migrated, with 1 warning; nothing was changed".to_string(),
        count => {
            format!("this machine can be migrated, with {count} warnings; nothing was changed")
        }
    });
    Ok(())
}

/// The result of all rows; `whole` says whether every check has found what it
/// looks for.
pub(super) fn judge(rows: &Rows, whole: bool, strict: bool) -> Result<(), Error> {
    rows.judge()?;
    match rows.count(State::Warning) {
        // Something is missing though no row says so: at least one check counts
        // as not made.
        _ if !whole => Err(Error::Unchecked(rows.count(State::Skipped).max(1))),
        count @ 1.. if strict => Err(Error::Strict(count)),
        _ => Ok(()),
    }
}

/// The JSON object for programs. On a machine that is refused, the members that
/// only a complete check can fill are left out.
fn object(rows: &Rows, checked: Option<&Checked>, result: &Result<(), Error>) -> String {
    let mut members = format!("\"ok\":{}", result.is_ok());
    if let Err(error) = result {
        // `error` is the first obstacle only, as in versions that stopped at it;
        // `checks` has all.
        let first = [State::Refused, State::Failed]
            .into_iter()
            .find_map(|state| rows.iter().find(|row| row.state == state));
        let text = first.map_or_else(|| error.to_string(), Row::text);
        members += &format!(",\"error\":{}", quote(&text));
    }
    let status = result.as_ref().err().map_or(0, Error::status);
    let warnings = rows.iter().filter(|row| row.state == State::Warning);
    members += &format!(
        ",\"status\":{status},\"refusals\":{},\"failures\":{},\"warning_count\":{},\"warnings\":[{}],\"rows\":[{}]",
        rows.count(State::Refused),
        rows.count(State::Failed),
        rows.count(State::Warning),
        list(warnings.map(Row::text)),
        rows.json()
    );
    if let Some(checked) = checked {
        members += &format!(",{}", found(checked));
    }
    format!("{{{members}}}")
}

/// The members that are known only when nothing is in the way.
fn found(checked: &Checked) -> String {
    let seconds = checked.measured.map(|measured| measured.seconds());
    format!(
        "\"disk\":{},\"root\":{},\"boot_loader\":{},\"memory_needed\":{},\"memory\":{},\"memory_available\":{},\"seconds_least\":{},\"seconds_most\":{},\"console_password\":{},\"signed_by\":{},\"protection\":{},\"obstacles\":[{}],\"erase_bytes\":{},\"erase_seconds\":{},{},\"not_carried\":[{}],\"plan\":{}",
        quote(&checked.plan.disk.display().to_string()),
        quote(&checked.survey.root),
        quote(&checked.entry_file.display().to_string()),
        checked.budget.needed(),
        checked.survey.memory,
        checked.budget.available,
        number(seconds.map(|[least, _]| least)),
        number(seconds.map(|[_, most]| most)),
        checked.console.is_some(),
        checked
            .signature
            .as_ref()
            .map_or("null".into(), |signed| quote(&signed.by)),
        quote(checked.protection.word()),
        list(checked.obstacles.iter().map(Obstacle::to_string)),
        checked.erase.map_or(0, |e| e.bytes),
        number(checked.erase.and_then(|erase| erase.seconds())),
        super::others::json(&checked.survey.facts.others),
        losses::json(&checked.machine.losses),
        quote(&checked.plan.to_string()),
    )
}

/// Texts as a list of JSON, without its brackets.
fn list(texts: impl IntoIterator<Item = String>) -> String {
    let quoted = texts.into_iter().map(|text| quote(&text));
    quoted.collect::<Vec<_>>().join(",")
}

/// A number of JSON that may be unknown.
fn number(value: Option<u64>) -> String {
    value.map_or("null".into(), |value| value.to_string())
}

impl Checked {
    /// What will be made of the disk, and what is lost with it.
    pub(super) fn describe(&self) -> String {
        format!(
            "{}\n{}\n{}",
            self.plan,
            super::others::text(&self.survey.facts.others),
            losses::text(&self.machine.losses)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::old::unsupported::Unsupported;

    fn rows(warnings: usize) -> Rows {
        let mut rows = Rows::new(Output::Silent);
        for _ in 0..warnings {
            rows.warn("memory", "little");
        }
        rows
    }

    fn status(rows: &Rows, whole: bool, strict: bool) -> u8 {
        judge(rows, whole, strict).err().map_or(0, |e| e.status())
    }

    #[test]
    fn the_exit_status_says_what_the_rows_say() {
        assert_eq!(status(&rows(0), true, false), 0);
        assert_eq!(status(&rows(2), true, false), 0);
        assert_eq!(status(&rows(2), true, true), 3);
        assert_eq!(status(&rows(0), true, true), 0);
        // Nothing is in the way, and still not all of it is known.
        assert_eq!(status(&rows(0), false, false), 1);
        let mut refused = rows(1);
        refused.error("firmware", &Unsupported::Uefi.into());
        assert_eq!(status(&refused, false, true), 2);
        let mut failed = rows(1);
        let io = std::io::Error::from_raw_os_error(5);
        failed.error("boot", &sys::FileError::new("read", "/x", io).into());
        assert_eq!(status(&failed, false, false), 1);
        // A refusal is certain, whatever could not be found out.
        failed.error("firmware", &Unsupported::Uefi.into());
        assert_eq!(status(&failed, false, false), 2);
        assert_eq!(Error::NotRoot.status(), 1);
    }

    #[test]
    fn the_object_of_a_machine_that_is_refused_has_all_rows() {
        let mut rows = rows(1);
        rows.error("firmware", &Unsupported::Uefi.into());
        let result = judge(&rows, false, false);
        let text = object(&rows, None, &result);
        let start = "{\"ok\":false,\"error\":\"this machine booted by UEFI; this version only migrates machines that boot by BIOS\",\"status\":2,\"refusals\":1,\"failures\":0,\"warning_count\":1,\"warnings\":[\"little\"],\"rows\":[{\"check\":\"memory\",\"state\":\"warning\",\"found\":\"little\",\"todo\":\"\"},";
        assert!(text.starts_with(start), "{text}");
        let failed: Result<(), Error> = Err(Error::NotRoot);
        let text = object(&Rows::new(Output::Silent), None, &failed);
        assert!(
            text.starts_with("{\"ok\":false,\"error\":\"replant must run as root"),
            "{text}"
        );
        assert!(
            text.contains("\"status\":1,") && text.ends_with("\"rows\":[]}"),
            "{text}"
        );
    }
}
