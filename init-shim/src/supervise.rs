// SPDX-License-Identifier: MIT OR Apache-2.0
//! Supervising one program from its start to its end.

use contract::path::CONSOLE_BUSY;
use rustix::io::Errno;
use rustix::process::{
    Pid, Signal, WaitOptions, WaitStatus, kill_process_group, test_kill_process, waitpid,
};

use crate::child::{self, Running};
use crate::patience::Patience;
use crate::stop::{self, Action, Stop};
use crate::system::{Pace, System, past_no_return};
use crate::unattended::Unattended;
use crate::verdict::{End, Program};
use crate::{file, kernel, takeover};

/// Starts `program` and returns how it ended.
pub fn run(system: &mut System, program: Program) -> End {
    stop::reset();
    // A console that was killed may have left it.
    let _ = rustix::fs::unlink(CONSOLE_BUSY);
    match child::start(program, &system.consoles) {
        Ok(running) => wait_for(system, running),
        Err(error) => End::NotStarted(error.raw_os_error()),
    }
}

/// Supervises a program that runs, and returns how it ended.
pub fn wait_for(system: &mut System, mut running: Running) -> End {
    takeover::remember(&running);
    let kills_before = kills_for_memory();
    let pace = match running.program {
        Program::Agent | Program::Migration => Pace::Free,
        Program::Console => Pace::Slowest,
    };
    // A dead child exists until it is reaped. If it does not exist, the /init
    // that reaped it has failed since.
    let was_reaped = test_kill_process(running.pid) == Err(Errno::SRCH);
    let mut stop = Stop::default();
    let limit = system.options.patience().saturating_mul(1000);
    let mut patience = Patience::new(limit, kernel::milliseconds());
    let mut unattended = Unattended::new(system);
    let mut watches = false;
    let end = loop {
        if was_reaped {
            break End::Unseen;
        }
        let events = system.wait(Some(&mut running.pty), pace, 1000);
        if let (Some(status), _) = system.reap(Some(running.pid)) {
            break end(status, kills_before);
        }
        if running.program == Program::Console {
            let busy = file::exists(CONSOLE_BUSY);
            if unattended.is_over(system, &events.typed, busy) {
                break End::Unattended;
            }
        }
        if !watches && goes_on_by_itself(system, &running) {
            watches = true;
            // Keys that were typed before, as in the firmware's menu, do not
            // count.
            system.consoles.watch_escape();
            system.say(format_args!(
                "this goes on by itself, after a power cut, too; Esc pressed twice opens the console"
            ));
        }
        let mut action = stop.keys(system, &mut running, &events.typed);
        if watches && system.consoles.is_escaped() {
            stop.begin(system, &mut running);
        }
        if action == Action::Wait {
            action = stop.check_time(system, &mut running);
        }
        let reason = match action {
            Action::Kill => {
                let ended = stop::kill(system, &mut running);
                break match ended.map(|status| end(status, kills_before)) {
                    // It has just ended by itself.
                    Some(End::Status(status)) => End::Status(status),
                    _ => End::Stopped,
                };
            }
            Action::Reboot => Some(Reason::Asked),
            Action::Wait if events.interrupted => Some(Reason::CtrlAltDel),
            Action::Wait if is_hung(system, &running, &mut patience) => Some(Reason::Hung),
            Action::Wait => None,
        };
        let Some(reason) = reason else { continue };
        match give_up(system, running.pid, reason) {
            GiveUp::Reboot => break reason.end(),
            GiveUp::Ended(status) => break end(status, kills_before),
            GiveUp::TooLate => stop.ask(system, &mut running),
        }
    };
    stop.close_question(system, &mut running);
    // Helpers that it left behind, in sessions of their own, must not write
    // beside the next agent. After an orderly end of the console those that a
    // person started there stay.
    if running.program != Program::Console {
        kernel::signal_everybody(kernel::SIGKILL);
    } else if !matches!(end, End::Status(_)) {
        let _ = kill_process_group(running.pid, Signal::KILL);
    }
    // Its last output is still in the pseudo-terminal. An orphan that has it
    // open could go on writing for ever, so there is a limit.
    let limit = kernel::milliseconds().saturating_add(2000);
    while running.pty.copy_output(&mut system.consoles) && kernel::milliseconds() < limit {
        while pace == Pace::Slowest && system.consoles.is_behind() {
            system.wait(None, pace, 20);
        }
    }
    takeover::forget();
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

/// Whether this is a migration that only a person stops.
fn goes_on_by_itself(system: &System, running: &Running) -> bool {
    running.program != Program::Console && system.options.resumes && past_no_return()
}

/// Whether an unattended migration has stopped making progress while it can still
/// be given up. At any other time a person decides.
fn is_hung(system: &System, running: &Running, patience: &mut Patience) -> bool {
    let mut buffer = [0; 24];
    // What cannot be read counts as no progress.
    let text = file::read(contract::path::PROGRESS, &mut buffer).unwrap_or_default();
    let progress = core::str::from_utf8(text.trim_ascii()).map_or(0, |t| t.parse().unwrap_or(0));
    patience.is_over(kernel::milliseconds(), progress)
        && running.program == Program::Agent
        && system.options.migrate
        && !past_no_return()
}

/// Why the migration is to be given up for the old system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reason {
    CtrlAltDel,
    Asked,
    Hung,
}

