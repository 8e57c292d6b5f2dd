// SPDX-License-Identifier: MIT OR Apache-2.0
//! Decides whether a program still makes progress. Pure: observations go in, the
//! verdict comes out.

use std::time::Duration;

/// What is observed of a program at one moment. Any difference to the last
/// observation is progress.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Signs {
    /// Bytes that it printed so far.
    pub(super) printed: u64,
    /// Its processes: number, processor time, and the text of /proc/PID/io.
    pub(super) processes: Vec<(u32, u64, String)>,
    /// The requests that the disk has completed, see [`done`].
    pub(super) disk: Vec<u64>,
}

/// Measures the time without progress.
#[derive(Debug)]
pub(super) struct Silence {
    limit: Duration,
    /// The most that the time between two observations counts for.
    most: Duration,
    last: Signs,
    looked: Duration,
    lasted: Duration,
}

impl Silence {
    /// How often to observe, if the silence may last `limit`.
    pub(super) fn interval(limit: Duration) -> Duration {
        (limit / 20).clamp(Duration::from_millis(10), Duration::from_secs(5))
    }

    /// Begins to measure at `now`, the time of a monotonic clock.
    pub(super) fn new(limit: Duration, now: Duration) -> Silence {
        Silence {
            limit,
            most: Silence::interval(limit) * 2,
            last: Signs::default(),
            looked: now,
            lasted: Duration::ZERO,
        }
    }

    /// Whether the silence is too long by now. A clock that ran on while this
    /// machine stood still (a paused guest) counts as one interval only.
    pub(super) fn is_too_long(&mut self, now: Duration, signs: Signs) -> bool {
        let passed = now.saturating_sub(self.looked).min(self.most);
        self.looked = now;
        if signs == self.last {
            self.lasted = self.lasted.saturating_add(passed);
        } else {
            self.lasted = Duration::ZERO;
            self.last = signs;
        }
        self.lasted >= self.limit
    }

    /// How long it is.
    pub(super) fn lasted(&self) -> Duration {
        self.lasted
    }
}

/// What a disk has finished, of the text of /sys/block/DISK/stat: requests and
/// sectors read and written, discards, flushes (Documentation/block/stat.rst).
/// Times are left out: they grow while a request hangs.
pub(super) fn done(stat: &str) -> Vec<u64> {
    const FINISHED: [usize; 8] = [0, 2, 4, 6, 11, 13, 15, 1];
    let fields: Vec<&str> = stat.split_whitespace().collect();
    FINISHED
        .iter()
        .filter_map(|index| fields.get(*index)?.parse().ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Duration = Duration::from_secs(300);

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn signs() -> Signs {
        Signs {
            printed: 10,
            processes: vec![(7, 3, "rchar: 1".into()), (8, 0, String::new())],
            disk: vec![5, 6],
        }
    }

    /// Looks every 5 seconds up to `end`; the time of the verdict.
    fn verdict(silence: &mut Silence, from: u64, end: u64, signs: &Signs) -> Option<u64> {
        (from..=end)
            .step_by(5)
            .find(|now| silence.is_too_long(at(*now), signs.clone()))
    }

    #[test]
    fn five_minutes_without_any_sign() {
        let mut silence = Silence::new(LIMIT, at(0));
        assert_eq!(verdict(&mut silence, 5, 1000, &signs()), Some(305));
        assert_eq!(silence.lasted(), LIMIT);
    }

    #[test]
    fn each_sign_alone_is_progress() {
        let changes: [fn(&mut Signs); 7] = [
            |s| s.printed += 1,
            |s| s.processes[0].1 += 1,
            |s| s.processes[1].2 = "wchar: 1".into(),
            |s| drop(s.processes.pop()),
            |s| s.processes.push((9, 0, String::new())),
            |s| s.disk[1] += 8,
            |s| s.disk.clear(),
        ];
        for change in changes {
            let (mut silence, mut signs) = (Silence::new(LIMIT, at(0)), signs());
            assert_eq!(verdict(&mut silence, 5, 300, &signs), None);
            change(&mut signs);
            assert_eq!(verdict(&mut silence, 305, 600, &signs), None);
            assert_eq!(verdict(&mut silence, 605, 1000, &signs), Some(605));
        }
    }

    #[test]
    fn a_machine_that_stood_still_is_no_program_that_hangs() {
        let mut silence = Silence::new(LIMIT, at(0));
        assert_eq!(verdict(&mut silence, 5, 100, &signs()), None);
        assert!(!silence.is_too_long(at(90_000), signs()));
        assert!(silence.lasted() <= at(105), "{:?}", silence.lasted());
        // Nor one whose clock went backwards.
        assert!(!silence.is_too_long(at(1), signs()));
    }

    #[test]
    fn a_request_that_hangs_is_no_progress_of_the_disk() {
        let stat = "  100 1 800 30 50 2 400 20 1 77 50 0 0 0 0 3 1\n";
        let hangs = "  100 1 800 30 50 2 400 20 1 99 72 0 0 0 0 3 1\n";
        assert_eq!(done(stat), done(hangs));
        let wrote = "  100 1 800 30 51 2 408 20 0 99 72 0 0 0 0 3 1\n";
        assert_ne!(done(stat), done(wrote));
        let flushed = "  100 1 800 30 50 2 400 20 1 77 50 0 0 0 0 4 1\n";
        assert_ne!(done(stat), done(flushed));
        // Kernels before 4.18 have 11 fields.
        assert_eq!(done("1 2 3 4 5 6 7 8 9 10 11").len(), 5);
        assert!(done("").is_empty() && done("x y").is_empty());
    }
}
