// SPDX-License-Identifier: MIT OR Apache-2.0
//! Programs of the build machine.

use anyhow::{Error, Result, anyhow, bail};
use std::ffi::OsStr;
use std::process::{Command, Output, Stdio};

/// Runs a program of a package to its end; its standard output.
pub fn run(program: &str, package: &str, arguments: &[&OsStr]) -> Result<String> {
    printed(program, &output(program, package, arguments)?)
}

/// The same, whatever it ends with.
pub fn output(program: &str, package: &str, arguments: &[&OsStr]) -> Result<Output> {
    Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .env("LC_ALL", "C")
        .output()
        .map_err(|e| not_started(program, package, &e))
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
