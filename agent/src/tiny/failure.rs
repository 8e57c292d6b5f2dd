// SPDX-License-Identifier: MIT OR Apache-2.0
//! What happens after a migration failed.
//!
//! Before the point of no return: a report in the old root, and the old
//! system starts again by itself. After it: the console, with the reason and
//! the command that goes on from there; where the disk has all that is needed,
//! the machine first starts again and tries once more.

mod countdown;
mod report;

use crate::cmdline::Mode;
use crate::paths;
use crate::tiny::lifeboat::{self, Lifeboat, MOST_FAILURES};
use crate::tiny::steps::{Context, Error, Failure};
use contract::Exit;
use countdown::countdown;
use ondisk::lifeboat::state::Phase;

/// Prints what happened and what follows; returns what /init is to do.
pub(super) fn handle(context: &mut Context, failure: &Failure, mode: Mode, by_hand: bool) -> Exit {
    let outcome = Outcome::of(failure, paths::begun(), mode, by_hand);
    let next = outcome.next();
    note(context, failure, next);
    context.reporter.line(&match outcome {
        Outcome::HalfWritten if context.lifeboat.as_ref().is_some_and(|boat| !boat.starts()) => {
            format!(
                "the migration stopped in {failure}\n\
                 the loader would not bring this system back; DO NOT switch the machine off; {next}"
            )
        }
        Outcome::HalfWritten if context.cmdline.lifeboat.is_some() => format!(
            "the migration stopped in {failure}\n\
             all that it needs lies on the disk, so the machine may be switched off; {next}"
        ),
        Outcome::Unknown => format!("{failure}\nnothing was written; {next}"),
        Outcome::HalfWritten => format!(
            "the migration stopped in {failure}\n\
             the payload is still in memory; DO NOT switch the machine off; {next}"
        ),
        Outcome::Stopped => format!("{failure}; nothing was changed; {next}"),
        // The display shows failures of steps only; others are printed here.
        Outcome::Unchanged | Outcome::Return => {
            format!("the migration stopped in {failure}\nnothing on the disk was changed")
        }
    });
    if outcome == Outcome::HalfWritten && !by_hand && once_more(context, failure) {
        const GOES_ON: &str = "the machine starts again and goes on";
        return match countdown(context, GOES_ON) {
            true => Exit::Reboot,
            false => Exit::Console,
        };
    }
    if matches!(outcome, Outcome::Return | Outcome::Unchanged) {
        give_back(context);
    }
    if outcome != Outcome::Return {
        return Exit::Console;
    }
    if !context.cmdline.no_report {
        match report::leave(context, failure) {
            Ok(true) => context.reporter.detail("the report lies in the old root"),
            Ok(false) => context
                .reporter
                .detail("no old root of this machine was recognised: no report is left"),
            Err(error) => context
                .reporter
                .line(&format!("no report for the old system: {error}")),
        }
    }
    if countdown(context, "the old system starts again") {
        Exit::Reboot
    } else {
        Exit::Console
    }
}

/// Whether the machine restarts by itself: as long as there were few failures
/// without progress. If a person stopped it, it does not, for that person is
/// there.
fn once_more(context: &mut Context, failure: &Failure) -> bool {
    let Some(boat) = &mut context.lifeboat else {
        return false;
    };
    if matches!(*failure.error, Error::Stopped | Error::Break(_)) {
        return false;
    }
    // The loader could not start this system again.
    if !boat.starts() {
        return false;
    }
    count_failure(boat).unwrap_or_else(|error| {
        let what = "this failure could not be counted on the disk";
        context.reporter.line(&format!("{what}: {error}"));
        false
    })
}

/// Counts a failure on the disk. Returns whether to try again.
fn count_failure(boat: &mut Lifeboat) -> Result<bool, lifeboat::Error> {
    let phase = boat.phase().counted();
    boat.write_state(phase)?;
    Ok(match phase {
        Phase::Destroying { failures, .. } => failures < MOST_FAILURES,
        // Nothing is destroyed yet, and the number of starts is limited already.
        Phase::Armed { .. } => true,
        _ => false,
    })
}

/// Puts the old system's boot sector back, if our loader is there.
fn give_back(context: &mut Context) {
    let Some(boat) = &mut context.lifeboat else {
        return;
    };
    let line = match boat.disarm() {
        Ok(false) => return,
        Ok(true) => "the disk's first sector is the old system's again".to_string(),
        Err(error) => format!(
            "the disk's first sector could not be given back to the old system: {error}; the machine starts the tiny system again, which tries it once more"
        ),
    };
    context.reporter.line(&line);
}

