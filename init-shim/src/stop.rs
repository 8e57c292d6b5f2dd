// SPDX-License-Identifier: MIT OR Apache-2.0
//! Stops the program when a person asks for it: after a question, in an orderly
//! way if possible, and by force otherwise.

use contract::path::{FAILURE, STOP};
use heapless::Vec;
use rustix::process::WaitStatus;

use crate::child::Running;
use crate::question::{Answer, KEY, Question};
use crate::system::{Pace, System, past_no_return};
use crate::verdict::Program;
use crate::{file, kernel};

/// Longest time, in milliseconds, that the agent gets to stop by itself.
const ORDERLY: u64 = 20_000;
/// Longest time, in milliseconds, that a killed process gets to be gone.
const DYING: u64 = 5000;

/// The state of a request to stop the program.
#[derive(Default)]
pub struct Stop {
    question: Option<Question>,
    /// When a person confirmed it.
    since: Option<u64>,
}

/// What is to be done with the program.
#[derive(Debug, PartialEq, Eq)]
pub enum Action {
    /// Nothing: it goes on, or is stopping.
    Wait,
    /// Back to the old system.
    Reboot,
    /// It did not stop by itself.
    Kill,
}

/// Resets a request that was meant for an earlier program.
pub fn reset() {
    let _ = rustix::fs::unlink(STOP);
}

impl Stop {
    /// Asks on all consoles, unless that was done already. The program's
    /// output is shown afterwards.
    pub fn ask(&mut self, system: &mut System, running: &mut Running) {
        if self.question.is_some() || self.since.is_some() {
            return;
        }
        let question = Question::new(kernel::milliseconds(), past_no_return());
        running.pty.hold_output();
        system.consoles.put(b"\r\n");
        system.consoles.put_text(question.text().as_bytes());
        self.question = Some(question);
    }

    /// Takes keys that were typed on any console. Those that are not for the
    /// question go to the program.
    pub fn keys(&mut self, system: &mut System, running: &mut Running, keys: &[u8]) -> Action {
        let now = kernel::milliseconds();
        let mut others = Vec::<u8, 512>::new();
        let mut action = Action::Wait;
        for key in keys {
            let Some(question) = &mut self.question else {
                // On the console the key interrupts what a person started.
                if *key == KEY && running.program != Program::Console {
                    self.ask(system, running);
                } else {
                    let _ = others.push(*key);
                }
                continue;
            };
            let (edit, answer) = question.key(*key, now);
            system.consoles.echo(&edit);
            if let Some(answer) = answer {
                action = self.answer(system, running, answer);
            }
        }
        running.pty.type_in(&others);
        action
    }

    fn answer(&mut self, system: &mut System, running: &mut Running, answer: Answer) -> Action {
        self.close_question(system, running);
        match answer {
            Answer::Continue => system.say(format_args!("going on")),
            Answer::Reboot => return Action::Reboot,
            Answer::Console => self.begin(system, running),
        }
        Action::Wait
    }

    /// A person wants the console instead of the program.
    pub fn begin(&mut self, system: &mut System, running: &mut Running) {
        if self.since.is_some() {
            return;
        }
        self.close_question(system, running);
        self.since = Some(kernel::milliseconds());
        let _ = file::create(STOP, b"");
        system.say(format_args!("stopping; the console opens in a moment"));
    }

    /// Ends the question, whatever the answer: the program's output is shown
    /// again.
    pub fn close_question(&mut self, system: &mut System, running: &mut Running) {
        if self.question.take().is_some() {
            system.consoles.put(b"\r\n");
            running.pty.release_output(&mut system.consoles);
        }
    }

    /// Ends a question that nobody answers, and a program that does not stop.
    pub fn check_time(&mut self, system: &mut System, running: &mut Running) -> Action {
        let now = kernel::milliseconds();
        if self.question.as_ref().is_some_and(|q| q.is_timed_out(now)) {
            return self.answer(system, running, Answer::Continue);
        }
        let limit = match running.program {
            // Programs started from the console do not look for our file.
            Program::Console => 0,
            Program::Agent | Program::Migration => ORDERLY,
        };
        match self.since {
            Some(since) if now.saturating_sub(since) >= limit => Action::Kill,
            _ => Action::Wait,
        }
    }
}

/// Kills the program and all that it started, and returns how it ended. One
/// that hangs in the kernel is left alone.
pub fn kill(system: &mut System, running: &mut Running) -> Option<WaitStatus> {
    if running.program != Program::Console {
        let text: &[u8] = match past_no_return() {
            true => b"stopped by hand; it did not stop by itself and was killed\ntype: migrate\n",
            false => {
                b"stopped by hand; it did not stop by itself and was killed\n\
                the old system is unchanged; type: reboot\n"
            }
        };
        let _ = file::create(FAILURE, text);
    }
    let end = kernel::milliseconds().saturating_add(DYING);
    while kernel::milliseconds() < end {
        kernel::signal_everybody(kernel::SIGKILL);
        if let (Some(status), _) = system.reap(Some(running.pid)) {
            return Some(status);
        }
        system.wait(Some(&mut running.pty), Pace::Free, 100);
    }
    let pid = running.pid.as_raw_nonzero();
    system.say(format_args!(
        "process {pid} hangs in the kernel and cannot be ended; it is left alone (dmesg may say where)"
    ));
    None
}
