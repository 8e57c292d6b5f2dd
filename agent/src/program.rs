// SPDX-License-Identifier: MIT OR Apache-2.0
//! Programs of the system that is worked on: run, watched, and quoted when
//! they fail.

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::ffi::OsStr;
use std::io::Read;
use std::process::{Command, Stdio};

/// Why a program did not do its work.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It could not be started.
    #[error("{command}: cannot be started: {source}; is the program installed?")]
    Start {
        /// The command line.
        command: String,
        /// The system's error.
        source: std::io::Error,
    },
    /// It said that it failed, or was killed.
    #[error("{command}: {status}: {last}")]
    Failed {
        /// The command line.
        command: String,
        /// Exit status or signal.
        status: std::process::ExitStatus,
        /// The last line that it printed.
        last: String,
    },
    /// Its output could not be read.
    #[error("{command}: its output cannot be read: {source}")]
    Output {
        /// The command line.
        command: String,
        /// The system's error.
        source: std::io::Error,
    },
}

/// The command line as a person would type it.
pub fn describe(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    let quote = |word: &OsStr| {
        let word = word.to_string_lossy();
        let plain = |c: char| c.is_ascii_alphanumeric() || "/._-=:,+@%".contains(c);
        if !word.is_empty() && word.chars().all(plain) {
            word.into_owned()
        } else {
            format!("'{}'", word.replace('\'', "'\\''"))
        }
    };
    words.map(quote).collect::<Vec<_>>().join(" ")
}

/// Runs a program to its end and returns its standard output.
///
/// # Errors
/// [`Error`] when it cannot be started or does not end with status 0.
pub fn output(command: &mut Command) -> Result<String, Error> {
    let name = describe(command);
    let out = command
        .stdin(Stdio::null())
        .output()
        .map_err(|source| Error::Start {
            command: name.clone(),
            source,
        })?;
    let text = String::from_utf8_lossy(&out.stdout).into_owned();
    if out.status.success() {
        return Ok(text);
    }
    let told = String::from_utf8_lossy(&out.stderr).into_owned();
    let last = last_line(&told)
        .or_else(|| last_line(&text))
        .unwrap_or("it printed nothing");
    Err(Error::Failed {
        command: name,
        status: out.status,
        last: last.to_string(),
    })
}

/// Runs a program and passes each line that it prints, on either stream, to
/// `line` while it runs.
///
/// # Errors
/// As [`output`].
pub fn watch(command: &mut Command, mut line: impl FnMut(&str)) -> Result<(), Error> {
    let name = describe(command);
    let start = |source| Error::Start {
        command: name.clone(),
        source,
    };
    let read = |source| Error::Output {
        command: name.clone(),
        source,
    };
    let (reader, writer) =
        rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC).map_err(|e| start(e.into()))?;
    let second = writer.try_clone().map_err(start)?;
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::from(writer))
        .stderr(Stdio::from(second))
        .spawn()
        .map_err(start)?;
    // The command keeps our ends of the pipe until it gets other ones; as
    // long as they are open the pipe has no end.
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let mut last = String::new();
    let mut tell = |bytes: &[u8]| {
        let text = String::from_utf8_lossy(bytes);
        let text = text.trim_end();
        if !text.is_empty() {
            line(text);
            last = text.to_string();
        }
    };
    let mut input = std::fs::File::from(reader);
    let (mut bytes, mut buffer) = (Vec::new(), [0; 4096]);
    loop {
        // What the program leaves in the background may keep the pipe open
        // for ever: the end of the program itself counts, and what it said.
        let ended = child.try_wait().map_err(read)?.is_some();
        if !readable(&input, ended).map_err(read)? {
            if ended {
                break;
            }
            continue;
        }
        let count = match input.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => count,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(read(error)),
        };
        bytes.extend_from_slice(buffer.get(..count).unwrap_or_default());
        while let Some(end) = bytes.iter().position(|b| *b == b'\n') {
            tell(&bytes.drain(..=end).collect::<Vec<u8>>());
        }
    }
    tell(&bytes);
    let status = child.wait().map_err(read)?;
    if status.success() {
        return Ok(());
    }
    if last.is_empty() {
        last = "it printed nothing".to_string();
    }
    Err(Error::Failed {
        command: name,
        status,
        last,
    })
}

/// Waits a moment until there is something to read, or the end; with `now` it
/// does not wait.
fn readable(input: &std::fs::File, now: bool) -> std::io::Result<bool> {
    let moment = Timespec {
        tv_sec: 0,
        tv_nsec: if now { 0 } else { 100_000_000 },
    };
    match poll(&mut [PollFd::new(input, PollFlags::IN)], Some(&moment)) {
        Ok(count) => Ok(count > 0),
        Err(rustix::io::Errno::INTR) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

fn last_line(text: &str) -> Option<&str> {
    text.lines().map(str::trim).rfind(|line| !line.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_what_failed_and_its_last_words() {
        let mut command = Command::new("sh");
        command.args(["-c", "echo one; echo the reason >&2; exit 3"]);
        let error = output(&mut command).unwrap_err().to_string();
        assert!(
            error.contains("exit 3'") && error.ends_with("the reason"),
            "{error}"
        );
        let error = output(&mut Command::new("/no/such/program"))
            .unwrap_err()
            .to_string();
        assert!(
            error.starts_with("/no/such/program: cannot be started"),
            "{error}"
        );
    }

    #[test]
    fn watches_both_streams_in_order() {
        let mut lines = Vec::new();
        let mut command = Command::new("sh");
        command.args(["-c", "echo a; echo b >&2; echo; printf 'c'"]);
        watch(&mut command, |line| lines.push(line.to_string())).unwrap();
        assert_eq!(lines, ["a", "b", "c"]);
        // A daemon that holds the pipe is not waited for.
        let start = std::time::Instant::now();
        let mut lines = Vec::new();
        let mut command = Command::new("sh");
        command.args(["-c", "sleep 20 & echo started"]);
        watch(&mut command, |line| lines.push(line.to_string())).unwrap();
        assert_eq!(lines, ["started"]);
        assert!(start.elapsed().as_secs() < 10);
        let mut command = Command::new("sh");
        command.args(["-c", "kill -9 $$"]);
        let error = watch(&mut command, |_| {}).unwrap_err().to_string();
        assert!(error.contains("signal: 9"), "{error}");
    }
}
