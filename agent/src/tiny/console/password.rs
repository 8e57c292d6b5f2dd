// SPDX-License-Identifier: MIT OR Apache-2.0
//! The question for the console's password.
//!
//! Whoever uses the console is root there, with access to the old disk. A package
//! may therefore ask for a password (`[console] password`). `stage` has put its
//! hash into a file of the initramfs, so that it is in force however the tiny
//! system is started, and before the old disk is found.

use crate::password::is_password;
use crate::paths;
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use std::io::{self, BufRead, Write};
use std::path::Path;
use std::time::Duration;

/// The pause after a wrong password.
pub(super) const PAUSE: Duration = Duration::from_secs(2);

/// The console's lock.
pub(super) struct Lock {
    /// The hash; `None` when no password was asked for.
    hash: Option<String>,
    open: bool,
}

impl Lock {
    /// The lock of the tiny system below `root`. A hash file that cannot be read
    /// locks, too: no password fits then.
    pub(super) fn read(root: &Path) -> Lock {
        let path = root.join(paths::CONSOLE_PASSWORD.trim_start_matches('/'));
        let hash = match std::fs::read_to_string(path) {
            Ok(text) => Some(text.trim_end_matches('\n').to_string()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(_) => Some(String::new()),
        };
        Lock {
            open: hash.is_none(),
            hash,
        }
    }

    pub(super) fn is_open(&self) -> bool {
        self.open
    }

    /// Locks again; false when there is no password.
    pub(super) fn close(&mut self) -> bool {
        self.open = self.hash.is_none();
        !self.open
    }

    /// Asks for the password, once.
    pub(super) fn ask(
        &mut self,
        pause: Duration,
        input: &mut dyn BufRead,
        output: &mut dyn Write,
    ) -> io::Result<bool> {
        write!(output, "password: ")?;
        output.flush()?;
        let mut typed = Vec::new();
        {
            let _silent = Silent::new();
            input.read_until(b'\n', &mut typed)?;
        }
        writeln!(output)?;
        if typed.last() == Some(&b'\n') {
            typed.pop();
        }
        let hash = self.hash.as_deref().unwrap_or_default();
        self.open = is_password(hash, &typed);
        typed.fill(0);
        if !self.open {
            std::thread::sleep(pause);
            writeln!(output, "wrong password; without it: status, log, reboot")?;
        }
        Ok(self.open)
    }
}

/// Switches the terminal's echo off while this value lives. Standard input may be
/// no terminal; then there is no echo.
struct Silent(Option<Termios>);

impl Silent {
    fn new() -> Silent {
        let modes = tcgetattr(io::stdin()).ok();
        if let Some(mut silent) = modes.clone() {
            silent.local_modes.remove(LocalModes::ECHO);
            // Not flushed: what was typed ahead is part of the answer.
            let _ = tcsetattr(io::stdin(), OptionalActions::Drain, &silent);
        }
        Silent(modes)
    }
}

impl Drop for Silent {
    fn drop(&mut self) {
        if let Some(modes) = &self.0 {
            let _ = tcsetattr(io::stdin(), OptionalActions::Drain, modes);
        }
    }
}
