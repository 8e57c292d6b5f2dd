// SPDX-License-Identifier: MIT OR Apache-2.0
//! Programs of the build machine.

use crate::stop;
use anyhow::{Error, Result, anyhow, bail};
use std::ffi::OsStr;
use std::io::Read;
use std::os::unix::process::CommandExt;
use std::process::{Command, Output, Stdio};
use std::thread;
use std::time::Duration;

/// How often a program's end, and the request to stop it, are checked.
const TICK: Duration = Duration::from_millis(5);

/// Runs a program to its end, and returns its standard output. `package` is the
/// one to install where the program is missing.
pub fn run(program: &str, package: &str, arguments: &[&OsStr]) -> Result<String> {
    printed(program, &output(program, package, arguments)?)
}

/// As [`run`], but with any exit status. The program is ended when somebody asks
/// to stop.
pub fn output(program: &str, package: &str, arguments: &[&OsStr]) -> Result<Output> {
    watched(program, package, arguments, true, &mut |_| {})
}

/// As [`run`], for programs that undo something: they run to their end even when
/// somebody asks to stop.
pub fn run_always(program: &str, package: &str, arguments: &[&OsStr]) -> Result<String> {
    let out = watched(program, package, arguments, false, &mut |_| {})?;
    printed(program, &out)
}

/// As [`run`]; `seen` gets all that the program has printed so far.
pub fn run_seen(
    program: &str,
    package: &str,
    arguments: &[&OsStr],
    seen: &mut dyn FnMut(&[u8]),
) -> Result<String> {
    let out = watched(program, package, arguments, true, seen)?;
    printed(program, &out)
}

fn watched(
    program: &str,
    package: &str,
    arguments: &[&OsStr],
    may_stop: bool,
    seen: &mut dyn FnMut(&[u8]),
) -> Result<Output> {
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .env("LC_ALL", "C")
        // The terminal's Ctrl-C goes to replant-pack only, which then ends the
        // program.
        .process_group(0)
        .spawn()
        .map_err(|e| not_started(program, package, &e))?;
    let (mut out, mut err) = (child.stdout.take(), child.stderr.take());
    let printed = std::sync::Mutex::new(Vec::new());
    let status = thread::scope(|scope| {
        scope.spawn(|| {
            let mut piece = [0; 4096];
            while let Some(out) = &mut out {
                match out.read(&mut piece) {
                    Ok(0) | Err(_) => break,
                    Ok(read) => {
                        if let Ok(mut printed) = printed.lock() {
                            printed.extend(piece.get(..read).unwrap_or_default());
                        }
                    }
                }
            }
        });
        let errors = scope.spawn(|| {
            let mut text = Vec::new();
            if let Some(err) = &mut err {
                // What was read until then is its message.
                let _ = err.read_to_end(&mut text);
            }
            text
        });
        let status = loop {
            match child.try_wait() {
                Ok(Some(status)) => break Ok(status),
                Ok(None) => {}
                Err(error) => break Err(error.into()),
            }
            if may_stop && stop::asked() {
                // It may have ended already.
                let _ = child.kill();
                let _ = child.wait();
                break stop::check().and(Err(anyhow!("{program} was ended")));
            }
            if let Ok(printed) = printed.lock() {
                seen(&printed);
            }
            thread::sleep(TICK);
        };
        (status, errors.join().unwrap_or_default())
    });
    let (status, stderr) = status;
    Ok(Output {
        status: status?,
        stdout: printed.into_inner().unwrap_or_default(),
        stderr,
    })
}

/// The standard output of a program, if it succeeded.
pub fn printed(program: &str, out: &Output) -> Result<String> {
    if out.status.success() {
        return Ok(String::from_utf8_lossy(&out.stdout).into_owned());
    }
    let message = String::from_utf8_lossy(&out.stderr);
    let last = message.lines().rfind(|l| !l.trim().is_empty());
    let last = last.unwrap_or("it printed nothing").trim();
    bail!("{program} failed ({}): {last}", out.status)
}

pub fn not_started(program: &str, package: &str, e: &std::io::Error) -> Error {
    anyhow!("{program} cannot be started: {e}; install the package {package}")
}
