// SPDX-License-Identifier: MIT OR Apache-2.0
//! Measures how long the migration has made no progress while the old system is
//! one reboot away. Pure: the caller passes the time and the progress.

/// The most that the time between two looks counts for, in milliseconds: the
/// clock of a guest that is paused goes on.
const LOOK: u64 = 5000;

/// Counts the time without progress.
#[derive(Debug)]
pub struct Patience {
    limit: u64,
    progress: u64,
    last_look: u64,
    without_progress: u64,
}

impl Patience {
    /// Begins to count at `now`; `limit` and `now` are in milliseconds.
    pub fn new(limit: u64, now: u64) -> Patience {
        Patience {
            limit,
            progress: 0,
            last_look: now,
            without_progress: 0,
        }
    }

    /// Whether there was no progress for too long. `progress` is a number that
    /// changes with each thing that was done.
    pub fn is_over(&mut self, now: u64, progress: u64) -> bool {
        let passed = now.saturating_sub(self.last_look).min(LOOK);
        self.last_look = now;
        if progress == self.progress {
            self.without_progress = self.without_progress.saturating_add(passed);
        } else {
            self.without_progress = 0;
            self.progress = progress;
        }
        self.without_progress >= self.limit
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_migration_without_progress_is_given_up() {
        let mut patience = Patience::new(10_000, 500);
        // Slow progress.
        for step in 1..100 {
            assert!(!patience.is_over(500 + step * 4000, step));
        }
        // It has stopped: ten looks of a second.
        let mut now = 500 + 99 * 4000;
        let first = (1..30).find(|_| {
            now += 1000;
            patience.is_over(now, 99)
        });
        assert_eq!(first, Some(10));
    }

    #[test]
    fn a_paused_machine_is_not_given_up() {
        let mut patience = Patience::new(10_000, 0);
        assert!(!patience.is_over(1000, 0));
        assert!(!patience.is_over(86_400_000, 0));
        assert!(!patience.is_over(1000, 0), "nor one whose clock went back");
        assert!(patience.is_over(6000, 0), "time that really passed counts");
    }
}
