// SPDX-License-Identifier: MIT OR Apache-2.0
//! One console: a terminal device with a buffer for its output.

use core::fmt::Write;

use heapless::{Deque, String};
use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::fs::{CWD, Mode, OFlags, openat};
use rustix::io::Errno;
use rustix::termios::{ControlModes, OptionalActions, tcgetattr, tcgetwinsize, tcsetattr};

use crate::escape::Escape;

/// Output that waits for a slow console, in bytes; about 16 seconds at 9600 baud.
const RING: usize = 16384;
/// A console that took nothing for this long, in milliseconds, is not waited for.
const STUCK: u64 = 1000;
/// How long a console that failed is left alone, in milliseconds.
const RETRY: u64 = 2000;

/// The name of a device below /dev.
pub type Name = String<32>;

pub struct Console {
    name: Name,
    device: Option<OwnedFd>,
    ring: Deque<u8, RING>,
    /// Bytes that were dropped since the device last took some.
    dropped: usize,
    /// When the device last accepted bytes, or the ring was empty.
    progress: u64,
    /// When it may be opened again.
    retry: u64,
    /// Whether Esc was pressed twice.
    escape: Escape,
}

impl Console {
    /// The console /dev/`name`, opened if the device exists already.
    pub fn new(name: Name, now: u64) -> Console {
        let mut console = Console {
            name,
            device: None,
            ring: Deque::new(),
            dropped: 0,
            progress: now,
            retry: now,
            escape: Escape::new(now),
        };
        console.reopen(now);
        console
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    /// The device, while it is open.
    pub fn device(&self) -> Option<BorrowedFd<'_>> {
        self.device.as_ref().map(AsFd::as_fd)
    }

    /// Opens the device if it is not open. It may come late (its driver is a
    /// module) or come back; the output of the meantime is in the ring.
    pub fn reopen(&mut self, now: u64) {
        if self.device.is_some() || now < self.retry {
            return;
        }
        let mut path = String::<40>::new();
        if write!(path, "/dev/{}", self.name).is_err() {
            return;
        }
        // Non-blocking: opening a serial line does not wait for a carrier,
        // and writing to a stuck one does not stop PID 1.
        let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::NONBLOCK | OFlags::CLOEXEC;
        match openat(CWD, path.as_str(), flags, Mode::empty()) {
            Ok(device) => {
                raw(device.as_fd());
                self.device = Some(device);
                self.progress = now;
                self.flush(now);
            }
            Err(_) => self.fail(now),
        }
    }

    fn fail(&mut self, now: u64) {
        self.device = None;
        self.retry = now.saturating_add(RETRY);
    }

    /// The number of the terminal behind the device: /dev/console and
    /// /dev/tty0 are other names of some terminal.
    pub fn terminal(&self) -> Option<u32> {
        const TIOCGDEV: rustix::ioctl::Opcode = 0x8004_5432;
        // SAFETY: TIOCGDEV (asm-generic/ioctls.h) writes one 32-bit number.
        let getter = unsafe { rustix::ioctl::Getter::<TIOCGDEV, u32>::new() };
        // SAFETY: the descriptor is open, and the request has no other effect.
        unsafe { rustix::ioctl::ioctl(self.device()?, getter) }.ok()
    }

    /// Its height and width in characters, if it knows them.
    pub fn size(&self) -> Option<(u16, u16)> {
        let size = tcgetwinsize(self.device()?).ok()?;
        (size.ws_row > 0 && size.ws_col > 0).then_some((size.ws_row, size.ws_col))
    }

    /// Has output that the device did not take yet.
    pub fn is_pending(&self) -> bool {
        self.device.is_some() && !self.ring.is_empty()
    }

    /// Has much output waiting, but still takes some: waiting for it makes sense.
    pub fn is_behind(&self, now: u64) -> bool {
        self.is_pending() && self.ring.len() > RING / 2 && !self.is_stuck(now)
    }

    /// Took no output for a while.
    pub fn is_stuck(&self, now: u64) -> bool {
        now.saturating_sub(self.progress) >= STUCK
    }

    /// Queues bytes and writes what the device takes. Never waits: when the
    /// queue is full its oldest bytes go, and a note says how many.
    pub fn put(&mut self, bytes: &[u8], now: u64) {
        if self.ring.is_empty() {
            self.progress = now;
        }
        for byte in bytes {
            if self.ring.is_full() {
                self.ring.pop_front();
                self.dropped = self.dropped.saturating_add(1);
            }
            let _ = self.ring.push_back(*byte);
        }
        self.flush(now);
    }

    /// Writes what the device takes now.
    pub fn flush(&mut self, now: u64) {
        while let Some(device) = &self.device {
            let (front, _) = self.ring.as_slices();
            if front.is_empty() {
                return;
            }
            match rustix::io::write(device, front) {
                Ok(0) | Err(Errno::AGAIN) => return,
                Ok(taken) => {
                    for _ in 0..taken {
                        self.ring.pop_front();
                    }
                    self.progress = now;
                    self.note_loss();
                }
                Err(Errno::INTR) => {}
                Err(_) => return self.fail(now),
            }
        }
    }

