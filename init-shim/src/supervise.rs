// SPDX-License-Identifier: MIT OR Apache-2.0
//! Looking after one program from its start to its end.

use rustix::io::Errno;
use rustix::process::{
    Pid, Signal, WaitOptions, WaitStatus, kill_process_group, test_kill_process, waitpid,
};

use crate::link::Link;
use crate::status::{End, Program};
use crate::system::{Pace, System, past_no_return};
use crate::{child, file, kernel, rescue};

/// A program that runs.
pub struct Running {
    /// Which one it is.
    pub program: Program,
    /// Its process.
    pub pid: Pid,
    /// Its connection to the consoles.
    pub link: Link,
}

/// Starts `program` and stays with it until it ends.
pub fn run(system: &mut System, program: Program) -> End {
    match child::start(program, &system.consoles) {
        Ok((pid, link)) => follow(system, Running { program, pid, link }),
        Err(error) => End::NotStarted(error.raw_os_error()),
    }
}

/// Stays with a program that runs until it ends.
pub fn follow(system: &mut System, mut running: Running) -> End {
    rescue::remember(&running);
    let kills_before = kills_for_memory();
    let pace = match running.program {
        Program::Agent => Pace::Never,
        Program::Console => Pace::Slowest,
    };
    // A child that is dead is there until it is reaped. If that is done, the
    // /init that did it has failed since.
    let is_gone = test_kill_process(running.pid) == Err(Errno::SRCH);
    let end = loop {
        if is_gone {
            break End::Unseen;
        }
        let events = system.wait(Some(&mut running.link), pace, 1000);
        if let (Some(status), _) = system.reap(Some(running.pid)) {
            break end(status, kills_before);
        }
        if events.interrupted {
            match interrupt(system, running.pid) {
                Interrupt::Reboot => break End::CtrlAltDel,
                Interrupt::Ended(status) => break end(status, kills_before),
                Interrupt::Ignored => {}
            }
        }
    };
    // Helpers that it left behind must not write beside the next agent. What a
    // person started on the console, and left by himself, stays.
    if running.program == Program::Agent || !matches!(end, End::Status(_)) {
        let _ = kill_process_group(running.pid, Signal::KILL);
    }
    // What it said last is still in the channel. An orphan that holds the
    // other end could go on talking for ever, so there is a limit.
    let limit = kernel::milliseconds().saturating_add(2000);
    while running.link.show(&mut system.consoles) && kernel::milliseconds() < limit {
        while pace == Pace::Slowest && system.consoles.is_behind() {
            system.wait(None, pace, 20);
        }
    }
    rescue::forget();
    end
}

fn end(status: WaitStatus, kills_before: u64) -> End {
    match status.terminating_signal() {
        Some(number) => End::Signal {
            number,
            out_of_memory: kills_for_memory() > kills_before,
        },
        None => End::Status(status.exit_status().unwrap_or(-1)),
    }
}

/// How often the kernel killed a process for want of memory.
fn kills_for_memory() -> u64 {
    let mut buffer = [0; 16384];
    let vmstat = file::read(c"/proc/vmstat", &mut buffer).unwrap_or_default();
    file::number(vmstat, b"oom_kill").unwrap_or(0)
}

/// What Ctrl-Alt-Del came to.
enum Interrupt {
    Reboot,
    Ignored,
    /// The program ended by itself just then.
    Ended(WaitStatus),
}

/// Longest time, in milliseconds, that a program which waits for a disk gets to
/// stop. Its output is not carried on in this time.
const STOPPING: u64 = 2000;

/// Ctrl-Alt-Del while a program runs. The program is stopped first, with all
/// that it may have started, and the mark is looked for afterwards: so the mark
/// cannot be set in between.
fn interrupt(system: &mut System, pid: Pid) -> Interrupt {
    kernel::signal_everybody(kernel::SIGSTOP);
    let end = kernel::milliseconds().saturating_add(STOPPING);
    let options = WaitOptions::UNTRACED | WaitOptions::NOHANG;
    let mut ended = None;
    let stopped = loop {
        match waitpid(Some(pid), options) {
            Ok(Some((_, status))) if status.stopped() => break true,
            Ok(Some((_, status))) => ended = Some(status),
            Ok(None) if kernel::milliseconds() < end => {
                system.wait(None, Pace::Never, 5);
                continue;
            }
            _ => {}
        }
        break false;
    };
    if stopped && !past_no_return() {
        system.say(format_args!(
            "Ctrl-Alt-Del: the disk is as it was; rebooting"
        ));
        return Interrupt::Reboot;
    }
    kernel::signal_everybody(kernel::SIGCONT);
    if let Some(status) = ended {
        return Interrupt::Ended(status);
    }
    system.say(format_args!(
        "{}",
        match past_no_return() {
            true => "Ctrl-Alt-Del is ignored: the disk is being rewritten. Do not switch off",
            false => "Ctrl-Alt-Del came while the program was busy; press it again",
        }
    ));
    Interrupt::Ignored
}
