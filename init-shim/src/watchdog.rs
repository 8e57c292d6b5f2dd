// SPDX-License-Identifier: MIT OR Apache-2.0
//! Feeds running hardware watchdogs, which otherwise reset the machine.
//!
//! The firmware or the old system may have left one running. It is fed as soon
//! as its driver is there, and up to the last reboot. One that does not run is
//! never opened: opening starts it, and not every one can be stopped again.

use core::ffi::CStr;
use core::fmt::Write;

use heapless::String;
use rustix::fd::OwnedFd;
use rustix::fs::{CWD, Mode, OFlags, openat};

use crate::file;
use crate::kmsg::Kmsg;

/// Most watchdogs that are looked at.
const MOST: usize = 4;
/// Time between two feedings, in milliseconds. The shortest time that a
/// watchdog is ever set to is a few seconds.
const FEED: u64 = 1000;
/// Time between two looks for one that runs, in milliseconds.
const LOOK: u64 = 2000;
/// A watchdog whose remaining time falls this many times in a row runs and is not
/// fed.
const FALLS: u8 = 3;

#[derive(Default)]
pub struct Watchdogs {
    list: [Watchdog; MOST],
    fed: u64,
    looked: u64,
}

#[derive(Default)]
struct Watchdog {
    device: Option<OwnedFd>,
    signs: Signs,
}

/// The observations of one watchdog in sysfs.
#[derive(Debug, Default)]
struct Signs {
    /// The time until it resets the machine, in seconds.
    left: Option<u64>,
    falls: u8,
}

impl Signs {
    /// Whether it runs and wants to be fed by a program. `state` says that a
    /// program has started it. What the firmware started is fed by the kernel
    /// until somebody opens it, unless the kernel was told not to: then the
    /// time that is left falls.
    fn needs_feeding(&mut self, state: &[u8], left: Option<u64>) -> bool {
        self.falls = match (self.left, left) {
            (Some(before), Some(now)) if now < before => self.falls.saturating_add(1),
            (Some(before), Some(now)) if now == before => self.falls,
            _ => 0,
        };
        self.left = left;
        state.trim_ascii() == b"active" || self.falls >= FALLS
    }
}

impl Watchdogs {
    /// Feeds open watchdogs, and opens running ones, when it is time to.
    pub fn service(&mut self, now: u64, kmsg: &Kmsg) {
        if now.saturating_sub(self.fed) >= FEED {
            self.fed = now;
            self.feed();
        }
        if now.saturating_sub(self.looked) >= LOOK {
            self.looked = now;
            self.look(kmsg);
        }
    }

    fn feed(&mut self) {
        for watchdog in &mut self.list {
            if let Some(device) = &watchdog.device {
                // Any byte but V, which would allow a close to stop it.
                if rustix::io::write(device, b"\0").is_err() {
                    watchdog.device = None;
                }
            }
        }
    }

    fn look(&mut self, kmsg: &Kmsg) {
        for (number, watchdog) in self.list.iter_mut().enumerate() {
            if watchdog.device.is_some() {
                continue;
            }
            let mut buffer = [0; 16];
            let Some(state) = attribute(number, "state", &mut buffer) else {
                continue;
            };
            let mut left = [0; 24];
            let left = attribute(number, "timeleft", &mut left)
                .and_then(|text| core::str::from_utf8(text.trim_ascii()).ok()?.parse().ok());
            if watchdog.signs.needs_feeding(state, left) {
                watchdog.device = open(number, kmsg);
            }
        }
    }
}

/// Reads a file of one in sysfs.
fn attribute<'a>(number: usize, name: &str, buffer: &'a mut [u8]) -> Option<&'a [u8]> {
    let mut path = String::<64>::new();
    write!(path, "/sys/class/watchdog/watchdog{number}/{name}\0").ok()?;
    file::read(CStr::from_bytes_until_nul(path.as_bytes()).ok()?, buffer).ok()
}

/// Opens one, which feeds it. One that is busy is fed by another program.
fn open(number: usize, kmsg: &Kmsg) -> Option<OwnedFd> {
    let mut path = String::<32>::new();
    write!(path, "/dev/watchdog{number}").ok()?;
    let flags = OFlags::WRONLY | OFlags::CLOEXEC;
    let device = openat(CWD, path.as_str(), flags, Mode::empty()).ok()?;
    let mut name = [0; 32];
    let name = attribute(number, "identity", &mut name).unwrap_or_default();
    let mut line = String::<128>::new();
    let name = core::str::from_utf8(name.trim_ascii()).unwrap_or("");
    let _ = write!(line, "{path} ({name}) runs: it is fed from now on");
    kmsg.line(&line);
    Some(device)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_that_a_program_started_is_fed() {
        assert!(Signs::default().needs_feeding(b"active\n", None));
        assert!(Signs::default().needs_feeding(b"active\n", Some(7)));
        for left in [None, Some(0), Some(30)] {
            let mut signs = Signs::default();
            assert!((0..100).all(|_| !signs.needs_feeding(b"inactive\n", left)));
        }
    }

    #[test]
    fn one_whose_time_runs_out_is_fed() {
        let mut signs = Signs::default();
        let looks = [30, 28, 28, 26].map(|left| signs.needs_feeding(b"inactive", Some(left)));
        assert_eq!(looks, [false; 4]);
        assert!(signs.needs_feeding(b"inactive", Some(24)));
        // The kernel feeds this one.
        let mut signs = Signs::default();
        for left in [30, 28, 30, 29, 30, 28, 26, 30, 27] {
            assert!(!signs.needs_feeding(b"inactive", Some(left)));
        }
        // Its time cannot be read for a moment.
        let mut signs = Signs::default();
        for left in [Some(30), Some(28), Some(26), None, Some(24), Some(22)] {
            assert!(!signs.needs_feeding(b"inactive", left));
        }
    }
}
