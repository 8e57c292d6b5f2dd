// SPDX-License-Identifier: MIT OR Apache-2.0
//! The recovery console.
//!
//! A small command loop for somebody in front of a machine whose migration
//! stopped, in an initramfs without other programs. It runs as a program of
//! its own (`replant console`), started by /init on a pseudo-terminal that all
//! consoles share. [`run`] returns the status with which that program is to
//! exit: it tells /init what to do.

mod command;
mod disks;
mod files;
mod help;
mod kernel;
mod machine;
mod mounts;
mod program;
mod status;

pub use command::{Command, words};

use crate::cli::{EXIT_POWER_OFF, EXIT_REBOOT};

use std::io::{self, BufRead, Write};
use std::path::{Path, PathBuf};

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub enum ConsoleError {
    /// A quote that is never closed.
    #[error("the quote {0} is not closed")]
    Quote(char),
    /// Wrong arguments.
    #[error("usage: {0}")]
    Usage(&'static str),
    /// No such command.
    #[error("{0}: there is no such command; type help")]
    Unknown(String),
    /// A system call on a file or device failed.
    #[error("cannot {action} {}: {source}", path.display())]
    File {
        /// What was tried, as a verb.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// What the kernel said.
        source: io::Error,
    },
    /// No file system of this kernel took the device.
    #[error(
        "cannot mount {}: no file system of this kernel is on it ({tried}); see dmesg",
        device.display()
    )]
    NoFileSystem {
        /// The device.
        device: PathBuf,
        /// What was tried.
        tried: String,
    },
    /// What is mounted, or a device's write protection.
    #[error(transparent)]
    Mount(#[from] crate::mount::Error),
    /// A root directory without a shell.
    #[error("{} has no /bin/bash and no /bin/sh; name a program to run there", .0.display())]
    NoShell(PathBuf),
    /// The directory cannot be a root.
    #[error(transparent)]
    Chroot(#[from] sys::chroot::ChrootError),
    /// A program that could not be started.
    #[error("cannot start {program}: {source}")]
    Start {
        /// The program.
        program: String,
        /// What the kernel said.
        source: io::Error,
    },
    /// A program that failed.
    #[error("{program} failed: {status}")]
    Program {
        /// The program.
        program: String,
        /// How it ended.
        status: std::process::ExitStatus,
    },
    /// A command of somebody else failed.
    #[error("{0}")]
    Extra(String),
    /// The console's own output is gone.
    #[error("cannot write to the console: {0}")]
    Output(#[from] io::Error),
}

/// A command that another module brings: modprobe, for example.
#[derive(Clone, Copy)]
pub struct Extra {
    /// Name and arguments, for the list: `modprobe NAME [PARAMETER...]`.
    pub usage: &'static str,
    /// What it does, in one line.
    pub help: &'static str,
    /// Does it. The arguments come without the name; an error is one line.
    pub run: fn(&[String], &mut dyn Write) -> Result<(), String>,
}

impl Extra {
    fn name(&self) -> &'static str {
        self.usage.split(' ').next().unwrap_or_default()
    }
}

/// What the console works with.
pub struct Setup<'a> {
    /// `/`; a test has its own.
    pub root: PathBuf,
    /// replant itself, to migrate and to report: `/bin/replant`.
    pub replant: PathBuf,
    /// Commands of other modules.
    pub extra: &'a [Extra],
    /// What is on a block device, in a few words: `ext4 "root"`.
    pub signature: fn(&Path) -> Option<String>,
}

impl Default for Setup<'_> {
    fn default() -> Self {
        Setup {
            root: PathBuf::from("/"),
            replant: PathBuf::from("/bin/replant"),
            extra: &[],
            signature: |_| None,
        }
    }
}

impl Setup<'_> {
    /// An absolute path below [`Setup::root`].
    fn path(&self, absolute: &str) -> PathBuf {
        self.root.join(absolute.trim_start_matches('/'))
    }

    /// The old system is gone, or may be. A check that fails counts as yes.
    fn past_no_return(&self) -> bool {
        self.path(crate::paths::POINT_OF_NO_RETURN)
            .try_exists()
            .unwrap_or(true)
    }
}

