// SPDX-License-Identifier: MIT OR Apache-2.0
//! When /init itself fails, the next /init takes over in its place.
//!
//! An exec gives PID 1 a fresh memory and keeps its children and its open
//! descriptors, so the agent goes on as if nothing had happened. All that the
//! next /init needs is one argument.

use core::ffi::CStr;
use core::fmt::Write;
use core::sync::atomic::{AtomicI32, AtomicU64, Ordering::Relaxed};

use heapless::String;
use rustix::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use rustix::process::Pid;
use rustix::system::RebootCommand;

use crate::child::Running;
use crate::kmsg::Kmsg;
use crate::pty::Pty;
use crate::system::past_no_return;
use crate::verdict::Program;
use crate::{kernel, signal};

/// After more failures in a row than this, /init gives up.
const LIMIT: u32 = 4;
/// Failures further apart than this, in milliseconds, are not in a row.
const APART: u64 = 60_000;

/// First argument of an /init that takes over; a [`Handover`] is the second,
/// the reason the third.
const TAKES_OVER: &CStr = c"takes-over";

/// What one /init hands over to the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Handover {
    /// The number of failures in a row so far.
    pub failures: u32,
    /// When the last one failed, in milliseconds of the clock.
    pub at: u64,
    pub child: Option<Child>,
}

/// A program that runs, by numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Child {
    pub pid: i32,
    pub program: Program,
    /// The two sides of its pseudo-terminal.
    pub master: RawFd,
    pub slave: RawFd,
}

fn number(program: Program) -> u8 {
    match program {
        Program::Agent => 0,
        Program::Console => 1,
        Program::Migration => 2,
    }
}

fn program(number: i32) -> Option<Program> {
    let programs = [Program::Agent, Program::Console, Program::Migration];
    programs
        .into_iter()
        .find(|p| i32::from(self::number(*p)) == number)
}

impl Handover {
    /// Formats it as an argument.
    pub fn write(&self) -> String<96> {
        let mut text = String::new();
        let _ = write!(text, "{},{}", self.failures, self.at);
        if let Some(child) = self.child {
            let _ = write!(
                text,
                ",{},{},{},{}",
                child.pid,
                number(child.program),
                child.master,
                child.slave
            );
        }
        text
    }

    /// Parses an argument; `None` if it is not valid.
    pub fn read(text: &str) -> Option<Handover> {
        let mut fields = text.split(',');
        let failures = fields.next()?.parse().ok()?;
        let at = fields.next()?.parse().ok()?;
        let Some(pid) = fields.next() else {
            return Some(Handover {
                failures,
                at,
                child: None,
            });
        };
        let mut number =
            || -> Option<i32> { fields.next()?.parse().ok().filter(|number| *number >= 0) };
        let child = Child {
            pid: pid.parse().ok().filter(|pid| *pid > 1)?,
            program: program(number()?)?,
            master: number().filter(|fd| *fd > 2)?,
            slave: number().filter(|fd| *fd > 2)?,
        };
        Some(Handover {
            failures,
            at,
            child: Some(child),
        })
    }

    /// The program that runs, if there is one.
    pub fn running(&self) -> Option<Running> {
        let child = self.child?;
        // SAFETY: these descriptors are what the last /init left open for
        // this one; nobody else in this process knows them.
        let (master, slave) = unsafe {
            (
                OwnedFd::from_raw_fd(child.master),
                OwnedFd::from_raw_fd(child.slave),
            )
        };
        Some(Running {
            program: child.program,
            pid: Pid::from_raw(child.pid)?,
            pty: Pty::new(master, slave),
        })
    }
}

static FAILURES: AtomicI32 = AtomicI32::new(0);
static FAILED_AT: AtomicU64 = AtomicU64::new(0);
/// Pid (0: none), program, master, slave.
static CHILD: [AtomicI32; 4] = [const { AtomicI32::new(0) }; 4];

/// Remembers a program for the case that /init fails.
pub fn remember(running: &Running) {
    remember_child(Child {
        pid: running.pid.as_raw_nonzero().get(),
        program: running.program,
        master: running.pty.master().as_raw_fd(),
        slave: running.pty.slave().as_raw_fd(),
    });
}

fn remember_child(child: Child) {
    let values = [
        child.pid,
        number(child.program).into(),
        child.master,
        child.slave,
    ];
    // The pid last: it says that the rest is good.
    for (slot, value) in CHILD.iter().zip(values).rev() {
        slot.store(value, Relaxed);
    }
}

/// The program ended.
pub fn forget() {
    let [pid, ..] = &CHILD;
    pid.store(0, Relaxed);
}

/// Remembers what the /init before this one handed over, for the case that
/// this one fails before it watches the program that runs.
pub fn remember_handover(handover: &Handover) {
    FAILURES.store(handover.failures as i32, Relaxed);
    FAILED_AT.store(handover.at, Relaxed);
    if let Some(child) = handover.child {
        remember_child(child);
    }
}

/// The handover to the next /init, if this one fails now.
fn handover() -> Handover {
    let now = kernel::milliseconds();
    let before = match now.saturating_sub(FAILED_AT.load(Relaxed)) < APART {
        true => FAILURES.load(Relaxed) as u32,
        false => 0,
    };
    let [pid, program, master, slave] = &CHILD;
    let child = Child {
        pid: pid.load(Relaxed),
        program: self::program(program.load(Relaxed)).unwrap_or(Program::Agent),
        master: master.load(Relaxed),
        slave: slave.load(Relaxed),
    };
    let child = (child.pid > 1).then_some(child);
    Handover {
        failures: before.saturating_add(1),
        at: now,
        child,
    }
}

