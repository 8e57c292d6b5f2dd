// SPDX-License-Identifier: MIT OR Apache-2.0
//! The tiny system's entry point, started by /init: does what the kernel's
//! command line says.

pub mod boot;
mod choice;
pub mod console;
mod disks;
mod elsewhere;
mod failure;
mod guard;
pub mod lifeboat;
pub mod steps;
mod survey;

pub use elsewhere::{BadElsewhere, Elsewhere};

use crate::cmdline::{self, Cmdline, Mode};
use crate::device::Devices;
use crate::report::{self, Reporter};
use crate::{paths, stop};
use contract::Exit;
use std::path::Path;
use steps::{Context, Failure, Next};
use sys::{FileError, cannot};

/// Why the tiny system could not even begin.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(
        "this is not the tiny system ({0}): survey, rehearse, migrate and console work only there; here use replant check and replant stage"
    )]
    NotTiny(String),
    #[error("{0}; is this the tiny system?")]
    File(#[from] FileError),
    #[error(transparent)]
    Device(#[from] crate::device::Error),
}

/// Refuses any system but the tiny one.
pub fn require() -> Result<(), Error> {
    match guard::Signs::read().missing() {
        Some(sign) => Err(Error::NotTiny(sign)),
        None => Ok(()),
    }
}

/// Does what is asked for by hand, otherwise what the kernel's command line
/// says; returns what /init is to do next. `payload` is where the payload is,
/// if not on the disk.
pub fn run(by_hand: Option<Mode>, payload: Option<Elsewhere>) -> Result<Exit, Error> {
    require()?;
    std::fs::create_dir_all(paths::RUN).map_err(cannot("create the directory", paths::RUN))?;
    let text = cmdline::read(cmdline::PATH)?;
    stop::watch(Path::new(paths::STOP));
    let cmdline = Cmdline::parse(&text);
    let mode = by_hand.unwrap_or(cmdline.mode);
    let power = Power::of(mode, &cmdline);
    let reporter = Reporter::tiny(cmdline.json.as_deref(), power.note());
    report::install(&reporter);
    reporter.line(&format!(
        "replant {}: {}",
        env!("CARGO_PKG_VERSION"),
        describe(mode, power)
    ));
    for word in &cmdline.unknown {
        reporter.line(&format!(
            "warning: nobody knows \"{word}\" on the kernel's command line"
        ));
    }
    for renamed in &cmdline.renamed {
        reporter.line(&renamed.to_string());
    }
    if mode == Mode::Console {
        // A running watchdog would reset the machine while a person uses it.
        match Devices::open(&text) {
            Ok(mut devices) => devices.watchdogs(),
            Err(error) => reporter.line(&format!("warning: {error}")),
        }
        return Ok(Exit::Console);
    }
    let begun = paths::begun();
    let needs_whole_image = needs_whole_image(mode, begun);
    let image = crate::device::check_image(Path::new("/")).map(|_| ());
    if let (Err(error), false) = (&image, needs_whole_image) {
        reporter.line(&format!("warning: {error}"));
    }
    if mode == Mode::Rehearse && begun {
        reporter.line(
            "the disk is being rewritten already, so there is nothing to rehearse; type: migrate",
        );
        return Ok(Exit::Console);
    }
    let mut context = Context::new(reporter, cmdline, Devices::open(&text)?);
    context.elsewhere = match payload {
        None => elsewhere::named(Path::new(paths::PAYLOAD_FROM))?,
        named => named,
    };
    let result = match mode {
        Mode::Survey | Mode::Console => {
            survey::print(&mut context);
            return Ok(Exit::Console);
        }
        _ if image.is_err() && needs_whole_image => {
            image.map(|()| Next::Nothing).map_err(|error| Failure {
                step: "initramfs",
                past_no_return: false,
                error: Box::new(error.into()),
            })
        }
        Mode::Rehearse => steps::rehearse(&mut context).map(|()| Next::Nothing),
        Mode::Migrate => steps::migrate(&mut context, begun, by_hand.is_some()),
    };
    Ok(end(&mut context, mode, by_hand.is_some(), result))
}

/// Whether an incomplete initramfs stops this: before the point of no return it
/// is refused, and later it cannot be helped.
fn needs_whole_image(mode: Mode, begun: bool) -> bool {
    !begun && matches!(mode, Mode::Rehearse | Mode::Migrate)
}

fn end(context: &mut Context, mode: Mode, by_hand: bool, result: Result<Next, Failure>) -> Exit {
    match (result, mode) {
        (Ok(Next::Again), _) => {
            context.reporter.line(
                "this machine is ready; it restarts, to show that it comes back by replant's loader",
            );
            Exit::Reboot
        }
        (Ok(Next::Nothing), Mode::Migrate) => {
            context
                .reporter
                .line("this migration is done already; there is nothing to do");
            Exit::Console
        }
        (Ok(_), Mode::Rehearse) => {
            context
                .reporter
                .line("this machine can be migrated; nothing was changed");
            Exit::Console
        }
        (Ok(_), _) => {
            context
                .reporter
                .line("the new system is in place; restarting");
            Exit::Reboot
        }
        (Err(failure), _) => failure::handle(context, &failure, mode, by_hand),
    }
}

/// What happens if the machine is switched off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Power {
    /// Nothing: it is not being changed.
    Free,
    /// Nothing: the migration goes on when it is switched on again.
    Resumes,
    /// It would be without a system.
    Needed,
}

impl Power {
    fn of(mode: Mode, cmdline: &Cmdline) -> Power {
        match (mode, cmdline.lifeboat) {
            (Mode::Migrate, Some(_)) => Power::Resumes,
            (Mode::Migrate, None) => Power::Needed,
            _ => Power::Free,
        }
    }

    /// What stands beside the progress.
    fn note(self) -> &'static str {
        match self {
            Power::Free => "",
            Power::Resumes => "You may switch off",
            Power::Needed => "Do not switch off",
        }
    }
}

fn describe(mode: Mode, power: Power) -> &'static str {
    match (mode, power) {
        (Mode::Survey, _) => "looking at this machine; nothing will be changed",
        (Mode::Rehearse, _) => "rehearsing; nothing will be changed",
        (Mode::Migrate, Power::Resumes) => {
            "replacing the operating system of this machine; you may switch it off at any time"
        }
        (Mode::Migrate, _) => {
            "replacing the operating system of this machine; do not switch it off"
        }
        (Mode::Console, _) => "console",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_migration_without_a_record_needs_the_power() {
        let of = |line: &str| {
            let cmdline = Cmdline::parse(line);
            let power = Power::of(cmdline.mode, &cmdline);
            (power.note(), describe(cmdline.mode, power))
        };
        let address = "replant.lifeboat=000102030405060708090a0b0c0d0e0f,9,7,16,8";
        let (note, text) = of("replant=migrate");
        assert_eq!(note, "Do not switch off");
        assert!(text.ends_with("do not switch it off"));
        let (note, text) = of(&format!("replant=migrate {address}"));
        assert_eq!(note, "You may switch off");
        assert!(text.ends_with("you may switch it off at any time"));
        assert_eq!(of(&format!("replant=survey {address}")).0, "");
    }

    #[test]
    fn an_image_that_is_not_whole_stops_what_would_write() {
        let stops = |begun| {
            [Mode::Survey, Mode::Rehearse, Mode::Migrate].map(|mode| needs_whole_image(mode, begun))
        };
        assert_eq!(stops(false), [false, true, true]);
        assert_eq!(stops(true), [false; 3]);
    }
}
