// SPDX-License-Identifier: MIT OR Apache-2.0
//! The pseudo-terminal that connects a program with all consoles.

use core::fmt::Write;

use heapless::{Deque, String};
use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::fs::{CWD, Mode, OFlags, openat};
use rustix::io::Errno;
use rustix::termios::{
    InputModes, LocalModes, OptionalActions, Winsize, tcgetattr, tcsetattr, tcsetwinsize,
};

use crate::consoles::Consoles;

/// Keys that the program did not take yet; more are lost.
const KEYS: usize = 4096;

/// Output that is kept while a question stands on the consoles, in bytes.
const HELD: usize = 4096;

/// A pseudo-terminal with a program on it. Its descriptors stay open over an
/// exec of /init itself, so that a failure of /init does not end the program.
pub struct Pty {
    master: OwnedFd,
    /// Held open, so that the master does not report a hang-up when the
    /// program closes its own.
    slave: OwnedFd,
    keys: Deque<u8, KEYS>,
    /// The slave is closed everywhere: poll(2) would say so for ever.
    ended: bool,
    /// While a question stands on the consoles, the program's output is kept
    /// here; of too much, the newest.
    held: Option<Deque<u8, HELD>>,
}

/// What the keys Ctrl-C, Ctrl-\, Ctrl-Z and Ctrl-S do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keys {
    /// They are characters: nobody ends or stops a migration by a key.
    Plain,
    /// They interrupt, quit, suspend and hold, as on every terminal.
    Signals,
}

impl Pty {
    /// Makes one of `size` (rows, columns).
    ///
    /// # Errors
    ///
    /// What open(2) of /dev/ptmx or of the slave says, and the ioctls of both.
    pub fn open((rows, columns): (u16, u16), keys: Keys) -> Result<Pty, Errno> {
        let flags = OFlags::RDWR | OFlags::NOCTTY;
        let master = openat(CWD, c"/dev/ptmx", flags | OFlags::NONBLOCK, Mode::empty())?;
        rustix::pty::unlockpt(&master)?;
        const TIOCGPTN: rustix::ioctl::Opcode = 0x8004_5430;
        // SAFETY: TIOCGPTN (asm-generic/ioctls.h) writes one 32-bit number.
        let getter = unsafe { rustix::ioctl::Getter::<TIOCGPTN, u32>::new() };
        // SAFETY: the descriptor is open, and the request has no other effect.
        let number = unsafe { rustix::ioctl::ioctl(&master, getter) }?;
        let mut path = String::<24>::new();
        write!(path, "/dev/pts/{number}").map_err(|_| Errno::NAMETOOLONG)?;
        let slave = openat(CWD, path.as_str(), flags, Mode::empty())?;
        tcsetwinsize(
            &slave,
            Winsize {
                ws_row: rows,
                ws_col: columns,
                ws_xpixel: 0,
                ws_ypixel: 0,
            },
        )?;
        if keys == Keys::Plain {
            let mut modes = tcgetattr(&slave)?;
            modes.local_modes -= LocalModes::ISIG;
            modes.input_modes -= InputModes::IXON;
            tcsetattr(&slave, OptionalActions::Now, &modes)?;
        }
        Ok(Pty::new(master, slave))
    }

    /// One that is open.
    pub fn new(master: OwnedFd, slave: OwnedFd) -> Pty {
        Pty {
            master,
            slave,
            keys: Deque::new(),
            ended: false,
            held: None,
        }
    }

    /// Our side: the program's output is read here, and its input written.
    pub fn master(&self) -> BorrowedFd<'_> {
        self.master.as_fd()
    }

    /// The program's side.
    pub fn slave(&self) -> BorrowedFd<'_> {
        self.slave.as_fd()
    }

    /// In the child: makes it the controlling terminal of a new session, and
    /// the standard descriptors, and closes everything else of it.
    ///
    /// # Errors
    ///
    /// What setsid(2), ioctl(2) or dup2(2) says.
    pub fn attach(self) -> Result<(), Errno> {
        rustix::process::setsid()?;
        rustix::process::ioctl_tiocsctty(&self.slave)?;
        rustix::stdio::dup2_stdin(&self.slave)?;
        rustix::stdio::dup2_stdout(&self.slave)?;
        rustix::stdio::dup2_stderr(&self.slave)
    }

    /// Nothing more will come out of it.
    pub fn is_ended(&self) -> bool {
        self.ended
    }

    /// There are keys that the program did not take yet.
    pub fn has_keys(&self) -> bool {
        !self.keys.is_empty()
    }

    /// Gives the program keys that were typed on some console, as far as it
    /// takes them now.
    pub fn type_in(&mut self, bytes: &[u8]) {
        for byte in bytes {
            let _ = self.keys.push_back(*byte);
        }
        self.flush_keys();
    }

    /// Gives the program the keys that it takes now.
    pub fn flush_keys(&mut self) {
        loop {
            let (front, _) = self.keys.as_slices();
            if front.is_empty() {
                return;
            }
            match rustix::io::write(&self.master, front) {
                Ok(taken @ 1..) => {
                    for _ in 0..taken {
                        self.keys.pop_front();
                    }
                }
                Err(Errno::INTR) => {}
                Ok(0) | Err(Errno::AGAIN) => return,
                // The program's side is closed for good.
                Err(_) => return self.keys.clear(),
            }
        }
    }

    /// Copies output of the program to the consoles. Returns whether there
    /// was some.
    pub fn copy_output(&mut self, consoles: &mut Consoles) -> bool {
        let mut buffer = [0; 2048];
        let got = match rustix::io::read(&self.master, &mut buffer) {
            Ok(got @ 1..) => got,
            Err(Errno::AGAIN | Errno::INTR) => return false,
            Ok(0) | Err(_) => {
                self.ended = true;
                return false;
            }
        };
        let output = buffer.get(..got).unwrap_or_default();
        match &mut self.held {
            Some(held) => {
                for byte in output {
                    if held.is_full() {
                        held.pop_front();
                    }
                    let _ = held.push_back(*byte);
                }
            }
            None => consoles.put(output),
        }
        true
    }

    /// Keeps the program's output back from now on.
    pub fn hold_output(&mut self) {
        self.held.get_or_insert_default();
    }

    /// Shows the output that was held, and what comes.
    pub fn release_output(&mut self, consoles: &mut Consoles) {
        if let Some(held) = self.held.take() {
            let (one, two) = held.as_slices();
            consoles.put(one);
            consoles.put(two);
        }
    }
}
