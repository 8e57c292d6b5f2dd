// SPDX-License-Identifier: MIT OR Apache-2.0
//! All consoles together: each gets all output, and input comes from any.

use core::fmt;

use heapless::Vec;
use rustix::event::{PollFd, PollFlags};

use crate::console::{Console, Name};
use crate::line_editor::Edit;
use crate::{cmdline, file, kernel};

/// Most consoles that are served.
pub const MOST: usize = 8;

pub struct Consoles {
    list: Vec<Console, MOST>,
}

impl Consoles {
    /// The consoles that the command line names, in its order, and those that
    /// the kernel has by itself (`active`: what /sys/class/tty/console/active
    /// says: no `console=` at all, or one that firmware tables named).
    /// /dev/console when there is none of them.
    pub fn open(line: &[u8], active: &[u8]) -> Consoles {
        let now = kernel::milliseconds();
        let mut consoles = Consoles { list: Vec::new() };
        for name in cmdline::consoles(line) {
            consoles.add(name, now, true);
        }
        for name in active.split(u8::is_ascii_whitespace) {
            consoles.add(name, now, false);
        }
        if !consoles
            .list
            .iter()
            .any(|console| console.device().is_some())
        {
            consoles.add(b"console", now, true);
        }
        consoles
    }

    /// Adds a console, unless its terminal is there by another name. With
    /// `keep`, one whose device is not there yet is tried again later.
    fn add(&mut self, name: &[u8], now: u64, keep: bool) {
        let Ok(name) = core::str::from_utf8(name) else {
            return;
        };
        let Ok(name) = Name::try_from(name) else {
            return;
        };
        if name.is_empty() || self.list.iter().any(|other| other.name() == name) {
            return;
        }
        let console = Console::new(name, now);
        let terminal = console.terminal();
        let known =
            terminal.is_some() && self.list.iter().any(|other| other.terminal() == terminal);
        if !known && (keep || console.device().is_some()) {
            let _ = self.list.push(console);
        }
    }

    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.list.iter().map(Console::name)
    }

    /// Puts bytes on every console; never waits.
    pub fn put(&mut self, bytes: &[u8]) {
        let now = kernel::milliseconds();
        for console in &mut self.list {
            console.put(bytes, now);
        }
    }

    /// Puts text on every console with LF as CR LF; never waits.
    pub fn put_text(&mut self, text: &[u8]) {
        for (index, line) in text.split(|b| *b == b'\n').enumerate() {
            if index > 0 {
                self.put(b"\r\n");
            }
            self.put(line);
        }
    }

    /// Shows what a key did to a line that is typed.
    pub fn echo(&mut self, edit: &Edit) {
        match *edit {
            Edit::Nothing => {}
            Edit::Echo(byte) => self.put(&[byte]),
            Edit::Erase(count) => {
                for _ in 0..count {
                    self.put(b"\x08 \x08");
                }
            }
            Edit::Complete => self.put(b"\r\n"),
        }
    }

    /// Some console is behind and still takes output.
    pub fn is_behind(&self) -> bool {
        let now = kernel::milliseconds();
        self.list.iter().any(|console| console.is_behind(now))
    }

    /// Some console has output waiting, and still takes some.
    pub fn is_draining(&self) -> bool {
        let now = kernel::milliseconds();
        self.list
            .iter()
            .any(|console| console.is_pending() && !console.is_stuck(now))
    }

    /// Opens consoles that are closed, and writes what they take now.
    pub fn service(&mut self) {
        let now = kernel::milliseconds();
        for console in &mut self.list {
            console.reopen(now);
            console.flush(now);
        }
    }

    /// Adds every open console to what poll(2) waits for.
    pub fn add_to_poll<'a, const N: usize>(&'a self, set: &mut Vec<PollFd<'a>, N>) {
        for console in &self.list {
            if let Some(device) = console.device() {
                let mut flags = PollFlags::IN;
                flags.set(PollFlags::OUT, console.is_pending());
                let _ = set.push(PollFd::from_borrowed_fd(device, flags));
            }
        }
    }

    /// Takes the answers of poll(2), in the order of [`Self::add_to_poll`]:
    /// reads what was typed and gives it to `typed`.
    pub fn read_typed(&mut self, answers: &[PollFlags], mut typed: impl FnMut(&[u8])) {
        let now = kernel::milliseconds();
        let open = self
            .list
            .iter_mut()
            .filter(|console| console.device().is_some());
        for (console, answer) in open.zip(answers) {
            if answer.contains(PollFlags::IN) {
                let mut buffer = [0; 256];
                let got = console.read(&mut buffer, now);
                typed(buffer.get(..got).unwrap_or_default());
            }
            if answer.intersects(PollFlags::HUP | PollFlags::ERR | PollFlags::NVAL) {
                console.hang_up(now);
            }
        }
    }

    /// Begins to watch for Esc pressed twice on one of them.
    pub fn watch_escape(&mut self) {
        let now = kernel::milliseconds();
        for console in &mut self.list {
            console.watch_escape(now);
        }
    }

    /// Whether Esc was pressed twice on one of them since the watch began.
    pub fn is_escaped(&self) -> bool {
        let now = kernel::milliseconds();
        self.list.iter().any(|console| console.is_escaped(now))
    }

    /// The size of the pseudo-terminal, rows and columns: what fits on every
    /// console that knows its size; 24 by 80 if none does.
    pub fn size(&self) -> (u16, u16) {
        let sizes = self.list.iter().filter_map(Console::size);
        sizes
            .reduce(|a, b| (a.0.min(b.0), a.1.min(b.1)))
            .unwrap_or((24, 80))
    }

    /// Whether a screen of this machine is among the consoles (for TERM).
    pub fn has_screen(&self) -> bool {
        self.names().any(|name| {
            name.strip_prefix("tty")
                .is_some_and(|n| n.bytes().all(|b| b.is_ascii_digit()))
        })
    }
}

impl fmt::Write for Consoles {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.put_text(text.as_bytes());
        Ok(())
    }
}

/// Reads the command line and the kernel's list and opens the consoles.
pub fn open(line: &[u8]) -> Consoles {
    let mut active = [0_u8; 256];
    let active = file::read(c"/sys/class/tty/console/active", &mut active).unwrap_or_default();
    Consoles::open(line, active)
}
