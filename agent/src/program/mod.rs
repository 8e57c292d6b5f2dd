// SPDX-License-Identifier: MIT OR Apache-2.0
//! Runs programs of the old or new system, watches them, and quotes them when
//! they fail.

mod family;
mod output;
mod silence;

use family::Family;
use output::Output;
use rustix::process::Signal;
use silence::Silence;
use std::ffi::OsStr;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use sys::transient;

/// Why a program did not do its work.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{command}: cannot be started: {source}; is the program installed?")]
    Start {
        command: String,
        source: std::io::Error,
    },
    #[error("{command}: {status}: {last}")]
    Failed {
        command: String,
        status: std::process::ExitStatus,
        /// The last line that it printed.
        last: String,
    },
    #[error(
        "{command}: it hung and was ended: for {seconds} s it printed nothing, used no processor time, and neither it nor the disk read or wrote anything; the last that it printed: {last}{}",
        unkillable(stuck)
    )]
    Hung {
        command: String,
        /// Seconds without a sign of life.
        seconds: u64,
        /// The last line that it printed.
        last: String,
        /// Processes that cannot be ended.
        stuck: Vec<String>,
    },
    #[error(
        "{command}: it was ended, for somebody asked to stop{}",
        unkillable(stuck)
    )]
    Stopped {
        command: String,
        /// Processes that cannot be ended.
        stuck: Vec<String>,
    },
    #[error("{command}: its output cannot be read: {source}")]
    Output {
        command: String,
        source: std::io::Error,
    },
}

impl Error {
    /// Whether trying again may succeed. An exit status usually comes out the
    /// same again, unless the program blames a device that was busy or failed
    /// once, or was killed for want of memory or by a read error.
    pub fn is_transient(&self) -> bool {
        match self {
            Error::Start { source, .. } | Error::Output { source, .. } => transient::io(source),
            Error::Failed { status, last, .. } => {
                let signals = [Signal::KILL.as_raw(), Signal::BUS.as_raw()];
                status.signal().is_some_and(|s| signals.contains(&s)) || transient::message(last)
            }
            Error::Hung { .. } | Error::Stopped { .. } => false,
        }
    }
}

/// The part of a message that names processes which cannot be ended.
fn unkillable(stuck: &[String]) -> String {
    match stuck {
        [] => String::new(),
        stuck => format!(
            "; the kernel does not let go of {}: it is left alone",
            stuck.join(", ")
        ),
    }
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

/// `PATH` for programs of the new system, or of another root.
pub fn search_path() -> String {
    let directories = ondisk::inventory::PATH.map(|directory| format!("/{directory}"));
    directories.join(":")
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
    let stderr = String::from_utf8_lossy(&out.stderr).into_owned();
    let last = last_line(&stderr)
        .or_else(|| last_line(&text))
        .unwrap_or("it printed nothing");
    Err(Error::Failed {
        command: name,
        status: out.status,
        last: last.to_string(),
    })
}

/// How a program is watched.
#[derive(Debug, Clone)]
pub struct Supervision {
    /// It is ended after this long without a sign of life: no output, no
    /// processor time, nothing read or written by it or by the disk.
    pub silence: Duration,
    /// How long it gets to end when it is asked to, and when it is forced to.
    pub grace: Duration,
    /// The disk that it works on: its /sys/block/DISK/stat.
    pub disk: Option<PathBuf>,
}

impl Supervision {
    /// The default of [`Supervision::silence`].
    pub const SILENCE: Duration = Duration::from_secs(300);
    /// The default of [`Supervision::grace`].
    pub const GRACE: Duration = Duration::from_secs(5);
}

/// Runs a program and passes each line that it prints, on either stream, to
/// `line` while it runs. It has a session of its own, and when it has ended,
/// or hangs, or somebody asked to stop, everything that it started is ended.
pub fn watch(
    command: &mut Command,
    supervision: &Supervision,
    line: &mut dyn FnMut(&str),
) -> Result<(), Error> {
    let name = describe(command);
    let start = |source| Error::Start {
        command: name.clone(),
        source,
    };
    let (reader, writer) =
        rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC).map_err(|e| start(e.into()))?;
    let second = writer.try_clone().map_err(start)?;
    let mark = family::prepare(command);
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::from(writer))
        .stderr(Stdio::from(second))
        .spawn()
        .map_err(start)?;
    // The command holds ends of the pipe until they are replaced; as long as they
    // are open, the pipe has no end.
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let mut family = Family::new(mark, child.id());
    let mut output = Output::new(reader, line);
    let ended = wait(&mut child, &mut family, &mut output, supervision);
    let left = match ended {
        Ok(Ended::Itself) => family.names(),
        _ => Vec::new(),
    };
    let stuck = family.end(supervision.grace, || {
        // Reaps it, for a zombie would count as alive.
        let _ = child.try_wait();
    });
    for left in left {
        (output.line)(&format!("{left} was left running, and is ended"));
    }
    let read = |source| Error::Output {
        command: name.clone(),
        source,
    };
    let last = match output.last.is_empty() {
        true => "it printed nothing".to_string(),
        false => output.last,
    };
    match ended.map_err(read)? {
        Ended::Stopped => Err(Error::Stopped {
            command: name,
            stuck,
        }),
        Ended::Hung(silence) => Err(Error::Hung {
            command: name,
            seconds: silence.as_secs(),
            last,
            stuck,
        }),
        Ended::Itself => {
            let status = child.wait().map_err(read)?;
            match status.success() {
                true => Ok(()),
                false => Err(Error::Failed {
                    command: name,
                    status,
                    last,
                }),
            }
        }
    }
}

/// Why a program is not waited for any more.
enum Ended {
    Itself,
    Stopped,
    /// After this silence.
    Hung(Duration),
}

fn wait(
    child: &mut Child,
    family: &mut Family,
    output: &mut Output<'_>,
    supervision: &Supervision,
) -> std::io::Result<Ended> {
    let begin = Instant::now();
    let interval = Silence::interval(supervision.silence);
    let mut silence = Silence::new(supervision.silence, Duration::ZERO);
    let mut look = Duration::ZERO;
    loop {
        // A background process may keep the pipe open for ever, so the end of the
        // program itself counts, and what it printed until then.
        let ended = child.try_wait()?.is_some();
        let more = output.pass(ended)?;
        if ended && !more {
            return Ok(Ended::Itself);
        }
        if crate::stop::requested() {
            return Ok(Ended::Stopped);
        }
        let now = begin.elapsed();
        if now < look {
            continue;
        }
        look = now + interval;
        let signs = family.signs(output.printed, supervision.disk.as_deref());
        if silence.is_too_long(now, signs) {
            return Ok(Ended::Hung(silence.lasted()));
        }
    }
}

fn last_line(text: &str) -> Option<&str> {
    text.lines().map(str::trim).rfind(|line| !line.is_empty())
}

#[cfg(test)]
mod tests;
