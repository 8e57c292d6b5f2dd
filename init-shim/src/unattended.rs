// SPDX-License-Identifier: MIT OR Apache-2.0
//! An unattended console: if the disk has all that the migration needs, the
//! machine restarts and continues.

use crate::idle::{Idle, Look};
use crate::kernel;
use crate::system::{System, must_stay, past_no_return};

/// Whether a person typed something: a cable that is plugged in, or a wrong
/// speed, makes other bytes, too.
fn is_typed(bytes: &[u8]) -> bool {
    !bytes.is_empty() && bytes.iter().all(|byte| matches!(byte, 1..=0x7f))
}

/// Formats a time in words.
struct Time(u64);

impl core::fmt::Display for Time {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self.0 {
            60 => f.write_str("a minute"),
            seconds if seconds > 0 && seconds % 60 == 0 => write!(f, "{} minutes", seconds / 60),
            seconds => write!(f, "{seconds} seconds"),
        }
    }
}

/// The wait for a person at one console.
pub struct Unattended {
    idle: Option<Idle>,
}

impl Unattended {
    pub fn new(system: &System) -> Unattended {
        let idle = |seconds: u64| Idle::new(seconds.saturating_mul(1000), kernel::milliseconds());
        Unattended {
            idle: system.options.idle().map(idle),
        }
    }

    /// Whether nobody has come for too long. Announces on the consoles how much
    /// time is left, and its end. While a command runs (`busy`), the time is not
    /// counted.
    pub fn is_over(&mut self, system: &mut System, typed: &[u8], busy: bool) -> bool {
        let Some(idle) = &mut self.idle else {
            return false;
        };
        if !past_no_return() || must_stay() {
            return false;
        }
        match idle.look(kernel::milliseconds(), busy || is_typed(typed)) {
            Look::Wait => return false,
            Look::Begins(seconds) => system.say(format_args!(
                "after {} without a key this machine starts again by itself and goes on with the migration",
                Time(seconds)
            )),
            Look::Left(seconds) => system.say(format_args!(
                "in {} this machine starts again and goes on with the migration; press any key to stay here",
                Time(seconds)
            )),
            Look::Over => {
                system.say(format_args!(
                    "no key was pressed: this machine starts again and goes on with the migration"
                ));
                return true;
            }
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn noise_is_nobody() {
        for keys in [&b"a"[..], b"\r", b"\x1b[A", b"\x03", b"\x7f", b"\t"] {
            assert!(is_typed(keys), "{keys:?}");
        }
        for noise in [&b""[..], b"\0", b"\xff", b"ab\xf3"] {
            assert!(!is_typed(noise), "{noise:?}");
        }
    }

    #[test]
    fn times() {
        let text = [600, 300, 60, 90, 10].map(|seconds| Time(seconds).to_string());
        let expected = [
            "10 minutes",
            "5 minutes",
            "a minute",
            "90 seconds",
            "10 seconds",
        ];
        assert_eq!(text, expected);
    }
}
