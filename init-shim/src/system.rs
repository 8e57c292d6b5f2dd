// SPDX-License-Identifier: MIT OR Apache-2.0
//! The heart of PID 1: one wait for everything, consoles served, children reaped.

use core::fmt::{self, Write};

use heapless::{String, Vec};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::{Pid, WaitOptions, WaitStatus, wait};

use crate::cmdline::Options;
use crate::consoles::{Consoles, MOST};
use crate::kmsg::Kmsg;
use crate::link::Link;
use crate::signal::Signals;
use crate::{file, kernel};

/// The old system is gone, or may be: the file is there that the agent makes
/// before it touches the disk.
pub fn past_no_return() -> bool {
    file::exists(c"/run/replant/point-of-no-return")
}

/// All that PID 1 has open.
pub struct System {
    /// Where people look and type.
    pub consoles: Consoles,
    /// The kernel's log.
    pub kmsg: Kmsg,
    /// What the command line asks for.
    pub options: Options,
    /// Children and Ctrl-Alt-Del; without it, waits are short instead.
    pub signals: Option<Signals>,
}

/// What happened during one wait.
#[derive(Default)]
pub struct Events {
    /// Keys that were typed, when no program is there to take them.
    pub typed: Vec<u8, 512>,
    /// Ctrl-Alt-Del was pressed.
    pub interrupted: bool,
}

/// Whom the output of a program waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// Nobody: a slow console loses lines. For the migration.
    Never,
    /// Consoles that are slow, but not stuck. For a person who reads.
    Slowest,
}

impl System {
    /// Says one line on every console and in the kernel's log.
    pub fn say(&mut self, text: fmt::Arguments<'_>) {
        let mut line = String::<512>::new();
        // Too long a text is cut; there is nothing else to do about it.
        let _ = line.write_fmt(text);
        self.kmsg.line(&line);
        let _ = write!(self.consoles, "\r\nreplant: {line}\r\n");
    }

    /// Waits at most `milliseconds` for anything, and serves it: carries bytes
    /// between the consoles and the program behind `link`, and returns the rest.
    pub fn wait(&mut self, link: Option<&mut Link>, pace: Pace, milliseconds: u64) -> Events {
        let mut events = Events::default();
        let said = self.poll(link.as_deref(), pace, milliseconds);
        let (signal, program, devices) = match said.as_slice() {
            [signal, program, devices @ ..] => (*signal, *program, devices),
            _ => return events,
        };
        if !signal.is_empty() {
            events.interrupted = self.signals.as_ref().is_some_and(Signals::interrupted);
        }
        let mut keys = Vec::<u8, 512>::new();
        self.consoles.serve(devices, |bytes| {
            for byte in bytes {
                let _ = keys.push(*byte);
            }
        });
        match link {
            None => events.typed = keys,
            Some(link) => {
                link.typed(&keys, &mut self.consoles);
                link.flush_keys();
                if !program.is_empty() {
                    link.show(&mut self.consoles);
                }
            }
        }
        self.consoles.tend();
        events
    }

    /// poll(2): the answers for the signals, the program and each open console.
    fn poll(
        &self,
        link: Option<&Link>,
        pace: Pace,
        milliseconds: u64,
    ) -> Vec<PollFlags, { MOST + 3 }> {
        let held = pace == Pace::Slowest && self.consoles.is_behind();
        // A console that is closed, stuck or behind wants another look soon.
        let milliseconds = if self.signals.is_none() || held {
            50
        } else {
            1000
        }
        .min(milliseconds);
        let timeout = Timespec {
            tv_sec: (milliseconds / 1000) as i64,
            tv_nsec: (milliseconds % 1000 * 1_000_000) as i64,
        };
        let mut set = Vec::<PollFd<'_>, { MOST + 3 }>::new();
        // Descriptors that are not there: poll(2) of an empty event set of
        // some open one would still report its hang-up, so they are left out
        // and put back into the answer.
        if let Some(signals) = &self.signals {
            let _ = set.push(PollFd::new(signals, PollFlags::IN));
        }
        let listens = link.filter(|link| !held && !link.is_ended());
        if let Some(link) = listens {
            let _ = set.push(PollFd::from_borrowed_fd(link.output(), PollFlags::IN));
        }
        self.consoles.watch(&mut set);
        if let Some(link) = link.filter(|link| link.has_keys()) {
            let _ = set.push(PollFd::from_borrowed_fd(link.input(), PollFlags::OUT));
        }
        let answered = poll(&mut set, Some(&timeout)).is_ok();
        let mut answers = set.iter().map(|entry| match answered {
            true => entry.revents(),
            false => PollFlags::empty(),
        });
        let mut said = Vec::new();
        let signal = self.signals.as_ref().and_then(|_| answers.next());
        let _ = said.push(signal.unwrap_or(PollFlags::empty()));
        let program = listens.and_then(|_| answers.next());
        let _ = said.push(program.unwrap_or(PollFlags::empty()));
        said.extend(answers.take(MOST));
        said
    }

    /// Reaps every child that is dead; the status of `child` if it is among
    /// them, and whether any child is left.
    pub fn reap(&mut self, child: Option<Pid>) -> (Option<WaitStatus>, bool) {
        let mut status = None;
        loop {
            match wait(WaitOptions::NOHANG) {
                Ok(Some((pid, how))) if Some(pid) == child => status = Some(how),
                Ok(Some(_)) | Err(Errno::INTR) => {}
                Ok(None) => return (status, true),
                Err(_) => return (status, false),
            }
        }
    }

    /// Lets the consoles catch up with what was said, for a bounded time.
    pub fn settle(&mut self, milliseconds: u64) {
        let end = kernel::milliseconds().saturating_add(milliseconds);
        while self.consoles.is_draining() && kernel::milliseconds() < end {
            self.wait(None, Pace::Never, 20);
        }
    }
}
