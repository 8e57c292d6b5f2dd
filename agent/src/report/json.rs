// SPDX-License-Identifier: MIT OR Apache-2.0
//! Progress as JSON lines, for a program that watches.
//!
//! Each line is an object with `event`: `line`, `begin`, `progress`, `end`,
//! `fail`. Fields are only ever added. Control characters and non-ASCII are
//! escaped, so that a line survives any serial port.

use super::{Running, Unit};
use std::fmt::Write;
use std::time::{Duration, Instant};

/// A JSON string, quoted and escaped.
pub fn quote(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for unit in text.encode_utf16() {
        match unit {
            0x22 => out.push_str("\\\""),
            0x5c => out.push_str("\\\\"),
            0x20..=0x7e => out.push(char::from(u8::try_from(unit).unwrap_or(b'?'))),
            _ => {
                let _ = write!(out, "\\u{unit:04x}");
            }
        }
    }
    out.push('"');
    out
}

pub(super) fn line(text: &str) -> String {
    format!("{{\"event\":\"line\",\"text\":{}}}\n", quote(text))
}

pub(super) fn begin(number: usize, total: usize, name: &str) -> String {
    format!(
        "{{\"event\":\"begin\",\"step\":{number},\"steps\":{total},\"name\":{}}}\n",
        quote(name)
    )
}

pub(super) fn progress(running: &Running, now: Instant) -> String {
    let unit = match running.unit {
        Unit::Bytes => "bytes",
        Unit::Items => "items",
    };
    let mut out = format!(
        "{{\"event\":\"progress\",\"step\":{},\"name\":{},\"done\":{},\"goal\":{},\"unit\":\"{unit}\"",
        running.number,
        quote(running.name),
        running.done,
        running.goal,
    );
    if let Some(rate) = running.rate.per_second() {
        let _ = write!(out, ",\"per_second\":{rate}");
    }
    if let Some(left) = running.rate.left(running.goal).filter(|_| running.goal > 0) {
        let _ = write!(out, ",\"seconds_left\":{left}");
    }
    let passed = now.saturating_duration_since(running.since).as_secs();
    let _ = writeln!(
        out,
        ",\"seconds\":{passed},\"activity\":{}}}",
        quote(&running.activity)
    );
    out
}

pub(super) fn end(number: usize, name: &str, took: Duration) -> String {
    format!(
        "{{\"event\":\"end\",\"step\":{number},\"name\":{},\"seconds\":{}.{:03}}}\n",
        quote(name),
        took.as_secs(),
        took.subsec_millis()
    )
}

pub(super) fn fail(number: usize, name: &str, error: &str) -> String {
    format!(
        "{{\"event\":\"fail\",\"step\":{number},\"name\":{},\"error\":{}}}\n",
        quote(name),
        quote(error)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_ascii() {
        assert_eq!(quote("a\"b\\c\nä𝄞"), r#""a\"b\\c\u000a\u00e4\ud834\udd1e""#);
    }
}
