// SPDX-License-Identifier: MIT OR Apache-2.0
//! Signals of PID 1: children and Ctrl-Alt-Del come through a descriptor.

use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::io::Errno;

use crate::kernel;

/// SIGINT: what the kernel sends PID 1 for Ctrl-Alt-Del.
const INTERRUPT: u32 = 2;
const SIGPIPE: u32 = 13;
const SIGCHLD: u32 = 17;

/// SIGILL, SIGTRAP, SIGABRT, SIGBUS, SIGFPE, SIGSEGV: faults of /init itself.
pub const FAULTS: [i32; 6] = [4, 5, 6, 7, 8, 11];

/// The signals that arrive by descriptor.
pub struct Signals {
    descriptor: OwnedFd,
}

fn bit(number: u32) -> kernel::Mask {
    1 << (number - 1)
}

impl Signals {
    /// Blocks what is read here and opens the descriptor.
    ///
    /// # Errors
    ///
    /// What signalfd(2) says.
    pub fn open() -> Result<Signals, Errno> {
        let read = bit(INTERRUPT) | bit(SIGCHLD);
        kernel::block(read | bit(SIGPIPE));
        Ok(Signals {
            descriptor: kernel::signal_descriptor(read)?,
        })
    }

    /// Whether Ctrl-Alt-Del was pressed since the last call. Empties the queue.
    pub fn interrupted(&self) -> bool {
        let mut interrupted = false;
        // struct signalfd_siginfo: 128 bytes, the first word is the number.
        let mut info = [0_u8; 128];
        while let Ok(128) = rustix::io::read(&self.descriptor, &mut info) {
            let [a, b, c, d, ..] = info;
            interrupted |= u32::from_ne_bytes([a, b, c, d]) == INTERRUPT;
        }
        interrupted
    }
}

impl AsFd for Signals {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.descriptor.as_fd()
    }
}

/// In a child, before exec: signals do what a program expects.
pub fn reset_in_child() {
    for number in FAULTS {
        kernel::default_action(number);
    }
    kernel::block(0);
}
