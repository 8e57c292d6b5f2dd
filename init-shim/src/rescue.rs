// SPDX-License-Identifier: MIT OR Apache-2.0
//! When /init itself fails: it starts again in its place.
//!
//! An exec gives PID 1 a fresh memory and keeps its children and its open
//! descriptors, so the agent goes on as if nothing had happened. All that the
//! next /init needs is in one short word.

use core::ffi::CStr;
use core::fmt::Write;
use core::sync::atomic::{AtomicI32, AtomicU64, Ordering::Relaxed};

use heapless::String;
use rustix::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use rustix::process::Pid;
use rustix::system::RebootCommand;

use crate::kmsg::Kmsg;
use crate::link::{Channel, Link};
use crate::status::Program;
use crate::supervise::Running;
use crate::system::past_no_return;
use crate::{kernel, signal};

/// More failures in a row than this are too many.
const LIMIT: u32 = 4;
/// Failures further apart than this, in milliseconds, are not in a row.
const APART: u64 = 60_000;

/// First argument of an /init that takes over.
const WORD: &CStr = c"takes-over";

/// What one /init leaves to the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Legacy {
    /// How many failed before, in a row.
    pub failures: u32,
    /// When the last one failed, in milliseconds of the clock.
    pub at: u64,
    /// The program that runs.
    pub child: Option<Child>,
}

/// A program that runs, by numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Child {
    /// Its process.
    pub pid: i32,
    /// It is the recovery console.
    pub is_console: bool,
    /// It has a pseudo-terminal.
    pub has_terminal: bool,
    /// Master, or the pipe that it writes to.
    pub first: RawFd,
    /// Slave, or the pipe that it reads from.
    pub second: RawFd,
}

impl Legacy {
    /// As a word.
    pub fn write(&self) -> String<96> {
        let mut text = String::new();
        let _ = write!(text, "{},{}", self.failures, self.at);
        if let Some(child) = self.child {
            let _ = write!(
                text,
                ",{},{},{},{},{}",
                child.pid,
                u8::from(child.is_console),
                u8::from(child.has_terminal),
                child.first,
                child.second
            );
        }
        text
    }

    /// From a word; `None` if it is not one.
    pub fn read(text: &str) -> Option<Legacy> {
        let mut fields = text.split(',');
        let failures = fields.next()?.parse().ok()?;
        let at = fields.next()?.parse().ok()?;
        let Some(pid) = fields.next() else {
            return Some(Legacy {
                failures,
                at,
                child: None,
            });
        };
        let mut number =
            || -> Option<i32> { fields.next()?.parse().ok().filter(|number| *number >= 0) };
        let child = Child {
            pid: pid.parse().ok().filter(|pid| *pid > 1)?,
            is_console: number()? != 0,
            has_terminal: number()? != 0,
            first: number().filter(|fd| *fd > 2)?,
            second: number().filter(|fd| *fd > 2)?,
        };
        Some(Legacy {
            failures,
            at,
            child: Some(child),
        })
    }

    /// The program, to go on with.
    pub fn running(&self) -> Option<Running> {
        let child = self.child?;
        // SAFETY: these descriptors are what the last /init left open for
        // this one; nobody else in this process knows them.
        let (first, second) = unsafe {
            (
                OwnedFd::from_raw_fd(child.first),
                OwnedFd::from_raw_fd(child.second),
            )
        };
        let channel = match child.has_terminal {
            true => Channel::Terminal {
                master: first,
                slave: second,
            },
            false => Channel::Pipes {
                output: first,
                input: second,
            },
        };
        Some(Running {
            program: if child.is_console {
                Program::Console
            } else {
                Program::Agent
            },
            pid: Pid::from_raw(child.pid)?,
            link: Link::new(channel),
        })
    }
}

static FAILURES: AtomicI32 = AtomicI32::new(0);
static FAILED_AT: AtomicU64 = AtomicU64::new(0);
/// Pid (0: none), is console, has terminal, first, second.
static CHILD: [AtomicI32; 5] = [const { AtomicI32::new(0) }; 5];

