// SPDX-License-Identifier: MIT OR Apache-2.0
//! The seconds in which a person can keep the machine from going back.

use crate::stop;
use crate::tiny::steps::Context;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::AsFd;
use rustix::termios::{QueueSelector, tcflush};
use std::time::{Duration, Instant};

const COUNTDOWN: u64 = 15;

/// Counts down on the consoles to what will happen; `false` when somebody
/// pressed a key.
pub(super) fn countdown(context: &Context, what: &str) -> bool {
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
}
