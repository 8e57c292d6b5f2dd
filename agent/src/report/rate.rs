// SPDX-License-Identifier: MIT OR Apache-2.0
//! A rate that follows the last seconds rather than the whole run.

use std::time::{Duration, Instant};

/// Exponential average of a counter's speed.
#[derive(Debug, Clone)]
pub(super) struct Rate {
    at: Instant,
    count: u64,
    per_second: Option<f64>,
}

impl Rate {
    pub(super) fn new(now: Instant) -> Rate {
        Rate {
            at: now,
            count: 0,
            per_second: None,
        }
    }

    /// Takes the counter's value; nothing happens within 200 ms of the last.
    pub(super) fn count(&mut self, now: Instant, count: u64) {
        let passed = now.saturating_duration_since(self.at);
        if passed < Duration::from_millis(200) {
            return;
        }
        let speed = count.saturating_sub(self.count) as f64 / passed.as_secs_f64();
        // A weight that forgets half of the past in about three seconds.
        let keep = 1.0 / (1.0 + passed.as_secs_f64() * std::f64::consts::LN_2 / 3.0);
        self.per_second = Some(
            self.per_second
                .map_or(speed, |old| old * keep + speed * (1.0 - keep)),
        );
        (self.at, self.count) = (now, count);
    }

    /// Counts per second, once there is a first value.
    pub(super) fn per_second(&self) -> Option<u64> {
        self.per_second.map(|speed| speed.round() as u64)
    }

    /// Seconds until `goal`, when that can be said.
    pub(super) fn left(&self, goal: u64) -> Option<u64> {
        let speed = self.per_second.filter(|s| *s > 0.0)?;
        let seconds = goal.saturating_sub(self.count) as f64 / speed;
        (seconds < 360_000.0).then_some(seconds as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn follows_the_last_seconds() {
        let start = Instant::now();
        let mut rate = Rate::new(start);
        assert_eq!((rate.per_second(), rate.left(10)), (None, None));
        for second in 1..=10 {
            rate.count(start + Duration::from_secs(second), second * 100);
        }
        assert_eq!(rate.per_second(), Some(100));
        assert_eq!(rate.left(2000), Some(10));
        for second in 11..=40 {
            rate.count(start + Duration::from_secs(second), 1000);
        }
        assert_eq!(rate.per_second(), Some(0));
    }
}
