// SPDX-License-Identifier: MIT OR Apache-2.0
//! Recognises Esc pressed twice on one console, which a person does and a noisy
//! serial line does not. Pure: the caller passes the bytes and the time.

/// The most time between the two, in milliseconds.
const WITHIN: u64 = 5000;
/// Esc counts as a key of its own only when nothing else comes for this long, in
/// milliseconds, before the first and after the second: an arrow key sends Esc
/// and more.
const ALONE: u64 = 500;

const ESC: u8 = 0x1b;

/// The recent input of one console.
#[derive(Debug, Clone, Copy, Default)]
pub struct Escape {
    /// The time of the last byte other than Esc, or of the watch's beginning.
    other: u64,
    first: Option<u64>,
    second: Option<u64>,
}

impl Escape {
    /// Watches from `now` on. Keys that were typed before and are read right
    /// after it do not count.
    pub fn new(now: u64) -> Escape {
        Escape {
            other: now,
            ..Escape::default()
        }
    }

    /// Takes bytes that were read at `now`.
    pub fn take(&mut self, bytes: &[u8], now: u64) {
        for byte in bytes {
            match *byte == ESC {
                true => self.press(now),
                false => *self = Escape::new(now),
            }
        }
    }

    fn press(&mut self, now: u64) {
        if now.saturating_sub(self.other) < ALONE || self.second.is_some() {
            return;
        }
        match self.first {
            Some(first) if now.saturating_sub(first) <= WITHIN => self.second = Some(now),
            _ => self.first = Some(now),
        }
    }

    /// Whether Esc was pressed twice, and nothing has come since.
    pub fn is_complete(&self, now: u64) -> bool {
        self.second
            .is_some_and(|second| now.saturating_sub(second) >= ALONE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether these bytes, each read at its time, are it; asked a second later.
    fn is_it(typed: &[(u64, &[u8])]) -> bool {
        let mut escape = Escape::new(0);
        let mut last = 0;
        for (now, bytes) in typed {
            escape.take(bytes, *now);
            last = *now;
        }
        escape.is_complete(last + 1000)
    }

    #[test]
    fn twice_within_five_seconds() {
        assert!(is_it(&[(600, b"\x1b"), (5600, b"\x1b")]));
        assert!(!is_it(&[(600, b"\x1b"), (5601, b"\x1b")]), "too slow");
        let slow: [(u64, &[u8]); 3] = [(600, b"\x1b"), (5700, b"\x1b"), (6000, b"\x1b")];
        assert!(is_it(&slow), "the last two of three");
        assert!(
            is_it(&[(600, b"\x1b\x1b")]),
            "a line that sends them at once"
        );
        assert!(is_it(&[(600, b"\x1b\x1b\x1b\x1b")]), "held down");
        assert!(!is_it(&[(600, b"\x1b")]), "once");
        let before = [(600, &b"ls"[..]), (1100, b"\x1b"), (1500, b"\x1b")];
        assert!(is_it(&before), "after other keys");
    }

    #[test]
    fn what_was_typed_before_is_not_it() {
        // In the firmware's menu; it is read when the watch begins.
        assert!(!is_it(&[(0, b"\x1b\x1b"), (10, b"\x1b")]));
        assert!(!is_it(&[(0, b"\x1b"), (499, b"\x1b"), (600, b"\x1b")]));
    }

    #[test]
    fn sequences_of_other_keys_are_not_it() {
        for keys in [
            &b"\x1b[A"[..],
            b"\x1bOP",
            b"\x1b[15~",
            b"\x1b\x1b[A",
            b"\x1bx",
        ] {
            assert!(!is_it(&[(600, keys), (1500, keys)]), "{keys:?}");
            // Cut by a slow line.
            let (start, rest) = keys.split_at(1);
            assert!(!is_it(&[
                (600, start),
                (700, rest),
                (1300, start),
                (1400, rest)
            ]));
            assert!(!is_it(&[(600, start), (700, start), (1100, rest)]));
        }
        assert!(!is_it(&[(600, b"\x1b"), (900, b"\0"), (1000, b"\x1b")]));
    }

    #[test]
    fn it_is_known_only_when_nothing_follows() {
        let mut escape = Escape::new(0);
        escape.take(b"\x1b", 600);
        escape.take(b"\x1b", 700);
        assert!(!escape.is_complete(1199) && escape.is_complete(1200));
    }

    #[test]
    fn noise_is_not_it() {
        let mut random = testkit::Random(1);
        let mut escape = Escape::new(0);
        let mut now = 0;
        for _ in 0..200_000 {
            // A burst, and silence after it.
            for _ in 0..random.range(4..12) {
                now += random.range(0..20);
                escape.take(&[random.next() as u8], now);
            }
            now += 2000;
            assert!(!escape.is_complete(now));
        }
        // A line that never rests.
        for _ in 0..400_000 {
            now += random.range(0..400);
            escape.take(&[random.next() as u8], now);
            assert!(!escape.is_complete(now + 400));
        }
    }
}