/// Remembers a program for the case that /init fails.
pub fn remember(running: &Running) {
    let (terminal, first, second) = match running.link.channel() {
        Channel::Terminal { master, slave } => (1, master.as_raw_fd(), slave.as_raw_fd()),
        Channel::Pipes { output, input } => (0, output.as_raw_fd(), input.as_raw_fd()),
    };
    let console = i32::from(running.program == Program::Console);
    let values = [
        running.pid.as_raw_nonzero().get(),
        console,
        terminal,
        first,
        second,
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

/// Takes the last /init's failures over into this one's memory.
pub fn inherit(legacy: &Legacy) {
    FAILURES.store(legacy.failures as i32, Relaxed);
    FAILED_AT.store(legacy.at, Relaxed);
}

/// What is to be left to the next /init.
fn legacy() -> Legacy {
    let now = kernel::milliseconds();
    let before = match now.saturating_sub(FAILED_AT.load(Relaxed)) < APART {
        true => FAILURES.load(Relaxed) as u32,
        false => 0,
    };
    let [pid, console, terminal, first, second] = &CHILD;
    let child = Child {
        pid: pid.load(Relaxed),
        is_console: console.load(Relaxed) != 0,
        has_terminal: terminal.load(Relaxed) != 0,
        first: first.load(Relaxed),
        second: second.load(Relaxed),
    };
    let child = (child.pid > 1).then_some(child);
    Legacy {
        failures: before.saturating_add(1),
        at: now,
        child,
    }
}

/// Ends this /init and starts the next. `reason` is a line for people.
pub fn again(reason: &str) -> ! {
    if rustix::process::getpid().as_raw_nonzero().get() != 1 {
        // A forked child of /init: its parent sees the status.
        kernel::exit(125);
    }
    let kmsg = Kmsg::open();
    kmsg.line(reason);
    let legacy = legacy();
    // The agent goes on while /init fails. Once it writes to the disk, it must
    // not be stopped by a reboot, however often /init fails.
    let patient = past_no_return();
    let mut hopeless = legacy.failures > LIMIT;
    while patient || !hopeless {
        if hopeless {
            kmsg.line("/init fails again and again; it waits 10 seconds");
            kernel::pause(10_000);
        }
        become_next(&legacy, reason);
        hopeless = true;
    }
    // It fails whatever is done: the boot entry was for one boot, so that a
    // reboot is the best that is left.
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
fn become_next(legacy: &Legacy, reason: &str) {
    let mut word = legacy.write();
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
            kernel::exec(path, &[c"/init", WORD, word, text], &[c"HOME=/"]);
        }
    }
}

/// The legacy and the reason in the arguments of this /init.
pub fn from_arguments<'a>(
    mut arguments: impl Iterator<Item = &'a CStr>,
) -> Option<(Legacy, &'a str)> {
    arguments.next()?;
    if arguments.next()? != WORD {
        return None;
    }
    let legacy = Legacy::read(arguments.next()?.to_str().ok()?)?;
    let reason = arguments
        .next()
        .and_then(|reason| reason.to_str().ok())
        .unwrap_or("unknown");
    Some((legacy, reason))
}

extern "C" fn fault(number: i32) -> ! {
    let mut text = String::<80>::new();
    let _ = write!(text, "/init was hit by signal {number}");
    again(&text)
}

/// Has faults of this process end in [`again`].
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
    fn a_legacy_survives() {
        let child = Child {
            pid: 77,
            is_console: true,
            has_terminal: false,
            first: 12,
            second: 2_000_000,
        };
        for child in [
            None,
            Some(child),
            Some(Child {
                pid: i32::MAX,
                ..child
            }),
        ] {
            let legacy = Legacy {
                failures: 3,
                at: u64::MAX,
                child,
            };
            assert_eq!(Legacy::read(&legacy.write()), Some(legacy));
        }
    }

    #[test]
    fn anything_else_is_refused() {
        for text in [
            "",
            "1",
            "x,1",
            "1,x",
            "1,2,",
            "1,2,1,0,0,5,6",
            "1,2,7,0,0,1,6",
            "1,2,7,0,0,5",
        ] {
            assert_eq!(Legacy::read(text), None, "{text}");
        }
        let arguments = |words: &'static [&'static CStr]| from_arguments(words.iter().copied());
        assert_eq!(arguments(&[]), None);
        assert_eq!(arguments(&[c"/init", c"quiet"]), None);
        assert_eq!(arguments(&[c"/init", WORD, c"rubbish"]), None);
        let (legacy, reason) = arguments(&[c"/init", WORD, c"1,5"]).unwrap();
        assert_eq!((legacy.failures, reason), (1, "unknown"));
    }
}
