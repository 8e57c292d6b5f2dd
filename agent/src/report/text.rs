// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a person reads: one line, at most 79 columns.

use super::{Running, Unit};
use std::time::Instant;

const WIDTH: usize = 79;

/// A number of bytes with a binary unit and three digits.
pub fn bytes(count: u64) -> String {
    let units = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    if count < 1024 {
        return format!("{count} B");
    }
    let mut value = count as f64 / 1024.0;
    let mut unit = 0;
    while value >= 1000.0 && unit + 1 < units.len() {
        value /= 1024.0;
        unit += 1;
    }
    let digits = if value < 10.0 { 1 } else { 0 };
    format!("{value:.digits$} {}", units[unit])
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
        let percent = (running.done as f64 / running.goal as f64 * 100.0).min(100.0);
        text += &format!("{percent:3.0} %");
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
        let rate = format!(", {}/s", bytes(rate as u64));
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
pub(super) fn done(running: &Running, seconds: f64) -> String {
    let mut text = format!("{} done, {seconds:.1} s", head(running));
    if running.unit == Unit::Bytes && running.done > 0 {
        text += &format!(", {}", bytes(running.done));
        if seconds > 0.05 {
            text += &format!(", {}/s", bytes((running.done as f64 / seconds) as u64));
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
    use std::time::Duration;

    #[test]
    fn numbers_a_person_can_read() {
        for (count, text) in [
            (0, "0 B"),
            (1023, "1023 B"),
            (1024, "1.0 KiB"),
            (10 << 10, "10 KiB"),
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
