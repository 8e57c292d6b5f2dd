// SPDX-License-Identifier: MIT OR Apache-2.0
//! What connects a program's standard input and output with the consoles: a
//! pseudo-terminal, or plain pipes where there is none.

use core::fmt::Write;

use heapless::{Deque, String};
use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::fs::{CWD, Mode, OFlags, openat};
use rustix::io::Errno;
use rustix::pipe::{PipeFlags, pipe_with};
use rustix::termios::{
    InputModes, LocalModes, OptionalActions, Winsize, tcgetattr, tcsetattr, tcsetwinsize,
};

use crate::consoles::Consoles;
use crate::line::{Key, Line};

/// Keys that the program did not take yet; more are lost.
const KEYS: usize = 4096;

/// The two sorts of connection. Their descriptors stay open over an exec of
/// /init itself, so that a failure of /init does not end the program.
#[derive(Debug)]
pub enum Channel {
    /// A pseudo-terminal. The slave is held open, so that the master does not
    /// report a hang-up when the program closes it.
    Terminal {
        /// Our end.
        master: OwnedFd,
        /// The program's end.
        slave: OwnedFd,
    },
    /// Two pipes.
    Pipes {
        /// What the program says; our end.
        output: OwnedFd,
        /// What the program reads; our end.
        input: OwnedFd,
    },
}

/// A connection to a running program.
pub struct Link {
    channel: Channel,
    keys: Deque<u8, KEYS>,
    /// The program closed its side: poll(2) would say so for ever.
    ended: bool,
    /// Pipes have no line discipline: the line is edited here.
    line: Line,
}

/// The program's side of a connection, used in the child only.
pub enum Side {
    /// The slave of a pseudo-terminal.
    Terminal(OwnedFd),
    /// Ends of pipes: standard input, standard output.
    Pipes(OwnedFd, OwnedFd),
}

/// What the keys Ctrl-C, Ctrl-\, Ctrl-Z and Ctrl-S do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keys {
    /// They are characters: nobody ends or stops a migration by a key.
    Plain,
    /// They interrupt, quit, suspend and hold, as on every terminal.
    Signals,
}

/// Makes a connection: a pseudo-terminal of `size` (rows, columns), or pipes
/// where that fails.
///
/// # Errors
///
/// What pipe(2) says.
pub fn open(size: (u16, u16), keys: Keys) -> Result<(Link, Side), Errno> {
    let (channel, side) = match terminal(size, keys) {
        Ok((master, slave, theirs)) => {
            (Channel::Terminal { master, slave }, Side::Terminal(theirs))
        }
        Err(_) => {
            let (output, stdout) = pipe_with(PipeFlags::empty())?;
            let (stdin, input) = pipe_with(PipeFlags::empty())?;
            for ours in [&output, &input] {
                rustix::fs::fcntl_setfl(ours, OFlags::NONBLOCK)?;
            }
            (Channel::Pipes { output, input }, Side::Pipes(stdin, stdout))
        }
    };
    Ok((Link::new(channel), side))
}

fn terminal((rows, columns): (u16, u16), keys: Keys) -> Result<(OwnedFd, OwnedFd, OwnedFd), Errno> {
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
    let theirs = rustix::io::dup(&slave)?;
    Ok((master, slave, theirs))
}

impl Link {
    /// A link over a channel that is open.
    pub fn new(channel: Channel) -> Link {
        Link {
            channel,
            keys: Deque::new(),
            ended: false,
            line: Line::new(),
        }
    }

    /// The channel, for who hands it on.
    pub fn channel(&self) -> &Channel {
        &self.channel
    }

    /// Where the program's output comes from.
    pub fn output(&self) -> BorrowedFd<'_> {
        match &self.channel {
            Channel::Terminal { master, .. } => master.as_fd(),
            Channel::Pipes { output, .. } => output.as_fd(),
        }
    }

    /// Where its input goes to.
    pub fn input(&self) -> BorrowedFd<'_> {
        match &self.channel {
            Channel::Terminal { master, .. } => master.as_fd(),
            Channel::Pipes { input, .. } => input.as_fd(),
        }
    }

    /// Nothing more will come out of it.
    pub fn is_ended(&self) -> bool {
        self.ended
    }

    /// There are keys that the program did not take yet.
    pub fn has_keys(&self) -> bool {
        !self.keys.is_empty()
    }

    /// Takes keys that were typed on some console.
    pub fn typed(&mut self, bytes: &[u8], consoles: &mut Consoles) {
        if matches!(self.channel, Channel::Terminal { .. }) {
            for byte in bytes {
                let _ = self.keys.push_back(*byte);
            }
            return;
        }
        for byte in bytes {
            if edit(&mut self.line, *byte, consoles) {
                for byte in self.line.take().iter().chain(b"\n") {
                    let _ = self.keys.push_back(*byte);
                }
            }
        }
    }

    /// Gives the program what keys it takes now.
    pub fn flush_keys(&mut self) {
        loop {
            let (front, _) = self.keys.as_slices();
            if front.is_empty() {
                return;
            }
            match rustix::io::write(self.input(), front) {
                Ok(taken @ 1..) => {
                    for _ in 0..taken {
                        self.keys.pop_front();
                    }
                }
                Err(Errno::INTR) => {}
                Ok(0) | Err(Errno::AGAIN) => return,
                // Nobody reads, and nobody will.
                Err(_) => return self.keys.clear(),
            }
        }
    }

    /// Shows on the consoles what the program said. Returns whether it said
    /// something.
    pub fn show(&mut self, consoles: &mut Consoles) -> bool {
        let mut buffer = [0; 2048];
        let got = match rustix::io::read(self.output(), &mut buffer) {
            Ok(got @ 1..) => got,
            Err(Errno::AGAIN | Errno::INTR) => return false,
            Ok(0) | Err(_) => {
                self.ended = true;
                return false;
            }
        };
        let said = buffer.get(..got).unwrap_or_default();
        match self.channel {
            Channel::Terminal { .. } => consoles.put(said),
            Channel::Pipes { .. } => consoles.put_text(said),
        }
        true
    }
}

/// Edits `line` by one key, with the echo on all consoles; true when it is done.
pub fn edit(line: &mut Line, byte: u8, consoles: &mut Consoles) -> bool {
    match line.key(byte) {
        Key::Nothing => {}
        Key::Echo(byte) => consoles.put(&[byte]),
        Key::Rub(count) => {
            for _ in 0..count {
                consoles.put(b"\x08 \x08");
            }
        }
        Key::Done => {
            consoles.put(b"\r\n");
            return true;
        }
    }
    false
}
