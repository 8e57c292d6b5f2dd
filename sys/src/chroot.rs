// SPDX-License-Identifier: MIT OR Apache-2.0
//! Starting a program in a changed root, and the signals of a terminal.
//!
//! The work between fork and exec has to be free of allocation and locks, and
//! `Command::pre_exec` is unsafe for this reason; so it is done here, by plain
//! system calls on values that were made before the fork.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::fd::AsFd;

/// Why a program could not be made to start in another root.
#[derive(Debug, thiserror::Error)]
pub enum ChrootError {
    /// The directory is missing, is no directory, or cannot be opened.
    #[error("cannot use {} as a root directory: {source}; mount the system there first", path.display())]
    Root {
        /// The directory that was to become the root.
        path: PathBuf,
        /// What open(2) said.
        source: io::Error,
    },
}

/// Makes `command` run with `root` as its root and working directory.
///
/// `root` is opened now, so that a directory that is missing is an error of
/// this function; chroot(2) and chdir(2) happen in the child, and their errors
/// come out of `Command::spawn`. The program's name is then looked up inside
/// the new root: give it absolutely, or set `PATH` of the command. A working
/// directory that was set with `Command::current_dir` is overridden.
///
/// Mounting dev, proc and sys in the new root is the caller's job.
///
/// # Errors
///
/// [`ChrootError::Root`] when `root` cannot be opened as a directory.
pub fn enter(command: &mut Command, root: &Path) -> Result<(), ChrootError> {
    let directory: File = OpenOptions::new()
        .read(true)
        .custom_flags(rustix::fs::OFlags::DIRECTORY.bits() as i32)
        .open(root)
        .map_err(|source| ChrootError::Root {
            path: root.to_path_buf(),
            source,
        })?;
    let change = move || -> io::Result<()> {
        rustix::process::fchdir(directory.as_fd())?;
        rustix::process::chroot(c".")?;
        rustix::process::chdir(c"/")?;
        Ok(())
    };
    // SAFETY: three system calls on a descriptor and on constants that were
    // made before the fork; nothing here allocates or takes a lock.
    unsafe { command.pre_exec(change) };
    Ok(())
}

/// Makes `command` the leader of a session, and a process group, of its own:
/// no key of this process's terminal reaches it, and what it starts can be
/// told from everything else.
pub fn own_session(command: &mut Command) {
    let begin = || -> io::Result<()> {
        rustix::process::setsid()?;
        Ok(())
    };
    // SAFETY: one system call; no allocation, no lock.
    unsafe { command.pre_exec(begin) };
}

const SIG_DFL: usize = 0;
const SIG_IGN: usize = 1;

/// SIGINT, SIGQUIT, SIGTSTP, SIGTTIN, SIGTTOU: what a terminal sends.
const TERMINAL_SIGNALS: [i32; 5] = [2, 3, 20, 21, 22];

unsafe extern "C" {
    /// signal(2) of the C library that std links anyway; handlers are
    /// addresses, of which only 0 (default) and 1 (ignore) are used here.
    fn signal(number: i32, handler: usize) -> usize;
}

/// Makes this process deaf to the keys that interrupt, quit and stop.
///
/// For a command loop that shares its terminal with the programs that it
/// starts: the keys are to end the program and not the loop. Pair it with
/// [`hear_terminal_signals`] for each of those programs, because an ignored
/// signal stays ignored across exec.
pub fn ignore_terminal_signals() {
    for number in TERMINAL_SIGNALS {
        // SAFETY: SIG_IGN installs no code, and all numbers are valid, so
        // that there is nothing to report either.
        unsafe { signal(number, SIG_IGN) };
    }
}

/// What a lost connection, a person or a shutdown sends: SIGHUP, SIGINT,
/// SIGQUIT, SIGTERM, SIGTSTP, SIGTTIN, SIGTTOU.
const ENDING_SIGNALS: [i32; 7] = [1, 2, 3, 15, 20, 21, 22];

/// Runs `work`, during which nobody can end or stop this process by a signal
/// that it may ignore: for work of which no half must stay. Afterwards each
/// signal does what it did; one that came meanwhile is lost.
pub fn undisturbed<T>(work: impl FnOnce() -> T) -> T {
    // SAFETY: SIG_IGN installs no code, and all numbers are valid.
    let former = ENDING_SIGNALS.map(|number| unsafe { signal(number, SIG_IGN) });
    let result = work();
    for (number, handler) in ENDING_SIGNALS.into_iter().zip(former) {
        // SAFETY: the handler is what signal(2) returned for this number.
        unsafe { signal(number, handler) };
    }
    result
}

