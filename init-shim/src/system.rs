// SPDX-License-Identifier: MIT OR Apache-2.0
//! All that PID 1 has open, and its one wait for keys, output, children and
//! Ctrl-Alt-Del.

use core::fmt::{self, Write};

use heapless::{String, Vec};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::{Pid, WaitOptions, WaitStatus, wait};

use crate::cmdline::Options;
use crate::consoles::{Consoles, MOST};
use crate::kmsg::Kmsg;
use crate::pty::Pty;
use crate::signal::Signals;
use crate::watchdog::Watchdogs;
use crate::{file, kernel};

/// Whether the old system is gone, or may be: the agent makes this file before
/// it writes to the disk.
pub fn past_no_return() -> bool {
    file::exists(contract::path::POINT_OF_NO_RETURN)
}

/// Whether the machine, started again, would not go on with the migration.
pub fn must_stay() -> bool {
    file::exists(contract::path::MUST_STAY)
}

/// All that PID 1 has open.
pub struct System {
    pub consoles: Consoles,
    pub kmsg: Kmsg,
    pub options: Options,
    /// Ctrl-Alt-Del, and children that ended.
    pub signals: Signals,
    pub watchdogs: Watchdogs,
}

/// What happened during one wait.
#[derive(Default)]
pub struct Events {
    /// Keys that were typed on any console.
    pub typed: Vec<u8, 512>,
    /// Ctrl-Alt-Del was pressed.
    pub interrupted: bool,
}

/// How fast a program may write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// As fast as it can, and slow consoles lose lines. For the migration.
    Free,
    /// As fast as the slowest console that is not stuck. For a person who reads.
    Slowest,
}

/// What poll(2) says about each descriptor.
struct Answers {
    signals: PollFlags,
    pty: PollFlags,
    /// Of each open console.
    consoles: Vec<PollFlags, MOST>,
}

impl System {
    /// Writes one line on every console and into the kernel's log.
    pub fn say(&mut self, text: fmt::Arguments<'_>) {
        let mut line = String::<512>::new();
        // A text that is too long is cut.
        let _ = line.write_fmt(text);
        self.kmsg.line(&line);
        let _ = write!(self.consoles, "\r\nreplant: {line}\r\n");
    }

    /// Waits at most `milliseconds` for anything, copies the output of the
    /// program on `pty` to the consoles, and returns what else happened.
    pub fn wait(&mut self, pty: Option<&mut Pty>, pace: Pace, milliseconds: u64) -> Events {
        let mut events = Events::default();
        let answers = self.poll(pty.as_deref(), pace, milliseconds);
        if !answers.signals.is_empty() {
            events.interrupted = self.signals.interrupted();
        }
        self.consoles.read_typed(&answers.consoles, |bytes| {
            for byte in bytes {
                let _ = events.typed.push(*byte);
            }
        });
        if let Some(pty) = pty {
            pty.flush_keys();
            if !answers.pty.is_empty() {
                pty.copy_output(&mut self.consoles);
            }
        }
        self.consoles.service();
        self.watchdogs.service(kernel::milliseconds(), &self.kmsg);
        events
    }

    fn poll(&self, pty: Option<&Pty>, pace: Pace, milliseconds: u64) -> Answers {
        let held = pace == Pace::Slowest && self.consoles.is_behind();
        // A console that is behind is looked at again soon.
        let milliseconds = milliseconds.min(if held { 50 } else { 1000 });
        let timeout = Timespec {
            tv_sec: (milliseconds / 1000) as i64,
            tv_nsec: (milliseconds % 1000 * 1_000_000) as i64,
        };
        let mut set = Vec::<PollFd<'_>, { MOST + 3 }>::new();
        let _ = set.push(PollFd::new(&self.signals, PollFlags::IN));
        // Without anything to read it is left out, for poll(2) would report
        // its hang-up all the same.
        let read = pty.filter(|pty| !held && !pty.is_ended());
        if let Some(pty) = read {
            let _ = set.push(PollFd::from_borrowed_fd(pty.master(), PollFlags::IN));
        }
        self.consoles.add_to_poll(&mut set);
        if let Some(pty) = pty.filter(|pty| pty.has_keys()) {
            let _ = set.push(PollFd::from_borrowed_fd(pty.master(), PollFlags::OUT));
        }
        let answered = poll(&mut set, Some(&timeout)).is_ok();
        let mut answers = set.iter().map(|entry| match answered {
            true => entry.revents(),
            false => PollFlags::empty(),
        });
        Answers {
            signals: answers.next().unwrap_or(PollFlags::empty()),
            pty: read
                .and_then(|_| answers.next())
                .unwrap_or(PollFlags::empty()),
            consoles: answers.take(MOST).collect(),
        }
    }

    /// Reaps every child that is dead. Returns the status of `child` if it is
    /// among them, and whether any child is left.
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

    /// Waits until the consoles have taken their output, but not for ever.
    pub fn drain(&mut self, milliseconds: u64) {
        let end = kernel::milliseconds().saturating_add(milliseconds);
        while self.consoles.is_draining() && kernel::milliseconds() < end {
            self.wait(None, Pace::Free, 20);
        }
    }
}
