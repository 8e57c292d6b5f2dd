// SPDX-License-Identifier: MIT OR Apache-2.0
//! The kernel's log: written by /dev/kmsg, and how much of
//! it the kernel puts on the consoles by itself.

use heapless::String;
use rustix::fd::OwnedFd;
use rustix::fs::{CWD, Mode, OFlags, openat};

use crate::cmdline::Options;
use crate::file;

/// The log, opened for writing.
pub struct Kmsg {
    descriptor: Option<OwnedFd>,
}

impl Kmsg {
    /// Opens /dev/kmsg; without it every message is dropped.
    pub fn open() -> Kmsg {
        let flags = OFlags::WRONLY | OFlags::CLOEXEC | OFlags::NONBLOCK;
        Kmsg {
            descriptor: openat(CWD, c"/dev/kmsg", flags, Mode::empty()).ok(),
        }
    }

    /// Writes one line, at the level "notice": after [`quiet`] the kernel does
    /// not repeat it on the consoles, where /init writes it itself.
    pub fn line(&self, text: &str) {
        let Some(descriptor) = &self.descriptor else {
            return;
        };
        let _ = rustix::io::write(descriptor, record(text).as_bytes());
    }
}

/// A line as /dev/kmsg takes it, cut if it is too long. With a line feed: the
/// kernel holds a record without one back until the next one comes.
fn record(text: &str) -> String<1000> {
    let mut record = String::new();
    let _ = record.push_str("<5>replant: ");
    for character in text.chars() {
        if record.len() + character.len_utf8() >= record.capacity() {
            break;
        }
        let _ = record.push(character);
    }
    let _ = record.push('\n');
    record
}

/// Makes the kernel keep its chatter off the consoles, where it would tear the
/// progress display: errors and worse are still shown, and everything stays in
/// the log. Does nothing when the command line chose a level.
///
/// Also lifts the rate limit of /dev/kmsg, which would drop lines of the log; the
/// kernel takes "on" with a line feed only.
pub fn quiet(options: Options) {
    let _ = file::write(c"/proc/sys/kernel/printk_devkmsg", b"on\n");
    if !options.debug && !options.loglevel {
        let _ = file::write(c"/proc/sys/kernel/printk", b"4");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn written_records() {
        assert_eq!(record("a b"), "<5>replant: a b\n");
        for length in 1900..2100 {
            let long = "x".repeat(length % 2) + &"\u{e4}".repeat(length / 2);
            let record = record(&long);
            assert!(record.len() >= 998 && record.ends_with("\u{e4}\n"));
        }
    }
}
