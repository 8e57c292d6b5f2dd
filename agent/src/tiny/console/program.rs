// SPDX-License-Identifier: MIT OR Apache-2.0
//! Other programs: a system's own in a chroot, a shell, replant itself.

use std::ffi::OsStr;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};

use rustix::mount::{MountPropagationFlags, UnmountFlags};
use rustix::termios::{OptionalActions, tcgetattr, tcsetattr};

use super::{ConsoleError, Setup};
use contract::Exit;
use sys::cannot;

/// Runs a program on the terminal and waits for it. The keys that interrupt
/// reach it and not the console, and the terminal's modes are put back after.
fn run(command: &mut Command) -> Result<ExitStatus, ConsoleError> {
    sys::chroot::hear_terminal_signals(command);
    let modes = tcgetattr(io::stdin()).ok();
    let status = command.status().map_err(|source| ConsoleError::Start {
        program: command.get_program().to_string_lossy().into_owned(),
        source,
    });
    if let Some(modes) = modes {
        let _ = tcsetattr(io::stdin(), OptionalActions::Drain, &modes);
    }
    status
}

fn expect_success(command: &mut Command) -> Result<(), ConsoleError> {
    let status = run(command)?;
    if status.success() {
        return Ok(());
    }
    let program = command.get_program().to_string_lossy().into_owned();
    Err(ConsoleError::Program { program, status })
}

/// Runs replant itself; if it asks for a reboot or power off, that is returned.
pub(super) fn replant(setup: &Setup, word: &str) -> Result<Option<Exit>, ConsoleError> {
    let status = run(Command::new(&setup.replant).arg(word))?;
    match status.code().and_then(Exit::from_status) {
        Some(exit @ (Exit::Reboot | Exit::PowerOff)) => Ok(Some(exit)),
        Some(Exit::Console) => Ok(None),
        None if status.success() => Ok(None),
        _ => Err(ConsoleError::Program {
            program: format!("replant {word}"),
            status,
        }),
    }
}

/// A shell of this initramfs.
pub(super) fn sh() -> Result<(), ConsoleError> {
    // The shell's exit status is that of its last command, and no error here.
    run(&mut Command::new("/bin/sh")).map(|_| ())
}

/// The mounts that programs in a chroot expect; unmounted when dropped.
struct Mounts {
    /// In the order in which they were mounted.
    points: Vec<PathBuf>,
}

impl Mounts {
    /// Mounts dev, proc, sys and run from here in `root`. A directory that is
    /// missing there is only named: the program may not need it.
    fn new(root: &Path, output: &mut dyn Write) -> Result<Mounts, ConsoleError> {
        let mut mounts = Mounts { points: Vec::new() };
        for name in ["dev", "proc", "sys", "run"] {
            let point = root.join(name);
            if !point.is_dir() {
                writeln!(output, "{} is missing; going on without", point.display())?;
                continue;
            }
            rustix::mount::mount_bind_recursive(Path::new("/").join(name), &point)
                .and_then(|()| {
                    // Mounts made by the program must not propagate back.
                    let flags = MountPropagationFlags::DOWNSTREAM | MountPropagationFlags::REC;
                    rustix::mount::mount_change(&point, flags)
                })
                .map_err(cannot("mount", &point))?;
            mounts.points.push(point);
        }
        Ok(mounts)
    }
}

impl Drop for Mounts {
    fn drop(&mut self) {
        for point in self.points.iter().rev() {
            // Lazily, with all below it: a program left in the background
            // keeps what it has, and nobody else sees it.
            let _ = rustix::mount::unmount(point, UnmountFlags::DETACH | UnmountFlags::NOFOLLOW);
        }
    }
}

/// Runs a program, or a shell, of the system that is mounted at `root`.
pub(super) fn chroot(
    root: &Path,
    program: &[String],
    output: &mut dyn Write,
) -> Result<(), ConsoleError> {
    let mut command = match program {
        [name, arguments @ ..] => {
            let mut command = Command::new(name);
            command.args(arguments);
            command
        }
        [] => Command::new(shell(root)?),
    };
    command.env("PATH", crate::program::search_path());
    command
        .env("HOME", "/root")
        .env("PS1", format!("[chroot {}] \\w \\$ ", root.display()));
    sys::chroot::enter(&mut command, root)?;
    let _mounts = Mounts::new(root, output)?;
    output.flush()?;
    if program.is_empty() {
        writeln!(output, "exit comes back here")?;
        run(&mut command).map(|_| ())
    } else {
        expect_success(&mut command)
    }
}

/// The best shell of a root directory, as a path inside it.
fn shell(root: &Path) -> Result<&'static OsStr, ConsoleError> {
    ["/bin/bash", "/usr/bin/bash", "/bin/sh", "/usr/bin/sh"]
        .into_iter()
        // A link may be absolute, and so point out of the new root from here.
        .find(|shell| {
            root.join(shell.trim_start_matches('/'))
                .symlink_metadata()
                .is_ok()
        })
        .map(OsStr::new)
        .ok_or_else(|| ConsoleError::NoShell(root.to_path_buf()))
}
