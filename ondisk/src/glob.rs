// SPDX-License-Identifier: MIT OR Apache-2.0
//! Patterns of fnmatch(3) without flags: `*`, `?`, `[...]`, each of which matches
//! a slash, too.

/// Whether `pattern` matches all of `text`.
///
/// Matches byte by byte; on a mismatch the last `*` takes one byte more, so
/// that the time is bounded by the product of the lengths.
pub fn matches(pattern: impl AsRef<[u8]>, text: impl AsRef<[u8]>) -> bool {
    matches_bytes(pattern.as_ref(), text.as_ref())
}

/// A pattern in which these characters mean themselves: each gets a backslash.
/// For programs whose patterns have fewer special ones, or no escape.
#[must_use]
pub fn literally(pattern: &str, characters: &[char]) -> String {
    let mut text = String::with_capacity(pattern.len());
    for c in pattern.chars() {
        if characters.contains(&c) {
            text.push('\\');
        }
        text.push(c);
    }
    text
}

fn matches_bytes(pattern: &[u8], text: &[u8]) -> bool {
    let (mut p, mut t) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while let Some(byte) = text.get(t) {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p, t));
                p += 1;
                continue;
            }
            Some(b'?') => {
                (p, t) = (p + 1, t + 1);
                continue;
            }
            Some(b'[') => {
                if let Some((end, hit)) = bracket(pattern, p, *byte) {
                    if hit {
                        (p, t) = (end, t + 1);
                        continue;
                    }
                } else if *byte == b'[' {
                    // Never closed: an ordinary character.
                    (p, t) = (p + 1, t + 1);
                    continue;
                }
            }
            Some(b'\\') if pattern.get(p + 1) == Some(byte) => {
                (p, t) = (p + 2, t + 1);
                continue;
            }
            Some(other) if other == byte && *other != b'\\' => {
                (p, t) = (p + 1, t + 1);
                continue;
            }
            _ => {}
        }
        let Some((star_p, star_t)) = star else {
            return false;
        };
        star = Some((star_p, star_t + 1));
        (p, t) = (star_p + 1, star_t + 1);
    }
    pattern
        .get(p..)
        .is_some_and(|rest| rest.iter().all(|byte| *byte == b'*'))
}

/// The bracket expression that opens at `open`: the offset behind it and
/// whether `byte` is in it. `None` if it is never closed.
fn bracket(pattern: &[u8], open: usize, byte: u8) -> Option<(usize, bool)> {
    let mut at = open + 1;
    let negated = matches!(pattern.get(at), Some(b'!' | b'^'));
    if negated {
        at += 1;
    }
    let start = at;
    let mut hit = false;
    loop {
        let low = *pattern.get(at)?;
        if low == b']' && at > start {
            return Some((at + 1, hit != negated));
        }
        let high = match (pattern.get(at + 1), pattern.get(at + 2)) {
            (Some(b'-'), Some(high)) if *high != b']' => {
                at += 2;
                *high
            }
            _ => low,
        };
        hit |= (low..=high).contains(&byte);
        at += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_fnmatch_does() {
        for (pattern, text, right) in [
            ("*.log", "a/b.log", true),
            ("*.log", "a/b.logs", false),
            ("a/?", "a//", true),
            ("[!a-c]x", "dx", true),
            ("[!a-c]x", "bx", false),
            ("[a", "[a", true),
            ("\\*", "*", true),
            ("\\*", "a", false),
            ("", "", true),
            ("*", "", true),
        ] {
            let found = matches(pattern.as_bytes(), text.as_bytes());
            assert_eq!(found, right, "{pattern} {text}");
        }
    }

    #[test]
    fn characters_that_mean_themselves() {
        for (pattern, characters, text, right) in [
            ("[ab]?*", &['[', '\\'][..], "[ab]cd", true),
            ("[ab]?*", &['[', '\\'], "acd", false),
            ("a\\x2d*", &['\\'], "a\\x2db", true),
            ("a\\x2d*", &[], "a\\x2db", false),
            ("e*", &['*'], "e*", true),
            ("e*", &['*'], "eth0", false),
        ] {
            let found = matches(literally(pattern, characters), text);
            assert_eq!(found, right, "{pattern} {characters:?} {text}");
        }
    }
}
