// SPDX-License-Identifier: MIT OR Apache-2.0
//! Patterns of names, as a shell has them.

/// Whether `name` fits the shell pattern (`*`, `?`, `[…]` with ranges and `!`).
pub(crate) fn matches(pattern: &str, name: &str) -> bool {
    fn go(pattern: &[u8], name: &[u8]) -> bool {
        let Some((first, rest)) = pattern.split_first() else {
            return name.is_empty();
        };
        match first {
            b'*' => (0..=name.len()).any(|n| name.get(n..).is_some_and(|name| go(rest, name))),
            b'?' => name.split_first().is_some_and(|(_, name)| go(rest, name)),
            b'[' => {
                let Some(end) = rest.iter().skip(1).position(|b| *b == b']').map(|e| e + 1) else {
                    return name.first() == Some(&b'[') && go(rest, name.get(1..).unwrap_or(b""));
                };
                let Some((byte, name)) = name.split_first() else {
                    return false;
                };
                let set = rest.get(..end).unwrap_or_default();
                let (not, set) = match set.split_first() {
                    Some((b'!' | b'^', set)) => (true, set),
                    _ => (false, set),
                };
                let within = set.contains(byte)
                    || set
                        .windows(3)
                        .any(|w| matches!(w, [a, b'-', z] if a <= byte && byte <= z));
                within != not && go(rest.get(end + 1..).unwrap_or_default(), name)
            }
            _ => name
                .split_first()
                .is_some_and(|(b, name)| b == first && go(rest, name)),
        }
    }
    // Longer ones could take exponential time, and name no interface or file.
    pattern.len() <= 64
        && pattern.matches('*').count() <= 4
        && go(pattern.as_bytes(), name.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shell_patterns() {
        for (pattern, name, want) in [
            ("*", "eth0", true),
            ("en*", "ens18", true),
            ("en*", "eth0", false),
            ("eth[0-2]", "eth1", true),
            ("eth[0-2]", "eth3", false),
            ("eth[!0]", "eth0", false),
            ("eth[]0]", "eth0", true),
            ("e?h0", "eth0", true),
            ("[", "[", true),
            ("", "", true),
            ("***************************", "aaaaaaaa", false),
        ] {
            assert_eq!(matches(pattern, name), want, "{pattern} {name}");
        }
    }
}