/// Ends this /init and starts the next. `reason` is a line for people.
pub fn restart(reason: &str) -> ! {
    if rustix::process::getpid().as_raw_nonzero().get() != 1 {
        // A forked child of /init: its parent sees the status.
        kernel::exit(125);
    }
    let kmsg = Kmsg::open();
    kmsg.line(reason);
    let handover = handover();
    // The agent goes on while /init fails. Once it writes to the disk, it must
    // not be stopped by a reboot, however often /init fails.
    let must_stay = past_no_return();
    let mut hopeless = handover.failures > LIMIT;
    while must_stay || !hopeless {
        if hopeless {
            kmsg.line("/init fails again and again; it waits 10 seconds");
            kernel::pause(10_000);
        }
        exec_next(&handover, reason);
        hopeless = true;
    }
    // The boot entry was for one boot, so a reboot starts the old system.
    kmsg.line("/init cannot go on; rebooting in 10 seconds");
    kernel::pause(10_000);
    rustix::fs::sync();
    let _ = rustix::system::reboot(RebootCommand::Restart);
    let _ = crate::file::write(c"/proc/sysrq-trigger", b"b");
    loop {
        let _ = rustix::event::poll(&mut [], None);
    }
}

/// Starts the next /init in the place of this one; returns only if that failed.
fn exec_next(handover: &Handover, reason: &str) {
    let mut word = handover.write();
    let mut text = String::<400>::new();
    for character in reason.chars() {
        if text.len() + 8 > text.capacity() || text.push(character).is_err() {
            break;
        }
    }
    if word.push('\0').is_ok() && text.push('\0').is_ok() {
        let word = CStr::from_bytes_until_nul(word.as_bytes()).unwrap_or(c"");
        let text = CStr::from_bytes_until_nul(text.as_bytes()).unwrap_or(c"");
        for path in [c"/proc/self/exe", c"/init"] {
            kernel::exec(path, &[c"/init", TAKES_OVER, word, text], &[c"HOME=/"]);
        }
    }
}

/// The handover and the reason in the arguments of this /init.
pub fn from_arguments<'a>(
    mut arguments: impl Iterator<Item = &'a CStr>,
) -> Option<(Handover, &'a str)> {
    arguments.next()?;
    if arguments.next()? != TAKES_OVER {
        return None;
    }
    let handover = Handover::read(arguments.next()?.to_str().ok()?)?;
    let reason = arguments
        .next()
        .and_then(|reason| reason.to_str().ok())
        .unwrap_or("unknown");
    Some((handover, reason))
}

extern "C" fn fault(number: i32) -> ! {
    let mut text = String::<80>::new();
    let _ = write!(text, "/init was hit by signal {number}");
    restart(&text)
}

/// Makes faults of this process end in [`restart`].
pub fn catch_faults() {
    const LENGTH: usize = 32768;
    static STACK: [AtomicU64; LENGTH / 8] = [const { AtomicU64::new(0) }; LENGTH / 8];
    // Atomics are writable memory; nobody but the kernel looks at these.
    kernel::alternate_stack(STACK.as_ptr().cast_mut().cast(), LENGTH);
    for number in signal::FAULTS {
        kernel::catch(number, fault);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_handover_survives() {
        let child = Child {
            pid: 77,
            program: Program::Migration,
            master: 12,
            slave: 2_000_000,
        };
        for child in [
            None,
            Some(child),
            Some(Child {
                pid: i32::MAX,
                ..child
            }),
        ] {
            let handover = Handover {
                failures: 3,
                at: u64::MAX,
                child,
            };
            assert_eq!(Handover::read(&handover.write()), Some(handover));
        }
    }

    /// An /init that fails before it watches the program must not lose it.
    #[test]
    fn what_was_handed_over_is_handed_on() {
        let child = Child {
            pid: 77,
            program: Program::Migration,
            master: 12,
            slave: 13,
        };
        let before = Handover {
            failures: 2,
            at: kernel::milliseconds(),
            child: Some(child),
        };
        remember_handover(&before);
        let next = handover();
        assert_eq!((next.failures, next.child), (3, Some(child)));
        forget();
        assert_eq!(handover().child, None);
    }

    #[test]
    fn anything_else_is_refused() {
        for text in [
            "",
            "1",
            "x,1",
            "1,x",
            "1,2,",
            "1,2,1,0,5,6",
            "1,2,7,0,1,6",
            "1,2,7,0,5",
            "1,2,7,3,5,6",
        ] {
            assert_eq!(Handover::read(text), None, "{text}");
        }
        let arguments = |words: &'static [&'static CStr]| from_arguments(words.iter().copied());
        assert_eq!(arguments(&[]), None);
        assert_eq!(arguments(&[c"/init", c"quiet"]), None);
        assert_eq!(arguments(&[c"/init", TAKES_OVER, c"rubbish"]), None);
        let (handover, reason) = arguments(&[c"/init", TAKES_OVER, c"1,5"]).unwrap();
        assert_eq!((handover.failures, reason), (1, "unknown"));
    }
}