/// Reads and executes commands until one of them leaves the console, and
/// returns the exit status for /init: [`EXIT_REBOOT`], [`EXIT_POWER_OFF`], or
/// 0 at the end of the input.
///
/// Programs that are started inherit the standard descriptors of this process.
///
/// # Errors
///
/// [`ConsoleError::Output`] when the console itself can no longer be read or
/// written; every other error is printed, and the console goes on.
pub fn run(
    setup: &Setup<'_>,
    input: &mut dyn BufRead,
    output: &mut dyn Write,
) -> Result<u8, ConsoleError> {
    // The keys that interrupt a program must not end the console.
    sys::chroot::ignore_terminal_signals();
    writeln!(output, "\nreplant: recovery console")?;
    status::print(setup, output)?;
    writeln!(output, "Type help for the commands.")?;
    loop {
        write!(output, "replant> ")?;
        output.flush()?;
        let mut line = Vec::new();
        if input.read_until(b'\n', &mut line)? == 0 {
            writeln!(output)?;
            return Ok(0);
        }
        let line = String::from_utf8_lossy(&line);
        match Command::parse(&line).and_then(|command| execute(setup, command, input, output)) {
            Ok(None) => {}
            Ok(Some(status)) => return Ok(status),
            Err(ConsoleError::Output(error)) => return Err(ConsoleError::Output(error)),
            Err(error) => writeln!(output, "{error}")?,
        }
        output.flush()?;
    }
}

/// Executes one command; the exit status if it leaves the console.
fn execute(
    setup: &Setup<'_>,
    command: Command,
    input: &mut dyn BufRead,
    output: &mut dyn Write,
) -> Result<Option<u8>, ConsoleError> {
    match command {
        Command::Nothing => {}
        Command::Help(topic) => help::print(output, topic.as_deref(), setup.extra)?,
        Command::Status => status::print(setup, output)?,
        Command::Log => status::log(setup, output)?,
        Command::Ls(paths) => files::ls(&paths, output)?,
        Command::Cat(paths) => files::cat(&paths, output)?,
        Command::Cp(from, to) => files::cp(&from, &to, output)?,
        Command::Cd(directory) => files::cd(&directory)?,
        Command::Mounts => mounts::list(setup, output)?,
        Command::Mount {
            device,
            directory,
            writable,
        } => {
            mounts::mount(setup, &device, &directory, writable, output)?;
        }
        Command::Umount(directory) => mounts::umount(&directory)?,
        Command::Dmesg => kernel::dmesg(setup, output)?,
        Command::Disks => disks::print(setup, output)?,
        Command::Free => machine::free(setup, output)?,
        Command::Ps => machine::ps(setup, output)?,
        Command::Chroot(root, program) => program::chroot(&root, &program, output)?,
        Command::Sh => program::sh()?,
        Command::Migrate => return program::replant(setup, &["migrate", "--resume"]),
        Command::Verify => return program::replant(setup, &["verify"]),
        Command::Report => return program::replant(setup, &["report"]),
        Command::Reboot => return leave(setup, EXIT_REBOOT, input, output),
        Command::PowerOff => return leave(setup, EXIT_POWER_OFF, input, output),
        Command::Extra(name, arguments) => {
            let extra = setup.extra.iter().find(|extra| extra.name() == name);
            let extra = extra.ok_or(ConsoleError::Unknown(name))?;
            (extra.run)(&arguments, output).map_err(ConsoleError::Extra)?;
        }
    }
    Ok(None)
}

/// Leaving is easy while the old system is there; later it has to be meant.
fn leave(
    setup: &Setup<'_>,
    status: u8,
    input: &mut dyn BufRead,
    output: &mut dyn Write,
) -> Result<Option<u8>, ConsoleError> {
    if !setup.past_no_return() {
        return Ok(Some(status));
    }
    writeln!(
        output,
        "The disk is half rewritten, and this machine may not boot from it any more;"
    )?;
    writeln!(
        output,
        "the new system's files are in memory and would be lost. `migrate` goes on."
    )?;
    write!(output, "Type yes to leave all the same: ")?;
    output.flush()?;
    let mut answer = String::new();
    input.read_line(&mut answer)?;
    Ok((answer.trim() == "yes").then_some(status))
}

#[cfg(test)]
mod tests;
