// SPDX-License-Identifier: MIT OR Apache-2.0
//! The environment block as GRUB's own functions handle it, of any length and
//! in whatever state (GRUB 2.06, lib/envblk.c).

use super::SIGNATURE;

/// Why a variable was not set; the block is as it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::grub) enum SetError {
    /// A line has no end, from this byte on.
    Broken(usize),
    /// The fill is too short.
    Full {
        /// Bytes that the variable needs.
        need: usize,
        /// Bytes of fill.
        room: usize,
    },
}

/// Whether GRUB takes the file for an environment block.
pub(in crate::grub) fn is_block(bytes: &[u8]) -> bool {
    bytes.len() > SIGNATURE.len() && bytes.starts_with(SIGNATURE)
}

/// Length of a value with its backslashes.
pub(in crate::grub) fn escaped_length(value: &[u8]) -> usize {
    let escaped = value.iter().filter(|b| matches!(b, b'\\' | b'\n')).count();
    value.len() + escaped
}

/// The first byte at or after `at` that ends a line or lies behind the block.
fn line_end(bytes: &[u8], mut at: usize) -> usize {
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'\n' => break,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    at
}

/// Names and values in order, up to where the block is damaged.
pub(in crate::grub) fn variables(bytes: &[u8]) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut at = SIGNATURE.len();
    while let Some(&first) = bytes.get(at) {
        if first == b'#' {
            at = line_end(bytes, at) + 1;
            continue;
        }
        let rest = bytes.get(at..).unwrap_or_default();
        let Some(equals) = rest.iter().position(|&b| b == b'=') else {
            break;
        };
        let value = at + equals + 1;
        let end = line_end(bytes, value);
        if end >= bytes.len() {
            break;
        }
        let name = rest.get(..equals).unwrap_or_default();
        let value = unescape(bytes.get(value..end).unwrap_or_default());
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        found.push((text(name), text(&value)));
        at = end + 1;
    }
    found
}

fn unescape(value: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(value.len());
    let mut bytes = value.iter();
    while let Some(&b) = bytes.next() {
        out.push(if b == b'\\' {
            bytes.next().copied().unwrap_or(b)
        } else {
            b
        });
    }
    out
}

/// Whether the variable's line begins at `at`.
fn is_at(bytes: &[u8], at: usize, name: &[u8]) -> bool {
    let rest = bytes.get(at..).unwrap_or_default();
    rest.strip_prefix(name).is_some_and(|r| r.starts_with(b"="))
}

/// Sets the first variable of this name, or adds one.
pub(in crate::grub) fn set(bytes: &mut [u8], name: &[u8], value: &[u8]) -> Result<(), SetError> {
    let end = bytes.len();
    let room = bytes.iter().rev().take_while(|&&b| b == b'#').count();
    let fill = end - room;
    if fill < SIGNATURE.len() || bytes.get(fill - 1) != Some(&b'\n') {
        return Err(SetError::Broken(fill.saturating_sub(1)));
    }
    let new = escaped_length(value);
    let mut at = SIGNATURE.len();
    while at + name.len() + 1 < fill {
        if !is_at(bytes, at, name) {
            at = line_end(bytes, at) + 1;
            continue;
        }
        at += name.len() + 1;
        let old = line_end(bytes, at) - at;
        if at + old >= end {
            return Err(SetError::Broken(at));
        }
        if new > old + room {
            let need = new - old;
            return Err(SetError::Full { need, room });
        }
        if new < old {
            bytes.copy_within(at + old..end, at + new);
            let from = fill - (old - new);
            bytes.get_mut(from..fill).unwrap_or_default().fill(b'#');
        } else {
            bytes.copy_within(at + old..end - (new - old), at + new);
        }
        write(bytes, at, value);
        return Ok(());
    }
    let need = name.len() + 1 + new + 1;
    if room < need {
        return Err(SetError::Full { need, room });
    }
    for (to, from) in bytes.iter_mut().skip(fill).zip(name.iter().chain(b"=")) {
        *to = *from;
    }
    write(bytes, fill + name.len() + 1, value);
    Ok(())
}

/// Writes a value and the end of its line.
fn write(bytes: &mut [u8], at: usize, value: &[u8]) {
    let escaped = value.iter().flat_map(|&b| {
        let backslash = matches!(b, b'\\' | b'\n').then_some(b'\\');
        backslash.into_iter().chain([b])
    });
    for (to, from) in bytes.iter_mut().skip(at).zip(escaped.chain([b'\n'])) {
        *to = from;
    }
}

/// Takes the first variable of this name away.
pub(in crate::grub) fn delete(bytes: &mut [u8], name: &[u8]) {
    let end = bytes.len();
    let mut at = SIGNATURE.len();
    while at + name.len() + 1 < end {
        if is_at(bytes, at, name) {
            let next = line_end(bytes, at + name.len() + 1) + 1;
            if next > end {
                return;
            }
            bytes.copy_within(next..end, at);
            let from = end - (next - at);
            bytes.get_mut(from..).unwrap_or_default().fill(b'#');
            return;
        }
        at = line_end(bytes, at) + 1;
    }
}
