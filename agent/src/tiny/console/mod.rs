// SPDX-License-Identifier: MIT OR Apache-2.0
//! The recovery console.
//!
//! A small command loop for somebody in front of a machine whose migration
//! stopped, in an initramfs without other programs. It runs as a program of
//! its own (`replant console`), started by /init on a pseudo-terminal that all
//! consoles share, and tells /init by its exit status what to do next.

mod busy;
mod command;
mod disks;
mod files;
mod help;
mod kernel;
mod machine;
mod mounts;
mod password;
mod program;
mod status;

pub use command::{Command, words};
use password::Lock;

use super::elsewhere::{self, BadElsewhere};
use contract::Exit;

use std::io::{self, BufRead, Write};
use std::path::PathBuf;
use std::time::Duration;
use sys::FileError;

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub enum ConsoleError {
    #[error("the quote {0} is not closed")]
    Quote(char),
    #[error("usage: {0}")]
    Usage(&'static str),
    #[error("{0}: there is no such command; type help")]
    Unknown(String),
    #[error(transparent)]
    File(#[from] FileError),
    #[error(
        "cannot mount {}: no file system of this kernel is on it ({tried}); see dmesg",
        device.display()
    )]
    NoFileSystem { device: PathBuf, tried: String },
    #[error(transparent)]
    Mount(#[from] crate::mount::Error),
    #[error("{} has no /bin/bash and no /bin/sh; name a program to run there", .0.display())]
    NoShell(PathBuf),
    #[error(transparent)]
    Chroot(#[from] sys::chroot::ChrootError),
    #[error("cannot start {program}: {source}")]
    Start { program: String, source: io::Error },
    #[error("{program} failed: {status}")]
    Program {
        program: String,
        status: std::process::ExitStatus,
    },
    #[error(transparent)]
    Device(#[from] crate::device::Error),
    #[error(transparent)]
    Machine(#[from] crate::machine::Error),
    #[error(transparent)]
    Lvm(#[from] crate::lvm::LvmError),
    #[error(transparent)]
    Elsewhere(#[from] BadElsewhere),
    #[error("cannot write to the console: {0}")]
    Output(#[from] io::Error),
}

/// The console's environment.
pub struct Setup {
    /// `/`; a test has its own.
    pub root: PathBuf,
    /// replant itself: `/bin/replant`.
    pub replant: PathBuf,
    /// The pause after a wrong password.
    pub pause: Duration,
}

impl Default for Setup {
    fn default() -> Self {
        Setup {
            root: PathBuf::from("/"),
            replant: PathBuf::from("/bin/replant"),
            pause: password::PAUSE,
        }
    }
}

impl Setup {
    /// An absolute path below [`Setup::root`].
    fn path(&self, absolute: &str) -> PathBuf {
        self.root.join(absolute.trim_start_matches('/'))
    }

    /// Whether the disk has all that a migration needs, so that it continues when
    /// the machine is switched on again. A file that cannot be read counts as
    /// missing.
    fn resumes(&self) -> bool {
        let cmdline = crate::cmdline::read(self.path(crate::cmdline::PATH)).unwrap_or_default();
        crate::cmdline::Cmdline::parse(&cmdline).lifeboat.is_some()
    }

    /// Whether the machine would continue the migration after a restart. A failed
    /// check counts as no.
    fn goes_on_alone(&self) -> bool {
        let stays = self.path(crate::paths::MUST_STAY).try_exists();
        self.resumes() && !stays.unwrap_or(true)
    }

    /// Whether the old system is, or may be, gone. A failed check counts as yes.
    fn past_no_return(&self) -> bool {
        self.path(crate::paths::POINT_OF_NO_RETURN)
            .try_exists()
            .unwrap_or(true)
    }
}

/// Reads and executes commands until one of them leaves the console, and
/// returns what /init is to do next; `None` at the end of the input.
///
/// Programs that are started inherit the standard descriptors of this process.
///
/// # Errors
///
/// [`ConsoleError::Output`] when the console itself can no longer be read or
/// written; every other error is printed, and the console goes on.
pub fn run(
    setup: &Setup,
    input: &mut dyn BufRead,
    output: &mut dyn Write,
) -> Result<Option<Exit>, ConsoleError> {
    // The keys that interrupt a program must not end the console.
    sys::chroot::ignore_terminal_signals();
    writeln!(output, "\nreplant: recovery console")?;
    status::print(setup, output)?;
    writeln!(output, "Type help for the commands.")?;
    let mut lock = Lock::read(&setup.root);
    loop {
        write!(output, "replant> ")?;
        output.flush()?;
        let mut line = Vec::new();
        if input.read_until(b'\n', &mut line)? == 0 {
            writeln!(output)?;
            return Ok(None);
        }
        let line = String::from_utf8_lossy(&line);
        let done = Command::parse(&line)
            .and_then(|command| guarded(setup, command, &mut lock, input, output));
        match done {
            Ok(None) => {}
            Ok(Some(exit)) => return Ok(Some(exit)),
            Err(ConsoleError::Output(error)) => return Err(ConsoleError::Output(error)),
            Err(error) => writeln!(output, "{error}")?,
        }
        output.flush()?;
    }
}

/// Executes a command, after the password where one is needed.
fn guarded(
    setup: &Setup,
    command: Command,
    lock: &mut Lock,
    input: &mut dyn BufRead,
    output: &mut dyn Write,
) -> Result<Option<Exit>, ConsoleError> {
    if command == Command::Lock {
        let now = match lock.close() {
            true => "locked",
            false => "this console has no password",
        };
        writeln!(output, "{now}")?;
        return Ok(None);
    }
    let allowed = lock.is_open() || command.is_open_to_all();
    match allowed || lock.ask(setup.pause, input, output)? {
        true => busy::during(setup, output, |output| {
            execute(setup, command, input, output)
        }),
        false => Ok(None),
    }
}

/// Executes one command; says what /init is to do if it leaves the console.
fn execute(
    setup: &Setup,
    command: Command,
    input: &mut dyn BufRead,
    output: &mut dyn Write,
) -> Result<Option<Exit>, ConsoleError> {
    match command {
        Command::Nothing | Command::Lock => {}
        Command::Help(topic) => help::print(output, topic.as_deref())?,
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
        // /init then supervises it: a program that hangs can be stopped from
        // every console, and this console starts again when it has ended.
        Command::Migrate(payload) => {
            let left = setup.path(crate::paths::PAYLOAD_FROM);
            elsewhere::leave(&left, payload.as_ref())?;
            return Ok(Some(Exit::Migrate));
        }
        Command::Replant(word) => return program::replant(setup, &word),
        Command::Reboot => return leave(setup, Exit::Reboot, input, output),
        Command::PowerOff => return leave(setup, Exit::PowerOff, input, output),
        Command::Modprobe(names) => kernel::modprobe(setup, &names)?,
        Command::Vgchange { writable } => disks::map_volumes(setup, writable, output)?,
    }
    Ok(None)
}

/// Leaves at once if the old system is intact, or the migration continues by
/// itself; otherwise only after a `yes`.
fn leave(
    setup: &Setup,
    exit: Exit,
    input: &mut dyn BufRead,
    output: &mut dyn Write,
) -> Result<Option<Exit>, ConsoleError> {
    if !setup.past_no_return() || setup.goes_on_alone() {
        return Ok(Some(exit));
    }
    writeln!(
        output,
        "The disk is half rewritten, and this machine may not boot from it any more;"
    )?;
    writeln!(
        output,
        "what is in memory would be lost, and is needed. `migrate` goes on."
    )?;
    write!(output, "Type yes to leave all the same: ")?;
    output.flush()?;
    let mut answer = String::new();
    input.read_line(&mut answer)?;
    Ok((answer.trim() == "yes").then_some(exit))
}

#[cfg(test)]
mod tests;
