// SPDX-License-Identifier: MIT OR Apache-2.0
//! What becomes of a migration that failed.
//!
//! Before the point of no return: a report in the old root, and the old
//! system starts again by itself. After it: the console, with the reason and
//! the command that goes on from there.

use crate::cli::{EXIT_CONSOLE, EXIT_REBOOT};
use crate::cmdline::Mode;
use crate::locate::Root;
use crate::lvm::{Access, Mapper, scan};
use crate::steps::{Context, Error, Failure};
use crate::{mount, paths};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::mount::MountFlags;
use std::path::Path;
use std::time::{Duration, Instant};

/// Seconds in which a person can keep the machine from going back.
const COUNTDOWN: u64 = 15;

/// Says what happened and what comes next; the exit status for /init.
pub(super) fn handle(context: &mut Context, failure: &Failure, mode: Mode, by_hand: bool) -> u8 {
    let outcome = Outcome::of(failure, paths::begun(), mode, by_hand);
    let next = outcome.next();
    note(context, failure, next);
    context.reporter.line(&match outcome {
        Outcome::HalfWritten => format!(
            "the migration stopped in {failure}\n\
             the payload is still in memory; DO NOT switch the machine off; {next}"
        ),
        Outcome::Stopped => format!("{failure}; nothing was changed; {next}"),
        // Not every failure is a step's own, which is on the display already.
        Outcome::Unchanged | Outcome::Return => {
            format!("the migration stopped in {failure}\nnothing on the disk was changed")
        }
    });
    if outcome != Outcome::Return {
        return EXIT_CONSOLE;
    }
    if !context.cmdline.no_report {
        match leave_report(context, failure) {
            Ok(true) => context.reporter.detail("the report lies in the old root"),
            Ok(false) => context
                .reporter
                .detail("no old root of this machine was recognised: no report is left"),
            Err(error) => context
                .reporter
                .line(&format!("no report for the old system: {error}")),
        }
    }
    if countdown(context) {
        EXIT_REBOOT
    } else {
        EXIT_CONSOLE
    }
}

/// What a failure means for the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    /// The disk may have been written.
    HalfWritten,
    /// `replant.break=` before anything was written.
    Stopped,
    /// Nothing was written, and a person is there.
    Unchanged,
    /// Nothing was written, and nobody is there: back to the old system.
    Return,
}

impl Outcome {
    /// The mark counts, and not only the step: whatever failed, a disk that
    /// was written once is no old system any more.
    fn of(failure: &Failure, begun: bool, mode: Mode, by_hand: bool) -> Outcome {
        if failure.past_no_return || begun {
            Outcome::HalfWritten
        } else if matches!(*failure.error, Error::Break(_) | Error::NoSuchStep { .. }) {
            Outcome::Stopped
        } else if mode != Mode::Migrate || by_hand {
            Outcome::Unchanged
        } else {
            Outcome::Return
        }
    }

    fn next(self) -> &'static str {
        match self {
            Outcome::HalfWritten | Outcome::Stopped => "type: migrate",
            Outcome::Unchanged | Outcome::Return => "the old system is unchanged; type: reboot",
        }
    }
}

/// For the console's `status`. That this cannot be written is told and no
/// more: the failure itself matters.
fn note(context: &Context, failure: &Failure, next: &str) {
    let text = format!("{failure}\n{next}\n");
    if let Err(error) = std::fs::write(paths::FAILURE, text) {
        context
            .reporter
            .line(&format!("{}: {error}", paths::FAILURE));
    }
}