    /// Puts a note of how much was dropped in front of the next whole line.
    fn note_loss(&mut self) {
        if self.dropped == 0 {
            return;
        }
        let mut lost = core::mem::take(&mut self.dropped);
        let mut note = String::<80>::new();
        while let Some(byte) = self.ring.pop_front() {
            lost = lost.saturating_add(1);
            // A whole line next, and room for the note.
            if byte == b'\n' && self.ring.capacity() - self.ring.len() >= note.capacity() {
                break;
            }
        }
        let _ = write!(
            note,
            "\r\n[{lost} bytes are missing here: slow console]\r\n"
        );
        for byte in note.bytes().rev() {
            let _ = self.ring.push_front(byte);
        }
    }

    /// Reads what was typed; nothing typed is 0 bytes.
    pub fn read(&mut self, buffer: &mut [u8], now: u64) -> usize {
        let Some(device) = &self.device else { return 0 };
        match rustix::io::read(device, &mut *buffer) {
            Ok(got) => {
                self.escape.take(buffer.get(..got).unwrap_or_default(), now);
                got
            }
            Err(Errno::AGAIN | Errno::INTR) => 0,
            Err(_) => {
                self.fail(now);
                0
            }
        }
    }

    /// Begins to watch for Esc pressed twice.
    pub fn watch_escape(&mut self, now: u64) {
        self.escape = Escape::new(now);
    }

    /// Whether Esc was pressed twice since the watch began.
    pub fn is_escaped(&self, now: u64) -> bool {
        self.escape.is_complete(now)
    }

    /// Closes the device after a hang-up, which poll(2) would report for ever.
    pub fn hang_up(&mut self, now: u64) {
        self.fail(now);
    }
}

/// Switches to raw mode: the line discipline that programs see is that of the
/// pseudo-terminal. The speed stays as `console=` has set it.
fn raw(device: BorrowedFd<'_>) {
    if let Ok(mut modes) = tcgetattr(device) {
        modes.make_raw();
        modes.control_modes |= ControlModes::CLOCAL | ControlModes::CREAD;
        let _ = tcsetattr(device, OptionalActions::Now, &modes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::pipe::{PipeFlags, fcntl_setpipe_size, pipe_with};

    /// A console whose device is a pipe of one page that nobody reads yet.
    fn slow() -> (OwnedFd, Console) {
        let (reader, writer) = pipe_with(PipeFlags::NONBLOCK).unwrap();
        fcntl_setpipe_size(&writer, 4096).unwrap();
        let console = Console {
            name: Name::new(),
            device: Some(writer),
            ring: Deque::new(),
            dropped: 0,
            progress: 0,
            retry: 0,
            escape: Escape::new(0),
        };
        (reader, console)
    }

    fn drain(reader: &OwnedFd, console: &mut Console, now: u64) -> String<65536> {
        let mut text = String::new();
        let mut buffer = [0; 4096];
        loop {
            match rustix::io::read(reader, &mut buffer) {
                Ok(got) => text
                    .push_str(std::str::from_utf8(&buffer[..got]).unwrap())
                    .unwrap(),
                Err(Errno::AGAIN) if !console.is_pending() => return text,
                Err(_) => console.flush(now),
            }
        }
    }

    #[test]
    fn a_slow_console_gets_everything_that_fits() {
        let (reader, mut console) = slow();
        let mut expected = String::<65536>::new();
        for number in 0..1000 {
            let line = format!("line {number}\r\n");
            console.put(line.as_bytes(), 0);
            expected.push_str(&line).unwrap();
        }
        assert!(console.is_pending());
        assert_eq!(drain(&reader, &mut console, 1), expected);
    }

    #[test]
    fn a_stuck_console_loses_the_oldest_and_a_note_says_so() {
        let (reader, mut console) = slow();
        for number in 0..10_000 {
            console.put(format!("line {number}\r\n").as_bytes(), 5);
        }
        assert!(console.is_behind(5 + STUCK - 1));
        assert!(!console.is_behind(5 + STUCK), "stuck: nobody waits for it");
        let text = drain(&reader, &mut console, 9999);
        assert!(
            text.starts_with("line 0\r\n"),
            "what the device already had"
        );
        assert!(text.ends_with("\r\nline 9999\r\n"), "the newest");
        assert_eq!(text.matches("bytes are missing here").count(), 1);
        let (before, after) = text.split_once("slow console]\r\n").unwrap();
        assert!(
            after.starts_with("line "),
            "goes on with a whole line: {:?}",
            &after[..20]
        );
        let (before, note) = before.split_once("\r\n[").unwrap();
        let lost: usize = note.split(' ').next().unwrap().parse().unwrap();
        let all: usize = (0..10_000).map(|n| format!("line {n}\r\n").len()).sum();
        assert_eq!(
            before.len() + lost + after.len(),
            all,
            "every byte is accounted for"
        );
    }

    #[test]
    fn a_console_that_is_gone_comes_back_later() {
        let (reader, mut console) = slow();
        drop(reader);
        console.put(b"x", 10);
        assert!(console.device().is_none());
        console.name.push_str("null").unwrap();
        console.reopen(11);
        assert!(console.device().is_none(), "not at once");
        console.reopen(10 + RETRY);
        assert!(console.device().is_some());
        assert!(!console.is_pending(), "the byte that it missed is out");
    }
}
