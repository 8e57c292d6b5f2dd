// SPDX-License-Identifier: MIT OR Apache-2.0
//! `replant`: one static binary for the old system and the tiny one.

use replant::cli::{self, Command};
use replant::{console, stage, tiny};
use std::io::Write;
use std::process::ExitCode;

fn main() -> ExitCode {
    // The kernel's own way to ask for a module, through a link in the tiny system.
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
    match command {
        Command::Help => print(cli::HELP),
        Command::Version => print(concat!("replant ", env!("CARGO_PKG_VERSION"), "\n")),
        Command::Completions => print(cli::COMPLETIONS),
        Command::Check { package, json } => end(stage::check(&package, json)),
        Command::Stage {
            package,
            yes,
            reboot,
            append,
        } => end(stage::stage(&package, yes, reboot, &append)),
        Command::Revert => end(stage::revert()),
        Command::Status { json } => end(stage::status(json)),
        Command::Tiny => task(tiny::Task::Cmdline),
        Command::Report => task(tiny::Task::Report),
        Command::Verify => task(tiny::Task::Verify),
        Command::Migrate { resume } => task(tiny::Task::Migrate { resume }),
        Command::Console => start_console(),
    }
}

fn print(text: &str) -> ExitCode {
    // A closed pipe is the reader's decision.
    let _ = std::io::stdout().write_all(text.as_bytes());
    ExitCode::SUCCESS
}

fn end(result: Result<(), stage::Error>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&error),
    }
}

fn task(task: tiny::Task) -> ExitCode {
    match tiny::run(task) {
        Ok(status) => ExitCode::from(status),
        Err(error) => {
            // /init knows no such status: before the point of no return the
            // old system starts again, otherwise the console.
            fail(&error)
        }
    }
}

fn fail(error: &dyn std::error::Error) -> ExitCode {
    eprintln!("replant: {error}");
    ExitCode::FAILURE
}

fn start_console() -> ExitCode {
    let setup = console::Setup {
        extra: &tiny::CONSOLE_COMMANDS,
        signature: replant::locate::describe,
        ..console::Setup::default()
    };
    let result = console::run(&setup, &mut std::io::stdin().lock(), &mut std::io::stdout());
    match result {
        Ok(status) => ExitCode::from(status),
        Err(error) => fail(&error),
    }
}
