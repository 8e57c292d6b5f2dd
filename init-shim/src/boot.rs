// SPDX-License-Identifier: MIT OR Apache-2.0
//! From the first instruction to the first program, and what comes after each.

use core::ffi::CStr;

use rustix::fs::{CWD, Mode, OFlags, openat};
use rustix::system::{RebootCommand, reboot};

use crate::cmdline::Options;
use crate::finish::{Finish, finish};
use crate::kmsg::{self, Kmsg};
use crate::rescue::{self, Legacy};
use crate::signal::Signals;
use crate::status::{self, End, Next, Program, Situation};
use crate::system::{Pace, System, past_no_return};
use crate::{builtin, consoles, file, kernel, mount, supervise};

/// A program that ends before this, in milliseconds, would do so again.
const BRIEF: u64 = 2000;
/// Seconds before a reboot into the old system.
const COUNTDOWN: u64 = 15;

/// The whole life of PID 1.
pub fn run<'a>(arguments: impl Iterator<Item = &'a CStr>) -> ! {
    let legacy = rescue::from_arguments(arguments);
    hold_standard_descriptors();
    // Without /proc there is no list of console= names and without /dev no
    // console; what cannot be mounted is said as soon as it can be.
    let dev = mount::dev();
    let kmsg = Kmsg::open();
    if legacy.is_none() {
        kmsg.line(concat!("/init ", env!("CARGO_PKG_VERSION"), " runs"));
    }
    rescue::catch_faults();
    if let Some((legacy, _)) = &legacy {
        rescue::inherit(legacy);
    }
    let signals = Signals::open();
    let mut failed = heapless::Vec::<_, 8>::new();
    if let Err(error) = dev {
        let _ = failed.push((c"/dev", error));
    }
    mount::rest(|target, error| {
        let _ = failed.push((target, error));
    });

    let mut buffer = [0; 4096];
    let line = file::read(c"/proc/cmdline", &mut buffer).unwrap_or_default();
    let options = Options::parse(line);
    settings(options);
    let consoles = consoles::open(line);
    release_standard_descriptors();
    let mut system = System {
        consoles,
        kmsg,
        options,
        signals: signals.ok(),
    };
    for (target, error) in failed {
        let target = target.to_str().unwrap_or("?");
        let number = error.raw_os_error();
        system.say(format_args!(
            "cannot mount {target}: {} (errno {number})",
            status::error(number)
        ));
    }
    log_consoles(&system);
    go_on(&mut system, legacy)
}

/// Kernel settings that make an accident end well.
fn settings(options: Options) {
    kmsg::quiet(options);
    // A kernel panic is to end in a reboot; a choice on the command line stays.
    let mut buffer = [0; 16];
    if let Ok(b"0\n") = file::read(c"/proc/sys/kernel/panic", &mut buffer) {
        let _ = file::write(c"/proc/sys/kernel/panic", b"10");
    }
    // Ctrl-Alt-Del asks PID 1 instead of resetting the machine.
    let _ = reboot(RebootCommand::CadOff);
}

/// A kernel without any console opens nothing as 0, 1 and 2. These numbers must
/// not go to what is opened next: [`release_standard_descriptors`] closes them,
/// and the programs write to them.
fn hold_standard_descriptors() {
    while let Ok(root) = openat(CWD, c"/", OFlags::RDONLY, Mode::empty()) {
        if rustix::fd::AsRawFd::as_raw_fd(&root) > 2 {
            return;
        }
        core::mem::forget(root);
    }
}

/// The kernel opened /dev/console as 0, 1 and 2, in blocking mode. The consoles
/// are open by other descriptors now, so closing these waits for nothing.
fn release_standard_descriptors() {
    let Ok(null) = openat(CWD, c"/dev/null", OFlags::RDWR, Mode::empty()) else {
        return;
    };
    let _ = rustix::stdio::dup2_stdin(&null);
    let _ = rustix::stdio::dup2_stdout(&null);
    let _ = rustix::stdio::dup2_stderr(&null);
}

