// SPDX-License-Identifier: MIT OR Apache-2.0
//! The console inside /init: a handful of commands for when /bin/replant
//! cannot run.

use core::ffi::CStr;
use core::fmt::Write;
use core::mem::MaybeUninit;

use contract::kmsg::Record;
use contract::path::CONSOLE_PASSWORD;
use heapless::{String, Vec};
use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, RawDir, openat, statat};
use rustix::io::Errno;

use crate::errno;
use crate::line_editor::{Edit, LENGTH, LineEditor};
use crate::system::{Pace, System, must_stay, past_no_return};
use crate::unattended::Unattended;
use crate::verdict::Verdict;

#[derive(Debug, PartialEq, Eq)]
pub enum Command<'a> {
    /// An empty line.
    Nothing,
    Help,
    Reboot {
        /// Do it whatever state the disk is in.
        now: bool,
    },
    PowerOff {
        /// Do it whatever state the disk is in.
        now: bool,
    },
    Agent,
    Console,
    Cat(&'a str),
    Ls(&'a str),
    Dmesg,
    Unknown(&'a str),
}

impl<'a> Command<'a> {
    /// Whether the command needs the recovery console's password. /init cannot
    /// verify one, so commands that show files or go on are refused then.
    fn needs_password(&self) -> bool {
        use Command::{Agent, Cat, Dmesg, Ls, PowerOff};
        matches!(self, Agent | Cat(_) | Ls(_) | Dmesg | PowerOff { .. })
    }

    /// Reads a line. Names cannot contain blanks here.
    pub fn parse(line: &'a str) -> Command<'a> {
        let mut words = line.split_ascii_whitespace();
        let name = words.next().unwrap_or("");
        match (name, words.next(), words.next()) {
            ("", _, _) => Command::Nothing,
            ("help" | "?", _, _) => Command::Help,
            ("reboot", None, _) => Command::Reboot { now: false },
            ("reboot", Some("now"), None) => Command::Reboot { now: true },
            ("poweroff", None, _) => Command::PowerOff { now: false },
            ("poweroff", Some("now"), None) => Command::PowerOff { now: true },
            ("agent", None, _) => Command::Agent,
            ("console", None, _) => Command::Console,
            ("cat", Some(file), None) => Command::Cat(file),
            ("ls", None, _) => Command::Ls("."),
            ("ls", Some(directory), None) => Command::Ls(directory),
            ("dmesg", None, _) => Command::Dmesg,
            _ => Command::Unknown(name),
        }
    }
}

const HELP: &str = "\
help            these lines
agent           start the migration program again (/bin/replant tiny)
console         start the full recovery console (/bin/replant console)
cat FILE        show a file
ls [DIR]        list a directory
dmesg           show the kernel's log
reboot          reboot
poweroff        switch the machine off
";

/// Runs the console until somebody asks for something else.
pub fn run(system: &mut System) -> Verdict {
    let _ = writeln!(system.consoles, "\n{}", contract::mark::INIT);
    let mut line = LineEditor::new();
    let mut unattended = Unattended::new(system);
    loop {
        prompt(system);
        let text = match read_line(system, &mut line, &mut unattended) {
            Ok(text) => text,
            Err(verdict) => return verdict,
        };
        let text = core::str::from_utf8(&text).unwrap_or("");
        if let Some(verdict) = execute(system, Command::parse(text)) {
            return verdict;
        }
    }
}

fn prompt(system: &mut System) {
    let _ = system.consoles.write_str("init> ");
}

/// Waits for a line, for Ctrl-Alt-Del while a reboot does no harm, or until
/// nobody has come for too long.
fn read_line(
    system: &mut System,
    line: &mut LineEditor,
    unattended: &mut Unattended,
) -> Result<Vec<u8, LENGTH>, Verdict> {
    loop {
        let events = system.wait(None, Pace::Free, 1000);
        system.reap(None);
        if events.interrupted {
            match may_shut_down(system, false, "reboot") {
                true => return Err(Verdict::Reboot),
                false => prompt(system),
            }
        }
        if unattended.is_over(system, &events.typed, false) {
            return Err(Verdict::Reboot);
        }
        for byte in events.typed {
            let edit = line.key(byte);
            system.consoles.echo(&edit);
            if edit == Edit::Complete {
                // Input behind Enter is dropped; nobody pastes here.
                return Ok(line.take());
            }
        }
    }
}

/// Refuses a shutdown while the disk is half written, unless `now` was typed, or
/// the machine continues by itself afterwards.
fn may_shut_down(system: &mut System, now: bool, command: &str) -> bool {
    if now || !past_no_return() || (system.options.resumes && !must_stay()) {
        return true;
    }
    let _ = write!(
        system.consoles,
        "The disk is half rewritten, and this machine may not boot from it. `agent` goes on\n\
         with the migration; `{command} now` does it all the same.\n"
    );
    false
}

/// Whether the recovery console has a password. An error counts as yes.
fn has_password() -> bool {
    statat(CWD, CONSOLE_PASSWORD, AtFlags::SYMLINK_NOFOLLOW).err() != Some(Errno::NOENT)
}

fn execute(system: &mut System, command: Command<'_>) -> Option<Verdict> {
    if command.needs_password() && has_password() {
        let _ = system.consoles.write_str(
            "The recovery console has a password: here only console and reboot are possible.\n",
        );
        return None;
    }
    let result = match command {
        Command::Nothing => Ok(()),
        Command::Help => {
            let _ = system.consoles.write_str(HELP);
            Ok(())
        }
        Command::Reboot { now } => {
            return may_shut_down(system, now, "reboot").then_some(Verdict::Reboot);
        }
        Command::PowerOff { now } => {
            return may_shut_down(system, now, "poweroff").then_some(Verdict::PowerOff);
        }
        Command::Agent => return Some(Verdict::Agent),
        Command::Console => return Some(Verdict::Console),
        Command::Cat(file) => cat(system, file),
        Command::Ls(directory) => ls(system, directory),
        Command::Dmesg => dmesg(system),
        Command::Unknown(name) => {
            let _ = writeln!(system.consoles, "{name}: not understood. Type help.");
            Ok(())
        }
    };
    if let Err(errno) = result {
        let number = errno.raw_os_error();
        let _ = writeln!(
            system.consoles,
            "failed: {} (errno {number})",
            errno::meaning(number)
        );
    }
    None
}

/// Shows text that may be long: waits for slow consoles, and stops at Ctrl-C.
fn show(system: &mut System, text: &[u8]) -> Result<(), Errno> {
    for piece in text.chunks(256) {
        let mut clean = Vec::<u8, 256>::new();
        for byte in piece {
            let byte = if matches!(byte, b'\n' | b'\t' | b' '..=b'~') {
                *byte
            } else {
                b'?'
            };
            let _ = clean.push(byte);
        }
        system.consoles.put_text(&clean);
        loop {
            let events = system.wait(None, Pace::Slowest, 0);
            if events.typed.contains(&0x03) {
                return Err(Errno::INTR);
            }
            if !system.consoles.is_behind() {
                break;
            }
            system.wait(None, Pace::Slowest, 20);
        }
    }
    Ok(())
}

fn open(path: &str, flags: OFlags) -> Result<rustix::fd::OwnedFd, Errno> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOCTTY | OFlags::NONBLOCK | flags;
    openat(CWD, path, flags, Mode::empty())
}

fn cat(system: &mut System, path: &str) -> Result<(), Errno> {
    let file = open(path, OFlags::empty())?;
    let mut buffer = [0; 1024];
    loop {
        match rustix::io::read(&file, &mut buffer)? {
            0 => break,
            got => show(system, buffer.get(..got).unwrap_or_default())?,
        }
    }
    show(system, b"\n")
}

fn ls(system: &mut System, path: &str) -> Result<(), Errno> {
    let directory = open(path, OFlags::DIRECTORY)?;
    let mut buffer = [MaybeUninit::uninit(); 2048];
    let mut entries = RawDir::new(&directory, &mut buffer);
    while let Some(entry) = entries.next() {
        let entry = entry?;
        let name: &CStr = entry.file_name();
        if name == c"." || name == c".." {
            continue;
        }
        let status = statat(&directory, name, AtFlags::SYMLINK_NOFOLLOW);
        let (size, mark) = match status.map(|s| (s.st_size, FileType::from_raw_mode(s.st_mode))) {
            Ok((size, FileType::RegularFile)) => (size, ""),
            Ok((_, FileType::Directory)) => (0, "/"),
            Ok((_, FileType::Symlink)) => (0, "@"),
            Ok((_, FileType::BlockDevice)) => (0, " (disk)"),
            _ => (0, " (special)"),
        };
        let mut line = String::<32>::new();
        let _ = write!(line, "{size:12} ");
        show(system, line.as_bytes())?;
        show(system, name.to_bytes())?;
        show(system, mark.as_bytes())?;
        show(system, b"\n")?;
    }
    Ok(())
}

fn dmesg(system: &mut System) -> Result<(), Errno> {
    let log = open("/dev/kmsg", OFlags::empty())?;
    // One read(2) is one record, at most 8 KiB.
    let mut buffer = [0; 8192];
    loop {
        match rustix::io::read(&log, &mut buffer) {
            Ok(got @ 1..) => {
                let record = buffer.get(..got).unwrap_or_default();
                if let Some(record) = Record::parse(record) {
                    let mut stamp = String::<24>::new();
                    let _ = write!(stamp, "{} ", record.stamp);
                    show(system, stamp.as_bytes())?;
                    show(system, record.text)?;
                    show(system, b"\n")?;
                }
            }
            // Overwritten while it was read: the next record is the oldest.
            Err(Errno::PIPE) => {}
            Ok(0) | Err(Errno::AGAIN) => return Ok(()),
            Err(error) => return Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_refused_without_a_password() {
        for line in ["agent", "cat /x", "ls", "dmesg", "poweroff", "poweroff now"] {
            assert!(Command::parse(line).needs_password(), "{line}");
        }
        for line in ["", "help", "reboot", "reboot now", "console", "x"] {
            assert!(!Command::parse(line).needs_password(), "{line}");
        }
    }

    #[test]
    fn commands() {
        for (line, command) in [
            ("", Command::Nothing),
            ("   ", Command::Nothing),
            ("help", Command::Help),
            ("?", Command::Help),
            (" reboot ", Command::Reboot { now: false }),
            ("reboot now", Command::Reboot { now: true }),
            ("reboot later", Command::Unknown("reboot")),
            ("poweroff now", Command::PowerOff { now: true }),
            ("poweroff", Command::PowerOff { now: false }),
            ("agent", Command::Agent),
            ("console", Command::Console),
            ("cat  /run/x", Command::Cat("/run/x")),
            ("cat", Command::Unknown("cat")),
            ("cat a b", Command::Unknown("cat")),
            ("ls", Command::Ls(".")),
            ("ls /dev", Command::Ls("/dev")),
            ("dmesg", Command::Dmesg),
            ("rm -rf /", Command::Unknown("rm")),
        ] {
            assert_eq!(Command::parse(line), command, "{line:?}");
        }
    }
}
