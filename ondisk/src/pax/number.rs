// SPDX-License-Identifier: MIT OR Apache-2.0
//! Numbers as headers and records write them.
use super::Time;

/// A header's number field: octal digits, or base 256 where the first byte's
/// top bit is set (GNU tar: 0x80 positive, 0xff negative). A field of blanks
/// is 0. `None` if it is neither or does not fit.
pub(super) fn field(bytes: &[u8]) -> Option<i64> {
    let (&first, rest) = bytes.split_first()?;
    if first & 0x80 != 0 {
        let negative = first & 0x40 != 0;
        // The marker bit is not part of the number; the next one is its sign.
        let top = if negative {
            i128::from(first) - 0x100
        } else {
            i128::from(first & 0x3f)
        };
        let mut value = top;
        for &byte in rest {
            value = value.checked_mul(256)?.checked_add(i128::from(byte))?;
        }
        return i64::try_from(value).ok();
    }
    let end = |byte: &u8| *byte == 0 || *byte == b' ';
    let text = match bytes.iter().position(|byte| *byte != b' ') {
        Some(start) => bytes.get(start..)?,
        None => return Some(0),
    };
    let digits = text.split(end).next()?;
    let tail = text.get(digits.len()..)?;
    if !tail.iter().all(end) {
        return None;
    }
    let mut value: i64 = 0;
    for &digit in digits {
        if !(b'0'..=b'7').contains(&digit) {
            return None;
        }
        value = value.checked_mul(8)?.checked_add(i64::from(digit - b'0'))?;
    }
    Some(value)
}

/// Decimal digits and nothing else.
pub(super) fn decimal(bytes: &[u8]) -> Option<u64> {
    if bytes.is_empty() {
        return None;
    }
    let mut value: u64 = 0;
    for &digit in bytes {
        if !digit.is_ascii_digit() {
            return None;
        }
        value = value
            .checked_mul(10)?
            .checked_add(u64::from(digit - b'0'))?;
    }
    Some(value)
}

/// A record's time: `[-]seconds[.fraction]`. Digits after the ninth are cut
/// towards the past, as GNU tar does.
pub(super) fn time(bytes: &[u8]) -> Option<Time> {
    let (negative, text) = match bytes.split_first() {
        Some((b'-', rest)) => (true, rest),
        _ => (false, bytes),
    };
    let (whole, fraction) = match text.iter().position(|byte| *byte == b'.') {
        Some(dot) => (text.get(..dot)?, text.get(dot.checked_add(1)?..)?),
        None => (text, &[][..]),
    };
    let seconds = i64::try_from(decimal(whole)?).ok()?;
    let mut nanoseconds: u32 = 0;
    let mut rest = false;
    for (i, digit) in fraction.iter().enumerate() {
        if !digit.is_ascii_digit() {
            return None;
        }
        if i < 9 {
            nanoseconds = nanoseconds * 10 + u32::from(digit - b'0');
        } else {
            rest |= *digit != b'0';
        }
    }
    for _ in fraction.len()..9 {
        nanoseconds *= 10;
    }
    if !negative {
        return Some(Time {
            seconds,
            nanoseconds,
        });
    }
    if rest {
        nanoseconds += 1;
    }
    let borrow = i64::from(nanoseconds > 0);
    Some(Time {
        seconds: seconds.checked_neg()?.checked_sub(borrow)?,
        nanoseconds: if nanoseconds > 0 {
            1_000_000_000 - nanoseconds
        } else {
            0
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn octal_and_base_256() {
        for (bytes, value) in [
            (&b"0000644\0"[..], Some(0o644)),
            (b"   644 \0", Some(0o644)),
            (b"00000000000 ", Some(0)),
            (b"77777777777\0", Some(0o77777777777)),
            (b"777777777777", Some(0o777777777777)),
            (b"\0\0\0\0\0\0\0\0", Some(0)),
            (b"        ", Some(0)),
            (b"12 34\0\0\0", None),
            (b"8\0", None),
            (b"-1\0", None),
            (&[0x80, 0, 0, 0, 0, 0, 1, 0], Some(256)),
            (
                &[
                    0x80, 0, 0, 0, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                ],
                Some(i64::MAX),
            ),
            (&[0x80, 0, 0, 0, 0x80, 0, 0, 0, 0, 0, 0, 0], None),
            (&[0xff; 12], Some(-1)),
            (
                &[0xff, 0xff, 0xff, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 0],
                Some(i64::MIN),
            ),
            (&[0xff, 0xff, 0xff, 0xff, 0x7f, 0, 0, 0, 0, 0, 0, 0], None),
            (b"", None),
        ] {
            assert_eq!(field(bytes), value, "{bytes:?}");
        }
    }

    #[test]
    fn decimals() {
        assert_eq!(decimal(b"18446744073709551615"), Some(u64::MAX));
        for bad in [
            &b""[..],
            b"18446744073709551616",
            b"+1",
            b" 1",
            b"1 ",
            b"0x1",
        ] {
            assert_eq!(decimal(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn times() {
        for (text, value) in [
            ("0", Some((0, 0))),
            ("1.5", Some((1, 500_000_000))),
            ("1.", Some((1, 0))),
            ("1.123456789999", Some((1, 123_456_789))),
            ("-1", Some((-1, 0))),
            ("-1.5", Some((-2, 500_000_000))),
            ("-0.000000001", Some((-1, 999_999_999))),
            ("-1.9999999999", Some((-2, 0))),
            ("-631054554.876543211", Some((-631_054_555, 123_456_789))),
            ("9223372036854775807", Some((i64::MAX, 0))),
            ("9223372036854775808", None),
            ("", None),
            ("-", None),
            (".5", None),
            ("1.5s", None),
            ("--1", None),
        ] {
            let value = value.map(|(seconds, nanoseconds)| Time {
                seconds,
                nanoseconds,
            });
            assert_eq!(time(text.as_bytes()), value, "{text}");
        }
    }
}
