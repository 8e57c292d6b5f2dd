// SPDX-License-Identifier: MIT OR Apache-2.0
//! How a program ended, in words, and what /init does next.

use core::fmt;

use contract::Exit;

use crate::errno;

/// A program that /init supervises.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Program {
    /// `/bin/replant tiny`: does what the kernel's command line says.
    Agent,
    /// `/bin/replant console`: the recovery console.
    Console,
    /// `/bin/replant migrate`: the migration that a person started on
    /// the console.
    Migration,
}

/// How a program ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// It exited, with this status.
    Status(i32),
    /// A signal killed it.
    Signal {
        number: i32,
        /// The kernel killed some process for want of memory while it ran.
        out_of_memory: bool,
    },
    /// It could not be started; an errno.
    NotStarted(i32),
    /// Ctrl-Alt-Del, while nothing on the disk was changed yet.
    CtrlAltDel,
    /// A person stopped it, and it had to be killed.
    Stopped,
    /// It made no progress for too long, while nothing on the disk was changed yet.
    Hung,
    /// Nobody was in front of the console, and the migration can go on by itself.
    Unattended,
    /// It has ended, and the /init that knew how has failed.
    Unseen,
}

/// What the verdict depends on besides the program's end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Situation {
    /// `replant=migrate` is on the command line: the next boot is the old system's.
    pub migrate: bool,
    /// The old system is gone, or may be.
    pub past_no_return: bool,
    /// The program ended right after its start, and would do so again.
    pub brief: bool,
}

/// The action that follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Starts the agent.
    Agent,
    /// Starts the recovery console.
    Console,
    /// Starts the migration that a person asked for.
    Migration,
    /// Runs the console inside /init.
    FallbackConsole,
    /// Counts down, then reboots into the old system.
    Countdown,
    /// Reboots.
    Reboot,
    /// Switches the power off.
    PowerOff,
}

/// Whether `program` chose to end like this.
pub fn is_orderly(program: Program, end: End) -> bool {
    match end {
        End::Status(status) => match Exit::from_status(status) {
            Some(Exit::Migrate) => program == Program::Console,
            Some(_) => true,
            // End of input, or `exit`, at the console's prompt.
            None => status == 0 && program == Program::Console,
        },
        End::CtrlAltDel | End::Stopped | End::Hung | End::Unattended => true,
        End::Signal { .. } | End::NotStarted(_) | End::Unseen => false,
    }
}

impl Verdict {
    /// What to do after `program` ended like this.
    pub fn after(program: Program, end: End, situation: Situation) -> Verdict {
        let asked = match end {
            End::Status(status) => Exit::from_status(status),
            _ => None,
        };
        match (program, end, asked) {
            (_, End::CtrlAltDel | End::Hung, _) | (_, _, Some(Exit::Reboot)) => Verdict::Reboot,
            // Our loader starts this again, and nothing is left of what failed.
            (_, End::Unattended, _) => Verdict::Reboot,
            (_, _, Some(Exit::PowerOff)) => Verdict::PowerOff,
            (_, End::Stopped, _) | (Program::Agent, _, Some(Exit::Console)) => Verdict::Console,
            (Program::Agent, ..) if situation.migrate && !situation.past_no_return => {
                Verdict::Countdown
            }
            // The person who started it by hand is there.
            (Program::Agent | Program::Migration, ..) => Verdict::Console,
            (Program::Console, _, Some(Exit::Migrate)) => Verdict::Migration,
            (Program::Console, End::Status(0), _) | (Program::Console, _, Some(Exit::Console))
                if !situation.brief =>
            {
                Verdict::Console
            }
            (Program::Console, ..) => Verdict::FallbackConsole,
        }
    }

    /// What to do after /init failed while no program ran.
    pub fn without_program(situation: Situation) -> Verdict {
        match situation.migrate && !situation.past_no_return {
            true => Verdict::Countdown,
            false => Verdict::FallbackConsole,
        }
    }
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            End::Status(status) => write!(f, "ended with status {status}"),
            End::Signal {
                number,
                out_of_memory,
            } => {
                let (name, meaning) = signal(number);
                write!(f, "was killed by signal {number}")?;
                if !name.is_empty() {
                    write!(f, ", {name}")?;
                }
                if out_of_memory && number == 9 {
                    write!(f, " (the kernel ran out of memory)")?;
                } else if !meaning.is_empty() {
                    write!(f, " ({meaning})")?;
                }
                Ok(())
            }
            End::NotStarted(errno) => {
                write!(f, "could not be started: {}", errno::meaning(errno))?;
                write!(f, " (errno {errno})")
            }
            End::CtrlAltDel => f.write_str("was stopped by Ctrl-Alt-Del"),
            End::Stopped => f.write_str("was stopped by hand"),
            End::Hung => f.write_str("made no progress"),
            End::Unattended => f.write_str("was left alone"),
            End::Unseen => f.write_str("ended while /init did not look"),
        }
    }
}