impl Reason {
    fn end(self) -> End {
        match self {
            Reason::CtrlAltDel | Reason::Asked => End::CtrlAltDel,
            Reason::Hung => End::Hung,
        }
    }
}

/// The result of an attempt to give up the migration.
enum GiveUp {
    Reboot,
    /// The point of no return is passed: the program goes on.
    TooLate,
    /// The program ended by itself just then.
    Ended(WaitStatus),
}

/// Longest time, in milliseconds, that a program which waits for a disk gets to
/// stop. Its output is not shown in this time.
const STOPPING: u64 = 2000;

/// Gives the running program up for the old system, if that can be. The program
/// is stopped first, with all that it may have started, and the mark of the
/// point of no return is looked for afterwards: so the mark cannot be set in
/// between. A program that hangs in the kernel does not report that it is
/// stopped; but it is, before it does anything else.
fn give_up(system: &mut System, pid: Pid, reason: Reason) -> GiveUp {
    kernel::signal_everybody(kernel::SIGSTOP);
    let end = kernel::milliseconds().saturating_add(STOPPING);
    let options = WaitOptions::UNTRACED | WaitOptions::NOHANG;
    let mut ended = None;
    while kernel::milliseconds() < end {
        match waitpid(Some(pid), options) {
            Ok(Some((_, status))) if status.stopped() => break,
            Ok(Some((_, status))) => {
                ended = Some(status);
                break;
            }
            Ok(None) => {
                system.wait(None, Pace::Free, 5);
            }
            Err(_) => break,
        }
    }
    if let Some(status) = ended {
        kernel::signal_everybody(kernel::SIGCONT);
        return GiveUp::Ended(status);
    }
    if past_no_return() {
        kernel::signal_everybody(kernel::SIGCONT);
        if reason == Reason::CtrlAltDel {
            system.say(format_args!(
                "Ctrl-Alt-Del is ignored: the disk is being rewritten. Do not switch off"
            ));
        }
        return GiveUp::TooLate;
    }
    match reason {
        Reason::CtrlAltDel => system.say(format_args!(
            "Ctrl-Alt-Del: the disk is as it was; rebooting"
        )),
        Reason::Asked => {}
        Reason::Hung => {
            let seconds = system.options.patience();
            system.say(format_args!(
                "nothing has moved for {seconds} seconds, and the disk is as it was: back to the old system"
            ));
        }
    }
    GiveUp::Reboot
}
