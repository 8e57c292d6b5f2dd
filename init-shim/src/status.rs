// SPDX-License-Identifier: MIT OR Apache-2.0
//! How a program ended, in words, and what is done next.

use core::fmt;

/// The program that /init looks after.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Program {
    /// `/bin/replant tiny`: the migration, or the report.
    Agent,
    /// `/bin/replant console`: the recovery console.
    Console,
}

/// The agent's way to ask for a reboot.
pub const STATUS_REBOOT: i32 = 20;
/// The agent's way to ask for the power to be switched off.
pub const STATUS_POWER_OFF: i32 = 21;
/// The agent's way to ask for the recovery console.
pub const STATUS_CONSOLE: i32 = 22;

/// How a program ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// It exited, with this status.
    Status(i32),
    /// A signal killed it.
    Signal {
        /// Its number.
        number: i32,
        /// The kernel killed somebody for want of memory while it ran.
        out_of_memory: bool,
    },
    /// It could not be started; an errno.
    NotStarted(i32),
    /// Ctrl-Alt-Del, while nothing on the disk was changed yet.
    CtrlAltDel,
    /// It is gone, and the /init that knew how has failed.
    Unseen,
}

/// What decides beside the program's end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Situation {
    /// `replant=migrate` is on the command line: the next boot is the old system's.
    pub migrate: bool,
    /// The old system is gone, or may be.
    pub past_no_return: bool,
    /// The program ended at once, and would do so again.
    pub brief: bool,
}

/// What /init does next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Starts the agent.
    Agent,
    /// Starts the recovery console.
    Console,
    /// Runs the console that is built in.
    BuiltIn,
    /// Counts down, then reboots into the old system.
    Countdown,
    /// Reboots.
    Reboot,
    /// Switches the power off.
    PowerOff,
}

/// Whether this end of `program` is one that it chose.
pub fn is_orderly(program: Program, end: End) -> bool {
    match end {
        End::Status(STATUS_REBOOT | STATUS_POWER_OFF | STATUS_CONSOLE) | End::CtrlAltDel => true,
        // End of input, or `exit`, at the console's prompt.
        End::Status(0) => program == Program::Console,
        _ => false,
    }
}

/// What to do after `program` ended like this.
pub fn next(program: Program, end: End, situation: Situation) -> Next {
    match (program, end) {
        (_, End::Status(STATUS_REBOOT) | End::CtrlAltDel) => Next::Reboot,
        (_, End::Status(STATUS_POWER_OFF)) => Next::PowerOff,
        (Program::Agent, End::Status(STATUS_CONSOLE)) => Next::Console,
        (Program::Agent, _) if situation.migrate && !situation.past_no_return => Next::Countdown,
        (Program::Agent, _) => Next::Console,
        (Program::Console, End::Status(0 | STATUS_CONSOLE)) if !situation.brief => Next::Console,
        (Program::Console, _) => Next::BuiltIn,
    }
}

/// What to do after /init failed while no program ran.
pub fn next_without_program(situation: Situation) -> Next {
    match situation.migrate && !situation.past_no_return {
        true => Next::Countdown,
        false => Next::BuiltIn,
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
                write!(f, "could not be started: {}", error(errno))?;
                write!(f, " (errno {errno})")
            }
            End::CtrlAltDel => f.write_str("was stopped by Ctrl-Alt-Del"),
            End::Unseen => f.write_str("ended while /init did not look"),
        }
    }
}

/// Name and plain meaning of a signal of x86_64.
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

/// What an errno of x86_64 means when a program or a file cannot be had or read.
pub fn error(errno: i32) -> &'static str {
    match errno {
        1 => "not permitted",
        2 => "no such file or directory",
        4 => "interrupted",
        5 => "input/output error",
        6 => "no such device",
        8 => "not a program for this machine",
        11 => "try again",
        12 => "out of memory",
        13 => "permission denied",
        16 => "busy",
        19 => "no such device",
        20 => "not a directory",
        21 => "is a directory",
        22 => "invalid argument",
        23 | 24 => "too many open files",
        26 => "text file busy",
        28 => "no space left",
        30 => "read-only file system",
        36 => "name too long",
        40 => "too many symbolic links",
        _ => "error",
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
            assert_eq!(next(Program::Agent, End::Status(20), s), Next::Reboot);
            assert_eq!(next(Program::Agent, End::Status(21), s), Next::PowerOff);
            assert_eq!(next(Program::Agent, End::Status(22), s), Next::Console);
            assert_eq!(next(Program::Console, End::Status(20), s), Next::Reboot);
            assert_eq!(next(Program::Console, End::Status(21), s), Next::PowerOff);
            assert_eq!(next(Program::Console, End::Status(0), s), Next::Console);
            assert_eq!(next(Program::Console, KILLED, s), Next::BuiltIn);
        }
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
                next(Program::Agent, end, situation(true, false)),
                Next::Countdown
            );
            assert_eq!(
                next(Program::Agent, end, situation(true, true)),
                Next::Console
            );
            assert_eq!(
                next(Program::Agent, end, situation(false, false)),
                Next::Console
            );
            assert!(!is_orderly(Program::Agent, end));
        }
        for (migrate, past, after) in [
            (true, false, Next::Countdown),
            (true, true, Next::BuiltIn),
            (false, false, Next::BuiltIn),
        ] {
            assert_eq!(next_without_program(situation(migrate, past)), after);
        }
    }

    #[test]
    fn a_console_that_ends_at_once_is_not_started_for_ever() {
        let s = Situation {
            brief: true,
            ..situation(false, false)
        };
        assert_eq!(next(Program::Console, End::Status(0), s), Next::BuiltIn);
        assert_eq!(next(Program::Console, End::Status(22), s), Next::BuiltIn);
        assert_eq!(next(Program::Console, End::Status(20), s), Next::Reboot);
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
