// SPDX-License-Identifier: MIT OR Apache-2.0
//! The password of a secret key: from a file, from the environment, from the
//! terminal, or, as minisign takes it, as a line of standard input.

use crate::file::At;
use crate::stop;
use anyhow::{Result, bail};
use std::io::{BufRead, IsTerminal};
use std::path::Path;

/// The environment variable.
const VARIABLE: &str = "REPLANT_PACK_PASSWORD";

/// What a password is for.
pub enum Purpose {
    /// A key that has it: this file.
    Use(String),
    /// A key that will have it.
    Make,
}

/// Finds out the password. A new one is not empty.
pub fn get(purpose: &Purpose, file: Option<&Path>) -> Result<String> {
    let password = found(purpose, file)?;
    match purpose {
        Purpose::Make if password.is_empty() => bail!(
            "the password of the new key is empty, which protects nothing; give one, or say --no-password"
        ),
        _ => Ok(password),
    }
}

fn found(purpose: &Purpose, file: Option<&Path>) -> Result<String> {
    if let Some(path) = file {
        let text = std::fs::read_to_string(path).at(path)?;
        return Ok(text.lines().next().unwrap_or_default().to_owned());
    }
    if let Some(value) = std::env::var_os(VARIABLE) {
        return match value.into_string() {
            Ok(text) => Ok(text),
            Err(_) => bail!("{VARIABLE} is no text"),
        };
    }
    let stdin = std::io::stdin();
    let password = match stdin.is_terminal() {
        true => asked(purpose)?,
        false => {
            let mut line = String::new();
            if stdin.lock().read_line(&mut line)? == 0 {
                bail!(
                    "{}: there is nobody to ask on standard input; give --password-file FILE or {VARIABLE}",
                    purpose.words()
                );
            }
            line.trim_end_matches(['\r', '\n']).to_owned()
        }
    };
    // While the terminal waits, Ctrl-C is only noted.
    stop::check()?;
    Ok(password)
}

fn asked(purpose: &Purpose) -> Result<String> {
    let first = rpassword::prompt_password(format!("{}: ", purpose.words()))?;
    if let Purpose::Make = purpose
        && rpassword::prompt_password("the same again: ")? != first
    {
        bail!("the two passwords differ; no key was made");
    }
    Ok(first)
}

impl Purpose {
    fn words(&self) -> String {
        match self {
            Purpose::Use(file) => format!("password of {file}"),
            Purpose::Make => "password of the new key".into(),
        }
    }
}