/// Name and meaning of a signal of x86_64.
fn signal(number: i32) -> (&'static str, &'static str) {
    match number {
        1 => ("SIGHUP", "its terminal went away"),
        2 => ("SIGINT", "interrupted"),
        3 => ("SIGQUIT", "quit"),
        4 => (
            "SIGILL",
            "illegal instruction; a bug, or a CPU that is too old",
        ),
        5 => ("SIGTRAP", "breakpoint"),
        6 => ("SIGABRT", "it stopped itself; a bug"),
        7 => ("SIGBUS", "bus error; a disk or memory that failed"),
        8 => ("SIGFPE", "arithmetic error; a bug"),
        9 => ("SIGKILL", "somebody killed it"),
        10 => ("SIGUSR1", ""),
        11 => ("SIGSEGV", "bad memory access; a bug"),
        12 => ("SIGUSR2", ""),
        13 => ("SIGPIPE", "nobody reads its output"),
        14 => ("SIGALRM", ""),
        15 => ("SIGTERM", "somebody ended it"),
        24 => ("SIGXCPU", "limit of CPU time"),
        25 => ("SIGXFSZ", "limit of file size"),
        31 => ("SIGSYS", "system call refused"),
        _ => ("", ""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn situation(migrate: bool, past_no_return: bool) -> Situation {
        Situation {
            migrate,
            past_no_return,
            brief: false,
        }
    }

    const KILLED: End = End::Signal {
        number: 9,
        out_of_memory: false,
    };

    #[test]
    fn the_agent_chooses() {
        for s in [
            situation(true, true),
            situation(true, false),
            situation(false, false),
        ] {
            assert_eq!(
                Verdict::after(Program::Agent, End::Status(20), s),
                Verdict::Reboot
            );
            assert_eq!(
                Verdict::after(Program::Agent, End::Status(21), s),
                Verdict::PowerOff
            );
            assert_eq!(
                Verdict::after(Program::Agent, End::Status(22), s),
                Verdict::Console
            );
            assert_eq!(
                Verdict::after(Program::Console, End::Status(20), s),
                Verdict::Reboot
            );
            assert_eq!(
                Verdict::after(Program::Console, End::Status(21), s),
                Verdict::PowerOff
            );
            assert_eq!(
                Verdict::after(Program::Console, End::Status(0), s),
                Verdict::Console
            );
            assert_eq!(
                Verdict::after(Program::Console, KILLED, s),
                Verdict::FallbackConsole
            );
        }
    }

    #[test]
    fn a_migration_by_hand_comes_back_to_the_console() {
        for s in [situation(true, false), situation(true, true)] {
            let migrate = End::Status(23);
            assert_eq!(
                Verdict::after(Program::Console, migrate, s),
                Verdict::Migration
            );
            assert!(is_orderly(Program::Console, migrate));
            assert!(!is_orderly(Program::Agent, migrate));
            for end in [
                End::Status(22),
                End::Status(1),
                KILLED,
                End::Unseen,
                End::Stopped,
            ] {
                assert_eq!(Verdict::after(Program::Migration, end, s), Verdict::Console);
            }
            assert_eq!(
                Verdict::after(Program::Migration, End::Status(20), s),
                Verdict::Reboot
            );
            assert_eq!(
                Verdict::after(Program::Agent, End::Stopped, s),
                Verdict::Console
            );
            assert_eq!(
                Verdict::after(Program::Console, End::Stopped, s),
                Verdict::Console
            );
        }
        let alone = Verdict::after(Program::Console, End::Unattended, situation(true, true));
        assert_eq!(alone, Verdict::Reboot);
        assert!(is_orderly(Program::Console, End::Unattended));
        let hung = Verdict::after(Program::Agent, End::Hung, situation(true, false));
        assert_eq!(hung, Verdict::Reboot);
    }

    #[test]
    fn a_dead_agent_ends_in_the_old_system_only_while_there_is_one() {
        for end in [
            End::Status(0),
            End::Status(1),
            End::Status(101),
            KILLED,
            End::NotStarted(2),
            End::Unseen,
        ] {
            assert_eq!(
                Verdict::after(Program::Agent, end, situation(true, false)),
                Verdict::Countdown
            );
            assert_eq!(
                Verdict::after(Program::Agent, end, situation(true, true)),
                Verdict::Console
            );
            assert_eq!(
                Verdict::after(Program::Agent, end, situation(false, false)),
                Verdict::Console
            );
            assert!(!is_orderly(Program::Agent, end));
        }
        for (migrate, past, after) in [
            (true, false, Verdict::Countdown),
            (true, true, Verdict::FallbackConsole),
            (false, false, Verdict::FallbackConsole),
        ] {
            assert_eq!(Verdict::without_program(situation(migrate, past)), after);
        }
    }

    #[test]
    fn a_console_that_ends_at_once_is_not_started_for_ever() {
        let s = Situation {
            brief: true,
            ..situation(false, false)
        };
        assert_eq!(
            Verdict::after(Program::Console, End::Status(0), s),
            Verdict::FallbackConsole
        );
        assert_eq!(
            Verdict::after(Program::Console, End::Status(22), s),
            Verdict::FallbackConsole
        );
        assert_eq!(
            Verdict::after(Program::Console, End::Status(20), s),
            Verdict::Reboot
        );
    }

    #[test]
    fn in_words() {
        let text = |end: End| end.to_string();
        assert_eq!(text(End::Status(3)), "ended with status 3");
        assert_eq!(
            text(End::Signal {
                number: 11,
                out_of_memory: true
            }),
            "was killed by signal 11, SIGSEGV (bad memory access; a bug)"
        );
        assert_eq!(
            text(End::Signal {
                number: 9,
                out_of_memory: true
            }),
            "was killed by signal 9, SIGKILL (the kernel ran out of memory)"
        );
        assert_eq!(
            text(End::Signal {
                number: 40,
                out_of_memory: false
            }),
            "was killed by signal 40"
        );
        assert_eq!(
            text(End::NotStarted(2)),
            "could not be started: no such file or directory (errno 2)"
        );
    }
}