/// The only write before the point of no return: why, into the old root.
/// `false` when there is none that is known to be this machine's: another
/// machine's disk, or a package that was never staged, stays as it is.
fn leave_report(context: &Context, failure: &Failure) -> Result<bool, Error> {
    let root = context.found.as_ref().and_then(|f| f.root.as_ref());
    let Some(root) = ours(root, context.recognized) else {
        return Ok(false);
    };
    let mapper = Mapper::open()?;
    for group in &scan(&context.lvm_devices()?).groups {
        for lv in group.vg.lvs.iter().filter(|lv| lv.is_visible()) {
            let Ok(mapping) = group.mapping(lv) else {
                continue;
            };
            let same = Path::new("/dev/mapper").join(&mapping.name);
            let is_root = |path: &Path| {
                use std::os::unix::fs::MetadataExt;
                std::fs::metadata(path).is_ok_and(|m| {
                    (rustix::fs::major(m.rdev()), rustix::fs::minor(m.rdev())) == root.dev
                })
            };
            if is_root(&same) {
                mapper.activate(group, &lv.name, Access::ReadWrite)?;
            }
        }
    }
    let old = Path::new(paths::OLD_ROOT);
    mount::release(&root.device, old)?;
    let flags = MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC;
    mount::device(&root.device, old, &root.kind, flags, "")?;
    let path = old.join(paths::STAGED_DIR).join(paths::FAILURE_REPORT);
    let log = std::fs::read_to_string(paths::LOG).unwrap_or_default();
    let text = format!("The migration stopped, and nothing was changed.\n{failure}\n\n{log}");
    let written = std::fs::create_dir_all(path.parent().unwrap_or(old))
        .and_then(|()| std::fs::write(&path, text))
        .map_err(|source| Error::File { path, source });
    mount::unmount_tree(old)?;
    rustix::fs::sync();
    written.map(|()| true)
}

/// The old root, if it is known to be this machine's.
fn ours(root: Option<&Root>, recognized: bool) -> Option<&Root> {
    root.filter(|_| recognized)
}

/// Counts down on the consoles; `false` when somebody pressed a key.
fn countdown(context: &Context) -> bool {
    let end = Instant::now() + Duration::from_secs(COUNTDOWN);
    context.reporter.line(&format!(
        "the old system starts again in {COUNTDOWN} s; press Enter for the console instead"
    ));
    let stdin = std::io::stdin();
    while let Some(left) = end.checked_duration_since(Instant::now()) {
        let second = Timespec {
            tv_sec: 1,
            tv_nsec: 0,
        };
        let mut fds = [PollFd::new(&stdin, PollFlags::IN)];
        match poll(&mut fds, Some(&second)) {
            Ok(0) | Err(_) => context.reporter.detail(&format!("{} s", left.as_secs())),
            // A closed terminal is nobody's key.
            Ok(_) if fds.iter().any(|fd| fd.revents().contains(PollFlags::IN)) => {
                let mut line = String::new();
                if std::io::stdin().read_line(&mut line).is_ok_and(|n| n > 0) {
                    return false;
                }
                std::thread::sleep(left);
            }
            Ok(_) => std::thread::sleep(left),
        }
    }
    true
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
    fn only_an_unwatched_migration_goes_back_by_itself() {
        let of = |error, mode, by_hand| Outcome::of(&failure(error, false), false, mode, by_hand);
        let missing = || Error::Missing("x");
        assert_eq!(of(missing(), Mode::Migrate, false), Outcome::Return);
        assert_eq!(of(missing(), Mode::Migrate, true), Outcome::Unchanged);
        assert_eq!(of(missing(), Mode::Verify, false), Outcome::Unchanged);
        for error in [
            Error::Break("load"),
            Error::NoSuchStep {
                name: "laod".into(),
            },
        ] {
            assert_eq!(of(error, Mode::Migrate, false), Outcome::Stopped);
        }
    }

    #[test]
    fn only_a_root_that_was_recognised_gets_a_report() {
        let root = Root {
            device: "/dev/none".into(),
            dev: (0, 0),
            kind: "ext4".into(),
        };
        assert!(ours(Some(&root), true).is_some());
        assert!(ours(Some(&root), false).is_none());
        assert!(ours(None, true).is_none());
    }
}
