// SPDX-License-Identifier: MIT OR Apache-2.0
//! Programs of the build machine.

use std::process::{Command, Stdio};

/// Why a program did not do its work.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It could not be started.
    #[error("{program} cannot be started: {source}; install the package {package}")]
    Start {
        /// The program.
        program: &'static str,
        /// Where it comes from.
        package: &'static str,
        /// The system's error.
        source: std::io::Error,
    },
    /// It failed.
    #[error("{program} failed ({status}): {last}")]
    Failed {
        /// The program.
        program: &'static str,
        /// How it ended.
        status: std::process::ExitStatus,
        /// The last line that it printed.
        last: String,
    },
}

/// Runs a program of a package to its end; its standard output.
pub fn run(
    program: &'static str,
    package: &'static str,
    arguments: &[&std::ffi::OsStr],
) -> Result<String, Error> {
    let out = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .env("LC_ALL", "C")
        .output()
        .map_err(|source| Error::Start {
            program,
            package,
            source,
        })?;
    if out.status.success() {
        return Ok(String::from_utf8_lossy(&out.stdout).into_owned());
    }
    let told = String::from_utf8_lossy(&out.stderr).into_owned();
    let last = told
        .lines()
        .rfind(|l| !l.trim().is_empty())
        .unwrap_or("it printed nothing");
    Err(Error::Failed {
        program,
        status: out.status,
        last: last.trim().to_string(),
    })
}
