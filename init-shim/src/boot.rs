// SPDX-License-Identifier: MIT OR Apache-2.0
//! The life of PID 1: mounts, consoles, and one program after the other.

use core::ffi::CStr;

use rustix::fs::{CWD, Mode, OFlags, openat};
use rustix::system::{RebootCommand, reboot};

use crate::cmdline::Options;
use crate::kmsg::{self, Kmsg};
use crate::shutdown::{Then, shutdown};
use crate::signal::Signals;
use crate::system::{Pace, System, must_stay, past_no_return};
use crate::takeover::{self, Handover};
use crate::verdict::{self, End, Program, Situation, Verdict};
use crate::watchdog::Watchdogs;
use crate::{consoles, errno, fallback_console, file, kernel, mount, supervise};

/// A program that ran for less than this, in milliseconds, would fail in the same
/// way if it were started again.
const BRIEF: u64 = 2000;
/// Seconds before a reboot into the old system.
const COUNTDOWN: u64 = 15;

/// The whole life of PID 1.
pub fn run<'a>(arguments: impl Iterator<Item = &'a CStr>) -> ! {
    let handover = takeover::from_arguments(arguments);
    hold_standard_descriptors();
    // Errors of mounting are reported after the consoles were opened.
    let dev = mount::dev();
    let kmsg = Kmsg::open();
    if handover.is_none() {
        kmsg.line(concat!("/init ", env!("CARGO_PKG_VERSION"), " runs"));
    }
    takeover::catch_faults();
    if let Some((handover, _)) = &handover {
        takeover::remember_handover(handover);
    }
    let signals = match Signals::open() {
        Ok(signals) => signals,
        Err(_) => takeover::restart("/init cannot receive signals"),
    };
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
        signals,
        watchdogs: Watchdogs::default(),
    };
    for (target, error) in failed {
        let target = target.to_str().unwrap_or("?");
        let number = error.raw_os_error();
        system.say(format_args!(
            "cannot mount {target}: {} (errno {number})",
            errno::meaning(number)
        ));
    }
    log_consoles(&system);
    run_programs(&mut system, handover)
}

/// Settings of the kernel for this boot.
fn settings(options: Options) {
    kmsg::quiet(options);
    // After the point of no return this is an /init that took over, and the
    // agent has put these back.
    if !past_no_return() {
        set_panics(options);
    }
    // Ctrl-Alt-Del asks PID 1 instead of resetting the machine.
    let _ = reboot(RebootCommand::CadOff);
}

/// While the old system is one reboot away, a kernel that is in trouble
/// reboots. The agent puts this back at the point of no return.
fn set_panics(options: Options) {
    // A choice on the command line stays.
    let mut buffer = [0; 16];
    if let Ok(b"0\n") = file::read(c"/proc/sys/kernel/panic", &mut buffer) {
        let _ = file::write(c"/proc/sys/kernel/panic", b"10");
    }
    if !options.migrate {
        return;
    }
    // A disk may be slow, and a guest may wait for its processors: the times
    // are longer than the kernel's own.
    let mut seconds = heapless::String::<24>::new();
    let _ = core::fmt::Write::write_fmt(&mut seconds, format_args!("{}", options.patience()));
    for (path, value) in [
        (
            c"/proc/sys/kernel/hung_task_timeout_secs",
            seconds.as_bytes(),
        ),
        (c"/proc/sys/kernel/watchdog_thresh", b"30"),
        (c"/proc/sys/kernel/hung_task_panic", b"1"),
        (c"/proc/sys/kernel/softlockup_panic", b"1"),
        (c"/proc/sys/kernel/hardlockup_panic", b"1"),
        (c"/proc/sys/kernel/panic_on_oops", b"1"),
    ] {
        // Not every kernel has all of them.
        let _ = file::write(path, value);
    }
}

/// A kernel without any console opens nothing as 0, 1 and 2. The files that are
/// opened next must not get these numbers: [`release_standard_descriptors`]
/// closes them, and the programs write to them.
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