fn log_consoles(system: &System) {
    let mut text = heapless::String::<256>::new();
    let _ = text.push_str("consoles:");
    for name in system.consoles.names() {
        let _ = text.push(' ');
        let _ = text.push_str(name);
    }
    system.kmsg.line(&text);
}

/// Does one thing after the other, for ever.
fn go_on(system: &mut System, legacy: Option<(Legacy, &str)>) -> ! {
    let mut next = Next::Agent;
    if let Some((legacy, reason)) = legacy {
        system.say(format_args!("{reason}; it started again in its place"));
        next = match legacy.running() {
            Some(running) => {
                let program = running.program;
                let end = supervise::follow(system, running);
                // Nobody knows when it was started, but it was not just now.
                judge(system, program, end, false)
            }
            None => status::next_without_program(situation(system, false)),
        };
    }
    loop {
        next = match next {
            Next::Agent => look_after(system, Program::Agent),
            Next::Console => look_after(system, Program::Console),
            Next::BuiltIn => builtin::run(system),
            Next::Countdown => count_down(system),
            Next::Reboot => {
                finish(system, Finish::Reboot);
                Next::BuiltIn
            }
            Next::PowerOff => {
                finish(system, Finish::PowerOff);
                Next::BuiltIn
            }
        };
    }
}

fn look_after(system: &mut System, program: Program) -> Next {
    let started = kernel::milliseconds();
    let end = supervise::run(system, program);
    let brief = kernel::milliseconds().saturating_sub(started) < BRIEF;
    judge(system, program, end, brief)
}

fn situation(system: &System, brief: bool) -> Situation {
    Situation {
        migrate: system.options.migrate,
        past_no_return: past_no_return(),
        brief,
    }
}

/// Says what happened, if it is not what the program wanted, and decides.
fn judge(system: &mut System, program: Program, end: End, brief: bool) -> Next {
    let situation = situation(system, brief);
    if !status::is_orderly(program, end) {
        let name = match program {
            Program::Agent => "the migration program (/bin/replant tiny)",
            Program::Console => "the recovery console (/bin/replant console)",
        };
        system.say(format_args!("{name} {end}"));
        system.say(format_args!(
            "{}",
            match situation.past_no_return {
                true => "the disk is half rewritten: do not switch off; go on with the migration",
                false => "nothing on the disk was changed",
            }
        ));
    }
    status::next(program, end, situation)
}

/// The old system is one reboot away, and nobody may be here: go there, unless
/// somebody is and wants to look first.
fn count_down(system: &mut System) -> Next {
    // What was typed before the question is no answer; what is typed while it
    // is still being shown is one, so this comes first.
    loop {
        let events = system.wait(None, Pace::Never, 0);
        if events.interrupted {
            return Next::Reboot;
        }
        if events.typed.is_empty() {
            break;
        }
    }
    system.say(format_args!(
        "rebooting into the old system in {COUNTDOWN} seconds; press any key for a console"
    ));
    let start = kernel::milliseconds();
    let mut said = 0;
    loop {
        let seconds = kernel::milliseconds().saturating_sub(start) / 1000;
        if seconds >= COUNTDOWN {
            system.consoles.put(b"\r\n");
            return Next::Reboot;
        }
        if seconds > said {
            said = seconds;
            let _ = core::fmt::Write::write_fmt(
                &mut system.consoles,
                format_args!("\r{:2} ", COUNTDOWN - seconds),
            );
        }
        let events = system.wait(None, Pace::Never, 200);
        system.reap(None);
        if events.interrupted {
            return Next::Reboot;
        }
        // A line that is plugged in or at the wrong speed sends NULs and worse.
        if events
            .typed
            .iter()
            .any(|key| matches!(key, b'\r' | b'\n' | 0x03 | 0x1b | b' '..=b'~'))
        {
            system.say(format_args!("a key was pressed: no reboot"));
            return Next::Console;
        }
    }
}
