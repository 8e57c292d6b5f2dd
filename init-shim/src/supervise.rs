// SPDX-License-Identifier: MIT OR Apache-2.0
//! Looking after one program from its start to its end.

use rustix::process::{
    Pid, Signal, WaitOptions, WaitStatus, kill_process, kill_process_group, waitpid,
};

use crate::link::Link;
use crate::status::{End, Program};
use crate::system::{Pace, System};
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
    let end = loop {
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
    if running.program == Program::Agent {
        // Helpers that it left behind must not write beside the next agent.
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

/// Ctrl-Alt-Del while a program runs. The program is stopped first and the
/// mark looked for afterwards: so the mark cannot be set in between.
fn interrupt(system: &mut System, pid: Pid) -> Interrupt {
    let _ = kill_process(pid, Signal::STOP);
    let end = kernel::milliseconds().saturating_add(500);
    let options = WaitOptions::UNTRACED | WaitOptions::NOHANG;
    let stopped = loop {
        match waitpid(Some(pid), options) {
            Ok(Some((_, status))) if status.stopped() => break true,
            Ok(Some((_, status))) => return Interrupt::Ended(status),
            Ok(None) if kernel::milliseconds() < end => {}
            _ => break false,
        }
        system.wait(None, Pace::Never, 5);
    };
    let text = match (stopped, system.past_no_return()) {
        (true, false) => {
            system.say(format_args!(
                "Ctrl-Alt-Del: the disk is as it was; rebooting"
            ));
            return Interrupt::Reboot;
        }
        (false, false) => "Ctrl-Alt-Del came while the program was busy; press it again",
        (_, true) => "Ctrl-Alt-Del is ignored: the disk is being rewritten. Do not switch off",
    };
    let _ = kill_process(pid, Signal::CONT);
    system.say(format_args!("{text}"));
    Interrupt::Ignored
}