/// Gives `command` the default answer to the keys that interrupt, quit and
/// stop, whatever this process does about them.
pub fn hear_terminal_signals(command: &mut Command) {
    let hear = || -> io::Result<()> {
        for number in TERMINAL_SIGNALS {
            // SAFETY: signal(2) is async-signal-safe; SIG_DFL installs no code.
            unsafe { signal(number, SIG_DFL) };
        }
        Ok(())
    };
    // SAFETY: system calls only; no allocation, no lock.
    unsafe { command.pre_exec(hear) };
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::process::ExitStatusExt;
    use std::process::Stdio;

    fn text(command: &mut Command) -> String {
        let output = command.stderr(Stdio::inherit()).output().unwrap();
        assert!(output.status.success(), "{command:?}: {}", output.status);
        String::from_utf8(output.stdout).unwrap().trim().to_string()
    }

    #[test]
    fn runs_in_the_root_and_starts_at_its_top() {
        testkit::needs!("root", "/bin/busybox");
        // The one directory of any machine that has a dynamic /bin/pwd's
        // loader inside it is the root itself; a static busybox does alone.
        let root = tempfile::tempdir().unwrap();
        testkit::copy_program("/bin/busybox", &root.path().join("busybox"));
        std::fs::write(root.path().join("marker"), "inside").unwrap();
        let mut command = Command::new("/busybox");
        command.args(["sh", "-c", "echo $(/busybox pwd) $(/busybox cat marker)"]);
        command.current_dir("/tmp");
        enter(&mut command, root.path()).unwrap();
        assert_eq!(text(&mut command), "/ inside");
    }

    #[test]
    fn a_root_that_is_missing_or_a_file_is_named() {
        let mut command = Command::new("/bin/true");
        let error = enter(&mut command, Path::new("/nowhere")).unwrap_err();
        assert!(error.to_string().contains("/nowhere"), "{error}");
        let file = tempfile::NamedTempFile::new().unwrap();
        assert!(enter(&mut command, file.path()).is_err());
    }

    #[test]
    fn a_program_missing_in_the_root_is_an_error_of_spawn() {
        testkit::needs!("root");
        let root = tempfile::tempdir().unwrap();
        let mut command = Command::new("/bin/true");
        enter(&mut command, root.path()).unwrap();
        assert_eq!(command.spawn().unwrap_err().kind(), io::ErrorKind::NotFound);
    }

    #[test]
    fn a_session_of_its_own() {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", "echo $$ $(cut -d ' ' -f 6 /proc/$$/stat)"]);
        own_session(&mut command);
        let text = text(&mut command);
        let (pid, session) = text.split_once(' ').unwrap();
        assert_eq!(pid, session);
    }

    /// In a child, for a signal is the whole process's.
    #[test]
    fn work_that_must_be_whole_is() {
        const CHILD: &str = "REPLANT_UNDISTURBED";
        if std::env::var_os(CHILD).is_some() {
            let myself = rustix::process::getpid();
            let end = |signal| rustix::process::kill_process(myself, signal).unwrap();
            undisturbed(|| {
                end(rustix::process::Signal::HUP);
                end(rustix::process::Signal::TERM);
                end(rustix::process::Signal::INT);
            });
            println!("whole");
            end(rustix::process::Signal::TERM);
            unreachable!("SIGTERM is heard again");
        }
        let out = Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "--nocapture",
                "chroot::tests::work_that_must_be_whole_is",
            ])
            .env(CHILD, "1")
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&out.stdout);
        assert!(text.contains("whole"), "{text}");
        assert_eq!(out.status.signal(), Some(15));
    }

    #[test]
    fn children_hear_what_the_loop_ignores() {
        ignore_terminal_signals();
        let kill_itself = ["-c", "kill -INT $$; echo deaf"];
        assert_eq!(text(Command::new("/bin/sh").args(kill_itself)), "deaf");
        let mut hearing = Command::new("/bin/sh");
        hearing.args(kill_itself);
        hear_terminal_signals(&mut hearing);
        assert_eq!(hearing.output().unwrap().status.signal(), Some(2));
    }
}
