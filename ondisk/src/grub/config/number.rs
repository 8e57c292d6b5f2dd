// SPDX-License-Identifier: MIT OR Apache-2.0
//! Numbers as GRUB reads them (GRUB 2.06, kern/misc.c): of 32 bits on a BIOS
//! machine, with the prefixes of C, and whatever stands behind them.

/// A number at the start of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Number<'a> {
    /// What it is, or why it is none.
    pub value: Result<u32, NumberError>,
    pub rest: &'a str,
}

/// Why there is no number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NumberError {
    /// No digit.
    Bad,
    /// Too large.
    Range,
}

/// Whitespace to GRUB.
pub(super) fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}

/// Reads the number at the start of `text`. `base` 0 goes by the prefix.
pub(super) fn unsigned(text: &str, base: u32) -> Number<'_> {
    let mut rest = text.trim_start_matches([' ', '\t', '\n', '\r']);
    let mut base = base;
    if let Some(hex) = rest.strip_prefix("0x").filter(|_| base == 0 || base == 16) {
        base = 16;
        rest = hex;
    } else if base == 0 {
        let octal = rest.starts_with('0') && matches!(rest.as_bytes().get(1), Some(b'0'..=b'7'));
        base = if octal { 8 } else { 10 };
    }
    let mut value: u64 = 0;
    let mut digits = 0;
    for character in rest.chars() {
        let Some(digit) = character.to_digit(base) else {
            break;
        };
        digits += 1;
        value = value * u64::from(base) + u64::from(digit);
        if value > u64::from(u32::MAX) {
            // What follows is not looked at any more.
            let rest = rest.get(digits..).unwrap_or_default();
            let value = Err(NumberError::Range);
            return Number { value, rest };
        }
    }
    let rest = rest.get(digits..).unwrap_or_default();
    let value = match (digits, u32::try_from(value)) {
        (0, _) => Err(NumberError::Bad),
        (_, value) => value.map_err(|_| NumberError::Range),
    };
    Number { value, rest }
}

/// The number that `test` compares: with a sign, and 0 where there is none.
pub(super) fn signed(text: &str) -> i32 {
    let (text, negative) = match text.strip_prefix('-') {
        Some(rest) => (rest, true),
        None => (text, false),
    };
    let value = match unsigned(text, 0).value {
        Ok(value) => value,
        Err(NumberError::Bad) => 0,
        Err(NumberError::Range) => u32::MAX,
    };
    let value = value as i32;
    if negative {
        value.wrapping_neg()
    } else {
        value
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers() {
        let of = |text| {
            let number = unsigned(text, 0);
            (number.value, number.rest)
        };
        assert_eq!(of("12>3"), (Ok(12), ">3"));
        assert_eq!(of(" 0x1fg"), (Ok(31), "g"));
        // The start of a machine id.
        assert_eq!(of("0123abc"), (Ok(0o123), "abc"));
        assert_eq!(of("08"), (Ok(8), ""));
        assert_eq!(of("x"), (Err(NumberError::Bad), "x"));
        assert_eq!(of(""), (Err(NumberError::Bad), ""));
        assert_eq!(of("99999999999"), (Err(NumberError::Range), "9"));
        assert_eq!(signed("-3"), -3);
        assert_eq!(signed("no"), 0);
    }
}
