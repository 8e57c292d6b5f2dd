// SPDX-License-Identifier: MIT OR Apache-2.0
//! What /init starts: does what the kernel's command line says.

mod commands;
mod failure;
mod guard;
mod survey;

pub use commands::CONSOLE_COMMANDS;

use crate::cli::{EXIT_CONSOLE, EXIT_REBOOT};
use crate::cmdline::{Cmdline, Mode};
use crate::device::Devices;
use crate::paths;
use crate::report::{self, Reporter};
use crate::steps::{self, Context, Failure};
use std::path::Path;

/// Why the tiny system could not even begin.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Another system, which works and must not be touched.
    #[error(
        "this is not the tiny system ({0}): report, verify and migrate work only there; here use replant check and replant stage"
    )]
    NotTiny(String),
    /// The kernel's command line, or a directory for the log.
    #[error("{path}: {source}; is this the tiny system?")]
    Begin {
        /// The file.
        path: &'static str,
        /// The system's error.
        source: std::io::Error,
    },
    /// Devices and modules.
    #[error(transparent)]
    Device(#[from] crate::device::Error),
}

/// What is asked for, by the command line or by a person in the console.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Task {
    /// What the kernel's command line says.
    Cmdline,
    /// Says what is found.
    Report,
    /// All that comes before the point of no return.
    Verify,
    /// All.
    Migrate {
        /// Goes on with the payload that is in RAM.
        resume: bool,
    },
}

/// Does the task; returns the exit status that /init acts on.
///
/// # Errors
/// [`Error`] when not even the devices could be looked for.
pub fn run(task: Task) -> Result<u8, Error> {
    if let Some(sign) = guard::Signs::read().missing() {
        return Err(Error::NotTiny(sign));
    }
    std::fs::create_dir_all(paths::RUN).map_err(|source| Error::Begin {
        path: paths::RUN,
        source,
    })?;
    let text = std::fs::read_to_string("/proc/cmdline").map_err(|source| Error::Begin {
        path: "/proc/cmdline",
        source,
    })?;
    let cmdline = Cmdline::parse(&text);
    let mode = match task {
        Task::Cmdline => cmdline.mode,
        Task::Report => Mode::Report,
        Task::Verify => Mode::Verify,
        Task::Migrate { .. } => Mode::Migrate,
    };
    let reporter = Reporter::tiny(cmdline.json.as_deref(), mode == Mode::Migrate);
    report::install(&reporter);
    reporter.line(&format!(
        "replant {}: {}",
        env!("CARGO_PKG_VERSION"),
        describe(mode)
    ));
    for word in &cmdline.unknown {
        reporter.line(&format!(
            "warning: nobody knows \"{word}\" on the kernel's command line"
        ));
    }
    if mode == Mode::Console {
        return Ok(EXIT_CONSOLE);
    }
    let work = Work::of(mode, paths::begun());
    let image = crate::device::check_image(Path::new("/")).map(|_| ());
    if let (Err(error), false) = (&image, work.needs_whole_image()) {
        reporter.line(&format!("warning: {error}"));
    }
    if work == Work::Refuse {
        reporter.line(
            "the disk is being rewritten already, so there is nothing to rehearse; type: migrate",
        );
        return Ok(EXIT_CONSOLE);
    }
    let mut context = Context::new(reporter, cmdline, Devices::open(&text)?);
    let result = match work {
        _ if image.is_err() && work.needs_whole_image() => image.map_err(|error| Failure {
            step: "initramfs",
            past_no_return: false,
            error: Box::new(error.into()),
        }),
        Work::Resume => steps::resume(&mut context),
        Work::Migrate => steps::run(&mut context),
        Work::Rehearse => steps::rehearse(&mut context),
        Work::Survey | Work::Refuse => {
            survey::print(&mut context);
            return Ok(EXIT_CONSOLE);
        }
    };
    Ok(end(&mut context, task, mode, result))
}

/// What a mode comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Work {
    /// Looks.
    Survey,
    /// Does the steps before the point of no return.
    Rehearse,
    /// Does all steps.
    Migrate,
    /// Goes on with what is in memory: the old root is gone.
    Resume,
    /// Nothing.
    Refuse,
}

impl Work {
    /// Once the migration has begun, whoever asks, the steps before the point
    /// of no return are never done again: they need the old root, and give
    /// the memory back that holds the new one.
    fn of(mode: Mode, begun: bool) -> Work {
        match (mode, begun) {
            (Mode::Report | Mode::Console, _) => Work::Survey,
            (Mode::Verify, false) => Work::Rehearse,
            (Mode::Verify, true) => Work::Refuse,
            (Mode::Migrate, false) => Work::Migrate,
            (Mode::Migrate, true) => Work::Resume,
        }
    }

    /// A module that is missing is found out before anything is written, not
    /// in the middle. Later it cannot be helped.
    fn needs_whole_image(self) -> bool {
        matches!(self, Work::Rehearse | Work::Migrate)
    }
}

fn end(context: &mut Context, task: Task, mode: Mode, result: Result<(), Failure>) -> u8 {
    let by_hand = task != Task::Cmdline;
    match (result, mode) {
        (Ok(()), Mode::Verify) => {
            context
                .reporter
                .line("this machine can be migrated; nothing was changed");
            EXIT_CONSOLE
        }
        (Ok(()), _) => {
            context
                .reporter
                .line("the new system is in place; restarting");
            EXIT_REBOOT
        }
        (Err(failure), _) => failure::handle(context, &failure, mode, by_hand),
    }
}

fn describe(mode: Mode) -> &'static str {
    match mode {
        Mode::Report => "looking at this machine; nothing will be changed",
        Mode::Verify => "rehearsing; nothing will be changed",
        Mode::Migrate => "replacing the operating system of this machine; do not switch it off",
        Mode::Console => "console",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_migration_that_has_begun_is_resumed_and_never_begun_again() {
        assert_eq!(Work::of(Mode::Migrate, false), Work::Migrate);
        assert_eq!(Work::of(Mode::Migrate, true), Work::Resume);
        assert_eq!(Work::of(Mode::Verify, false), Work::Rehearse);
        assert_eq!(Work::of(Mode::Verify, true), Work::Refuse);
        assert_eq!(Work::of(Mode::Report, true), Work::Survey);
    }

    #[test]
    fn an_image_that_is_not_whole_stops_what_would_write() {
        let strict = [Work::Rehearse, Work::Migrate];
        assert!(strict.iter().all(|w| w.needs_whole_image()));
        let lenient = [Work::Survey, Work::Resume, Work::Refuse];
        assert!(lenient.iter().all(|w| !w.needs_whole_image()));
    }
}
