// SPDX-License-Identifier: MIT OR Apache-2.0
//! `replant`: one static binary for the old system and the tiny one.

#![deny(clippy::print_stdout, clippy::print_stderr)]

use replant::cli::{self, Command};
use replant::cmdline::Mode;
use replant::tiny::{self, Elsewhere, console};
use replant::{old, terminal};
use std::process::ExitCode;

fn main() -> ExitCode {
    // The kernel asks for a module by calling this name; the initramfs has a link
    // to it.
    let mut args = std::env::args_os().map(|arg| arg.to_string_lossy().into_owned());
    if args.next().is_some_and(|name| name.ends_with("/modprobe")) {
        return match replant::device::modprobe(args) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => fail(&error),
        };
    }
    let command = match cli::parse(std::env::args_os().skip(1)) {
        Ok(command) => command,
        Err(error) => return fail(&error),
    };
    let word = std::env::args().nth(1).unwrap_or_default();
    if let Some(mode) = Mode::renamed(word.as_bytes()) {
        terminal::complain(format_args!(
            "replant: {word} is called {} now",
            mode.name()
        ));
    }
    match command {
        Command::Help => print(cli::HELP),
        Command::Version => print(concat!("replant ", env!("CARGO_PKG_VERSION"), "\n")),
        Command::Completions => print(cli::COMPLETIONS),
        Command::Check {
            package,
            json,
            strict,
            trust,
        } => end(old::check(&package, json, strict, &trust)),
        Command::Stage(wish) => end(old::stage(&wish)),
        Command::Revert => end(old::revert()),
        Command::Status { json } => end(old::status(json)),
        Command::Tiny { mode, payload } => start_tiny(mode, payload),
        Command::Console => start_console(),
    }
}

fn print(text: &str) -> ExitCode {
    terminal::ask(text);
    ExitCode::SUCCESS
}

fn end(result: Result<(), old::Error>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            fail(&error);
            ExitCode::from(error.status())
        }
    }
}

fn start_tiny(mode: Option<Mode>, payload: Option<Elsewhere>) -> ExitCode {
    match tiny::run(mode, payload) {
        Ok(exit) => ExitCode::from(exit.status()),
        // /init treats this status as a failure: before the point of no return it
        // starts the old system, after it the console.
        Err(error) => fail(&error),
    }
}

fn fail(error: &dyn std::fmt::Display) -> ExitCode {
    terminal::complain(format_args!("replant: {error}"));
    ExitCode::FAILURE
}

fn start_console() -> ExitCode {
    // The console mounts devices and writes to them, so it must not run on a
    // working system.
    if let Err(error) = tiny::require() {
        return fail(&error);
    }
    let setup = console::Setup::default();
    let result = console::run(&setup, &mut std::io::stdin().lock(), &mut std::io::stdout());
    match result {
        Ok(exit) => exit.map_or(ExitCode::SUCCESS, |exit| ExitCode::from(exit.status())),
        Err(error) => fail(&error),
    }
}