/// Runs one program after the other, for ever.
fn run_programs(system: &mut System, handover: Option<(Handover, &str)>) -> ! {
    let mut verdict = Verdict::Agent;
    if let Some((handover, reason)) = handover {
        system.say(format_args!("{reason}; it started again in its place"));
        verdict = match handover.running() {
            Some(running) => {
                let program = running.program;
                let end = supervise::wait_for(system, running);
                // It was not started just now.
                decide(system, program, end, false)
            }
            None => Verdict::without_program(situation(system, false)),
        };
    }
    loop {
        verdict = match verdict {
            Verdict::Agent => run_program(system, Program::Agent),
            Verdict::Console => run_program(system, Program::Console),
            Verdict::Migration => run_program(system, Program::Migration),
            Verdict::FallbackConsole => fallback_console::run(system),
            Verdict::Countdown => count_down(system),
            Verdict::Reboot => {
                shutdown(system, Then::Reboot);
                Verdict::FallbackConsole
            }
            Verdict::PowerOff => {
                shutdown(system, Then::PowerOff);
                Verdict::FallbackConsole
            }
        };
    }
}

fn run_program(system: &mut System, program: Program) -> Verdict {
    let started = kernel::milliseconds();
    let end = supervise::run(system, program);
    let brief = kernel::milliseconds().saturating_sub(started) < BRIEF;
    decide(system, program, end, brief)
}

fn situation(system: &System, brief: bool) -> Situation {
    Situation {
        migrate: system.options.migrate,
        past_no_return: past_no_return(),
        brief,
    }
}

/// Decides what comes next, and reports an end that the program did not choose.
fn decide(system: &mut System, program: Program, end: End, brief: bool) -> Verdict {
    let situation = situation(system, brief);
    if !verdict::is_orderly(program, end) {
        let name = match program {
            Program::Agent => "the migration program (/bin/replant tiny)",
            Program::Console => "the recovery console (/bin/replant console)",
            Program::Migration => "the migration program (/bin/replant migrate)",
        };
        system.say(format_args!("{name} {end}"));
        system.say(format_args!(
            "{}",
            match (
                situation.past_no_return,
                system.options.resumes && !must_stay()
            ) {
                (true, false) => {
                    "the disk is half rewritten: do not switch off; go on with the migration"
                }
                (true, true) => "the disk is half rewritten; the migration can go on",
                (false, _) => "nothing on the disk was changed",
            }
        ));
    }
    Verdict::after(program, end, situation)
}

/// Announces the reboot into the old system; a key opens the console instead.
fn count_down(system: &mut System) -> Verdict {
    // Keys from before the announcement do not count. They are read before it is
    // shown, because keys typed during it do count.
    loop {
        let events = system.wait(None, Pace::Free, 0);
        if events.interrupted {
            return Verdict::Reboot;
        }
        if events.typed.is_empty() {
            break;
        }
    }
    system.say(format_args!(
        "rebooting into the old system in {COUNTDOWN} seconds; press any key for a console"
    ));
    let start = kernel::milliseconds();
    let mut shown = 0;
    loop {
        let seconds = kernel::milliseconds().saturating_sub(start) / 1000;
        if seconds >= COUNTDOWN {
            system.consoles.put(b"\r\n");
            return Verdict::Reboot;
        }
        if seconds > shown {
            shown = seconds;
            let _ = core::fmt::Write::write_fmt(
                &mut system.consoles,
                format_args!("\r{:2} ", COUNTDOWN - seconds),
            );
        }
        let events = system.wait(None, Pace::Free, 200);
        system.reap(None);
        if events.interrupted {
            return Verdict::Reboot;
        }
        // A cable that is plugged in, or a wrong speed, makes NULs and worse.
        if events
            .typed
            .iter()
            .any(|key| matches!(key, b'\r' | b'\n' | 0x03 | 0x1b | b' '..=b'~'))
        {
            system.say(format_args!("a key was pressed: no reboot"));
            return Verdict::Console;
        }
    }
}
