// SPDX-License-Identifier: MIT OR Apache-2.0
//! What happens after a migration failed.
//!
//! Before the point of no return: a report in the old root, and the old
//! system starts again by itself. After it: the console, with the reason and
//! the command that goes on from there; where the disk has all that is needed,
//! the machine first starts again and tries once more.

use crate::block::DevNo;
use crate::cmdline::Mode;
use crate::locate::{self, Root};
use crate::lvm::{Access, Mapper, mapping, scan};
use crate::tiny::lifeboat::{self, Lifeboat, MOST_FAILURES};
use crate::tiny::steps::{Context, Error, Failure};
use crate::{mount, paths, stop};
use contract::Exit;
use ondisk::lifeboat::state::Phase;
use rootdir::{Attributes, RootDir};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::AsFd;
use rustix::mount::MountFlags;
use rustix::termios::{QueueSelector, tcflush};
use std::path::Path;
use std::time::{Duration, Instant};

/// Seconds in which a person can keep the machine from going back.
const COUNTDOWN: u64 = 15;

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

/// How long to wait for the old root, which was found before.
const PATIENCE: Duration = Duration::from_secs(10);

/// Writes the reason into the old root, which is otherwise never written before
/// the point of no return. Returns `false` when no root is known to be this
/// machine's: another machine's disk, or a package that was never staged, stays
/// as it is.
fn leave_report(context: &mut Context, failure: &Failure) -> Result<bool, Error> {
    let root = context.found.as_ref().and_then(|f| f.root.as_ref());
    let Some(root) = recognized_root(root, context.recognized) else {
        return Ok(false);
    };
    let old = Path::new(paths::OLD_ROOT);
    // Preflight may have unmapped it.
    if root.device.exists() {
        mount::release(&root.device, old)?;
    }
    let Some(spec) = context.cmdline.root.clone() else {
        return Ok(false);
    };
    let root = locate::wait(&mut context.devices, &spec, PATIENCE)?;
    let mapper = Mapper::open()?;
    for group in &scan(&context.lvm_devices()?).groups {
        for lv in group.vg.lvs.iter().filter(|lv| lv.is_visible()) {
            let Ok(mapping) = mapping(group, lv) else {
                continue;
            };
            let same = Path::new("/dev/mapper").join(&mapping.name);
            let is_root = |path: &Path| {
                use std::os::unix::fs::MetadataExt;
                std::fs::metadata(path).is_ok_and(|m| DevNo::from(m.rdev()) == root.dev)
            };
            if is_root(&same) {
                mapper.activate(group, &lv.name, Access::ReadWrite)?;
            }
        }
    }
    let flags = MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC;
    mount::device(&root.device, old, &root.kind, flags, "")?;
    let log = std::fs::read_to_string(paths::LOG).unwrap_or_default();
    let text = format!("The migration stopped, and nothing was changed.\n{failure}\n\n{log}");
    let written = write_report(old, &text);
    mount::unmount_tree(old)?;
    rustix::fs::sync();
    written.map(|()| true)
}

/// Writes the report into the old root; links there mean what they mean on the
/// old system.
fn write_report(old: &Path, text: &str) -> Result<(), Error> {
    let old = RootDir::open(old)?;
    let path = format!("{}/{}", paths::STAGED_DIR, paths::FAILURE_REPORT);
    old.write(&path, text.as_bytes(), Attributes::root(0o600))?;
    Ok(())
}

/// The old root, if it is known to be this machine's.
fn recognized_root(root: Option<&Root>, recognized: bool) -> Option<&Root> {
    root.filter(|_| recognized)
}

/// Counts down on the consoles to what will happen; `false` when somebody
/// pressed a key.
fn countdown(context: &Context, what: &str) -> bool {
    let stdin = std::io::stdin();
    // Keys from before the question are not an answer to it.
    drain(&stdin);
    let end = Instant::now() + Duration::from_secs(COUNTDOWN);
    context.reporter.line(&format!(
        "{what} in {COUNTDOWN} s; press Enter for the console instead"
    ));
    while let Some(left) = end.checked_duration_since(Instant::now()) {
        let second = Timespec {
            tv_sec: 1,
            tv_nsec: 0,
        };
        if stop::requested() {
            return false;
        }
        let mut fds = [PollFd::new(&stdin, PollFlags::IN)];
        match poll(&mut fds, Some(&second)) {
            Ok(0) | Err(_) => context.reporter.detail(&format!("{} s", left.as_secs())),
            // A closed terminal is readable, too, without any key.
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

/// Discards pending input of a terminal or a pipe.
fn drain(input: impl AsFd) {
    // A pipe refuses this, and is read empty below.
    let _ = tcflush(&input, QueueSelector::IFlush);
    let now = Timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    let mut buffer = [0; 256];
    while let Ok(1..) = poll(&mut [PollFd::new(&input, PollFlags::IN)], Some(&now)) {
        if !matches!(rustix::io::read(&input, &mut buffer), Ok(1..)) {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waits(input: impl AsFd) -> bool {
        let second = Timespec {
            tv_sec: 1,
            tv_nsec: 0,
        };
        poll(&mut [PollFd::new(&input, PollFlags::IN)], Some(&second)).unwrap() > 0
    }

    #[test]
    fn what_was_typed_before_is_thrown_away() {
        let (pipe, keys) = rustix::pipe::pipe().unwrap();
        let master = rustix::pty::openpt(rustix::pty::OpenptFlags::RDWR).unwrap();
        rustix::pty::unlockpt(&master).unwrap();
        let name = rustix::pty::ptsname(&master, Vec::new()).unwrap();
        let flags = rustix::fs::OFlags::RDWR | rustix::fs::OFlags::NOCTTY;
        let terminal = rustix::fs::open(&*name, flags, rustix::fs::Mode::empty()).unwrap();
        for (input, typed) in [(&pipe, &keys), (&terminal, &master)] {
            rustix::io::write(typed, b"\nyes\nmigrate\n").unwrap();
            assert!(waits(input));
            drain(input);
            assert!(!waits(input));
            // What is typed afterwards is an answer.
            rustix::io::write(typed, b"\n").unwrap();
            assert!(waits(input));
        }
        // A closed one ends it, too.
        drop(keys);
        drain(&pipe);
    }

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

    #[test]
    fn only_a_root_that_was_recognised_gets_a_report() {
        let root = Root {
            device: "/dev/none".into(),
            dev: DevNo { major: 0, minor: 0 },
            kind: "ext4".into(),
        };
        assert!(recognized_root(Some(&root), true).is_some());
        assert!(recognized_root(Some(&root), false).is_none());
        assert!(recognized_root(None, true).is_none());
    }

    #[test]
    fn the_report_stays_in_the_old_root() {
        use std::os::unix::fs::symlink;
        let top = tempfile::tempdir().unwrap();
        let (old, outside) = (top.path().join("old"), top.path().join("outside"));
        for dir in [&old.join("etc"), &old.join("srv"), &outside] {
            std::fs::create_dir_all(dir).unwrap();
        }
        for link in [outside.to_str().unwrap(), "../../outside"] {
            symlink(link, old.join("etc/upd")).unwrap();
            write_report(&old, "x").unwrap_err();
            std::fs::remove_file(old.join("etc/upd")).unwrap();
        }
        assert_eq!(std::fs::read_dir(&outside).unwrap().count(), 0);
        symlink("/srv", old.join("etc/upd")).unwrap();
        write_report(&old, "why").unwrap();
        let report = std::fs::read_to_string(old.join("srv/report.txt")).unwrap();
        assert_eq!(report, "why");
    }
}
