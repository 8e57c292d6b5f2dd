// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a person reads: one line, at most 79 columns.

use super::{Running, Unit};
use std::time::{Duration, Instant};

const WIDTH: usize = 79;

/// A number of bytes with a binary unit and three digits.
pub fn bytes(count: u64) -> String {
    let units = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    if count < 1024 {
        return format!("{count} B");
    }
    // What is left, in a 1024th of the unit.
    let (mut rest, mut unit) = (count, 0);
    while rest >> 10 >= 1000 && unit + 1 < units.len() {
        rest >>= 10;
        unit += 1;
    }
    let unit = units[unit];
    if rest >> 10 >= 10 {
        return format!("{} {unit}", (rest + 512) >> 10);
    }
    let tenths = (rest * 10 + 512) >> 10;
    format!("{}.{} {unit}", tenths / 10, tenths % 10)
}

fn head(running: &Running) -> String {
    format!(
        "[{:2}/{}] {:<9}",
        running.number, running.total, running.name
    )
}

/// The display line while a step runs.
pub(super) fn moving(running: &Running, now: Instant, spin: usize, note: &str) -> String {
    let mut text = head(running);
    let spinner = ["-", "\\", "|", "/"][spin % 4];
    text += &format!(" {spinner} ");
    if running.goal > 0 {
        let percent = running.done as f64 / running.goal as f64 * 100.0;
        text += &format!("{:3} %", percent.min(100.0).round() as u64);
    }
    match running.unit {
        Unit::Bytes if running.goal > 0 => {
            text += &format!("  {} of {}", bytes(running.done), bytes(running.goal));
        }
        Unit::Bytes => text += &bytes(running.done),
        Unit::Items if running.goal > 0 => {
            text += &format!("  {} of {}", running.done, running.goal);
        }
        Unit::Items => {}
    }
    let note = match note {
        "" => String::new(),
        note => format!("  {note}"),
    };
    let time = match running.rate.left(running.goal).filter(|_| running.goal > 0) {
        Some(left) => format!(", {} left", clock(left)),
        None => format!(
            " {}",
            clock(now.saturating_duration_since(running.since).as_secs())
        ),
    };
    if let (Unit::Bytes, Some(rate)) = (running.unit, running.rate.per_second()) {
        let rate = format!(", {}/s", bytes(rate));
        if text.len() + rate.len() + time.len() + note.len() <= WIDTH {
            text += &rate;
        }
    }
    text += &time;
    let room = WIDTH.saturating_sub(text.chars().count() + note.len() + 2);
    if running.goal == 0 && !running.activity.is_empty() && room >= 8 {
        let activity: String = running
            .activity
            .chars()
            .filter(|c| !c.is_control())
            .take(room)
            .collect();
        text += &format!("  {activity}");
    }
    text += &note;
    text
}

/// The line that stays when a step is done.
pub(super) fn done(running: &Running, took: Duration) -> String {
    let tenths = took.as_secs() * 10 + u64::from((took.subsec_millis() + 50) / 100);
    let mut text = format!("{} done, {}.{} s", head(running), tenths / 10, tenths % 10);
    if running.unit == Unit::Bytes && running.done > 0 {
        text += &format!(", {}", bytes(running.done));
        if tenths > 0 {
            let rate = running.done as f64 / took.as_secs_f64();
            text += &format!(", {}/s", bytes(rate as u64));
        }
    }
    text
}

/// The line that stays when a step failed.
pub(super) fn failed(running: &Running) -> String {
    format!("{} FAILED", head(running))
}

fn clock(seconds: u64) -> String {
    if seconds < 3600 {
        format!("{}:{:02}", seconds / 60, seconds % 60)
    } else {
        format!(
            "{}:{:02}:{:02}",
            seconds / 3600,
            seconds / 60 % 60,
            seconds % 60
        )
    }
}

#[cfg(test)]
mod tests {
    use super::super::rate::Rate;
    use super::*;

    #[test]
    fn numbers_a_person_can_read() {
        for (count, text) in [
            (0, "0 B"),
            (1023, "1023 B"),
            (1024, "1.0 KiB"),
            (9984, "9.8 KiB"),
            (10 << 10, "10 KiB"),
            ((100 << 10) - 1, "100 KiB"),
            (999 << 10, "999 KiB"),
            (1000 << 10, "1.0 MiB"),
            (1536 << 20, "1.5 GiB"),
            (u64::MAX, "16 EiB"),
        ] {
            assert_eq!(bytes(count), text);
        }
        assert_eq!(clock(59), "0:59");
        assert_eq!(clock(3661), "1:01:01");
    }

    #[test]
    fn tells_what_was_done() {
        let mut running = Running {
            number: 8,
            total: 11,
            name: "unpack",
            since: Instant::now(),
            done: 3 << 30,
            goal: 3 << 30,
            unit: Unit::Bytes,
            rate: Rate::new(Instant::now()),
            activity: String::new(),
        };
        let text = |running: &Running, millis| done(running, Duration::from_millis(millis));
        assert_eq!(
            text(&running, 12_960),
            "[ 8/11] unpack    done, 13.0 s, 3.0 GiB, 237 MiB/s"
        );
        assert_eq!(text(&running, 49), "[ 8/11] unpack    done, 0.0 s, 3.0 GiB");
        running.done = 0;
        assert_eq!(text(&running, 999), "[ 8/11] unpack    done, 1.0 s");
    }

    #[test]
    fn fits_a_console() {
        let now = Instant::now();
        let mut running = Running {
            number: 8,
            total: 11,
            name: "identity",
            since: now,
            done: u64::MAX / 3,
            goal: u64::MAX,
            unit: Unit::Bytes,
            rate: Rate::new(now),
            activity: "x".repeat(300),
        };
        running.rate.count(now + Duration::from_secs(1), 99 << 50);
        let text = moving(&running, now, 1, "Do not switch off");
        assert!(text.chars().count() <= WIDTH, "{} {text}", text.len());
        (running.goal, running.unit) = (0, Unit::Items);
        let text = moving(&running, now, 1, "Do not switch off");
        assert!(
            text.contains("xxx") && text.chars().count() <= WIDTH,
            "{text}"
        );
        assert!(text.ends_with("Do not switch off"));
    }
}
