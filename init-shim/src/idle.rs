// SPDX-License-Identifier: MIT OR Apache-2.0
//! Measures how long a console has waited for a key. Pure: the caller passes the
//! time, and whether somebody is there.

/// The most that the time between two looks counts for, in milliseconds: the
/// clock of a guest that is paused goes on.
const LOOK: u64 = 5000;
/// The remaining times, in seconds, at which a message is shown.
const SAID_AT: [u64; 4] = [300, 120, 60, 10];

/// Counts the time without a key.
#[derive(Debug)]
pub struct Idle {
    limit: u64,
    left: u64,
    last_look: u64,
    /// The remaining time of the last message, in seconds.
    said: Option<u64>,
}

/// The result of a look at the clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    Wait,
    /// Announce the whole waiting time, in seconds.
    Begins(u64),
    /// Announce the remaining time, in seconds.
    Left(u64),
    Over,
}

impl Idle {
    /// Begins to count at `now`; `limit` and `now` are in milliseconds.
    pub fn new(limit: u64, now: u64) -> Idle {
        Idle {
            limit,
            left: limit,
            last_look: now,
            said: None,
        }
    }

    /// Looks at the clock. If somebody is there, counting starts again.
    pub fn look(&mut self, now: u64, somebody: bool) -> Look {
        let passed = now.saturating_sub(self.last_look).min(LOOK);
        self.last_look = now;
        let whole = self.limit / 1000;
        let Some(said) = self.said else {
            self.said = Some(whole);
            return Look::Begins(whole);
        };
        if somebody {
            self.left = self.limit;
            self.said = Some(whole);
            return Look::Wait;
        }
        self.left = self.left.saturating_sub(passed);
        if self.left == 0 {
            return Look::Over;
        }
        let seconds = self.left.div_ceil(1000);
        let due = SAID_AT.into_iter().rev().find(|at| seconds <= *at);
        match due.filter(|at| *at < said) {
            Some(at) => {
                self.said = Some(at);
                Look::Left(seconds)
            }
            None => Look::Wait,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is said in so many looks of a second, with its second.
    fn said(idle: &mut Idle, from: u64, seconds: u64) -> Vec<(u64, Look)> {
        let looks = (1..=seconds).map(|n| (n, idle.look(from + n * 1000, false)));
        looks.filter(|(_, look)| *look != Look::Wait).collect()
    }

    #[test]
    fn ten_minutes_without_a_key() {
        let mut idle = Idle::new(600_000, 7);
        assert_eq!(idle.look(7, false), Look::Begins(600));
        let left = |second: u64| (600 - second, Look::Left(second));
        let expected = [left(300), left(120), left(60), left(10), (600, Look::Over)];
        assert_eq!(said(&mut idle, 7, 600), expected);
    }

    #[test]
    fn each_key_gives_the_whole_time_again() {
        let mut idle = Idle::new(600_000, 0);
        assert_eq!(idle.look(0, false), Look::Begins(600));
        assert_eq!(said(&mut idle, 0, 599).len(), 4);
        assert_eq!(idle.look(599_500, true), Look::Wait);
        let again = said(&mut idle, 599_500, 599);
        assert_eq!(again.first(), Some(&(300, Look::Left(300))));
        assert_eq!(again.len(), 4, "{again:?}");
        // A program that a person started there, for hours.
        for hour in 1..5 {
            assert_eq!(idle.look(hour * 3_600_000, true), Look::Wait);
        }
        assert_eq!(idle.look(4 * 3_600_000 + 1000, false), Look::Wait);
    }

    #[test]
    fn a_short_time_says_what_is_below_it() {
        let mut idle = Idle::new(12_000, 0);
        assert_eq!(idle.look(0, false), Look::Begins(12));
        let expected = [(2, Look::Left(10)), (12, Look::Over)];
        assert_eq!(said(&mut idle, 0, 12), expected);
    }

    #[test]
    fn a_paused_machine_is_not_left_alone() {
        let mut idle = Idle::new(600_000, 0);
        assert_eq!(idle.look(0, false), Look::Begins(600));
        assert_eq!(idle.look(86_400_000, false), Look::Wait);
        assert_eq!(
            idle.look(1000, false),
            Look::Wait,
            "nor one whose clock went back"
        );
        assert_eq!(said(&mut idle, 1000, 594).len(), 4);
        assert_eq!(idle.look(596_000, false), Look::Over);
    }
}