/// The state of the machine after a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    /// The disk may have been written.
    HalfWritten,
    /// `replant.break=`, or a person, before anything was written.
    Stopped,
    /// Nothing was written, and a person is at the console.
    Unchanged,
    /// Nothing was written, and nobody is at the console: back to the old system.
    Return,
    /// Nothing was written this time; whether it was before is not known.
    Unknown,
}

impl Outcome {
    /// Decides by the mark as well as by the step: a disk that was written to
    /// once has no old system any more, whatever failed now.
    fn of(failure: &Failure, begun: bool, mode: Mode, by_hand: bool) -> Outcome {
        if failure.past_no_return || begun {
            Outcome::HalfWritten
        } else if matches!(*failure.error, Error::Unknown(_)) {
            Outcome::Unknown
        } else if matches!(
            *failure.error,
            Error::Break(_) | Error::NoSuchStep { .. } | Error::Stopped
        ) {
            Outcome::Stopped
        } else if mode != Mode::Migrate || by_hand {
            Outcome::Unchanged
        } else {
            Outcome::Return
        }
    }

    fn next(self) -> &'static str {
        match self {
            Outcome::HalfWritten | Outcome::Stopped | Outcome::Unknown => "type: migrate",
            Outcome::Unchanged | Outcome::Return => "the old system is unchanged; type: reboot",
        }
    }
}

/// Writes the failure for the console's `status`. An error of writing is only
/// printed: the failure itself matters more.
fn note(context: &Context, failure: &Failure, next: &str) {
    let text = format!("{failure}\n{next}\n");
    if let Err(error) = std::fs::write(paths::FAILURE, text) {
        context
            .reporter
            .line(&format!("{}: {error}", paths::FAILURE));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure(error: Error, past_no_return: bool) -> Failure {
        Failure {
            step: "load",
            past_no_return,
            error: Box::new(error),
        }
    }

    #[test]
    fn a_written_disk_is_never_called_unchanged() {
        for (begun, past) in [(true, false), (false, true), (true, true)] {
            for by_hand in [false, true] {
                for error in [Error::Missing("x"), Error::Break("wipe")] {
                    let failure = failure(error, past);
                    let outcome = Outcome::of(&failure, begun, Mode::Migrate, by_hand);
                    assert_eq!(outcome, Outcome::HalfWritten);
                    assert_eq!(outcome.next(), "type: migrate");
                }
            }
        }
    }

    #[test]
    fn a_failure_is_counted_and_the_third_asks_a_person() {
        let dir = tempfile::tempdir().unwrap();
        let mut boat = lifeboat::tests::armed(dir.path());
        assert!(count_failure(&mut boat).unwrap());
        assert_eq!(boat.phase(), Phase::Armed { starts: 1 });
        let destroying = |step, failures| Phase::Destroying { step, failures };
        boat.write_state(destroying(0, 0)).unwrap();
        boat.write_state(boat.phase().reached(4)).unwrap();
        for expected in [true, true, false, false] {
            assert_eq!(count_failure(&mut boat).unwrap(), expected);
        }
        assert_eq!(boat.phase(), destroying(4, 4));
        // Progress: it begins again.
        boat.write_state(boat.phase().reached(5)).unwrap();
        assert!(count_failure(&mut boat).unwrap());
        boat.write_state(Phase::Switched).unwrap();
        assert!(!count_failure(&mut boat).unwrap());
    }

    #[test]
    fn what_is_not_known_is_not_called_unchanged() {
        let unknown = || failure(Error::Unknown(Box::new(Error::Begun)), false);
        let of = |begun| Outcome::of(&unknown(), begun, Mode::Migrate, false);
        assert_eq!(of(false), Outcome::Unknown);
        assert_eq!(of(true), Outcome::HalfWritten);
    }

    #[test]
    fn only_an_unwatched_migration_goes_back_by_itself() {
        let of = |error, mode, by_hand| Outcome::of(&failure(error, false), false, mode, by_hand);
        let missing = || Error::Missing("x");
        assert_eq!(of(missing(), Mode::Migrate, false), Outcome::Return);
        assert_eq!(of(missing(), Mode::Migrate, true), Outcome::Unchanged);
        assert_eq!(of(missing(), Mode::Rehearse, false), Outcome::Unchanged);
        for error in [
            Error::Break("load"),
            Error::Stopped,
            Error::NoSuchStep {
                name: "laod".into(),
            },
        ] {
            assert_eq!(of(error, Mode::Migrate, false), Outcome::Stopped);
        }
    }
}
