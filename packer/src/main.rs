// SPDX-License-Identifier: MIT OR Apache-2.0
//! `replant-pack`: the build machine's tool.

// Documentation of public items is required of the libraries, not of a program.
#![allow(missing_docs)]

mod archive;
mod build;
mod bundle;
mod capture;
mod cli;
mod file;
#[cfg(test)]
mod fuzz;
mod initramfs;
mod layout;
mod leave_out;
mod output;
mod package;
mod program;
mod programs;
mod progress;
mod sign;
mod stop;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    match stop::listen().and_then(|()| cli::Cli::parse().run()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("replant-pack: {error}");
            ExitCode::FAILURE
        }
    }
}
