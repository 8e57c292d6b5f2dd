// SPDX-License-Identifier: MIT OR Apache-2.0
//! Network configuration files of the old system. The parsers are pure: text
//! in, values out; `load` finds the files.

mod ifcfg;
pub(crate) mod ini;
mod interfaces;
mod keyfile;
mod load;
mod networkd;
pub(crate) mod resolv;
pub(crate) mod shell;
#[cfg(test)]
mod tests;

pub(crate) use load::load;

use super::network::{Dns, Interface};

/// What one file, or one stanza, says about an interface.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Candidate {
    /// The file, for messages.
    pub source: String,
    /// The configuration. The name is empty if the file goes by MAC address or
    /// pattern.
    pub interface: Interface,
    /// Patterns of names that it applies to.
    pub patterns: Vec<String>,
    /// Names under which other files refer to it (NetworkManager's UUID and id).
    pub aliases: Vec<String>,
    /// Bigger wins among several for one interface.
    pub priority: i32,
}

/// What all files say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Files {
    /// Configurations in the order of the sources.
    pub candidates: Vec<Candidate>,
    /// /etc/resolv.conf.
    pub resolv: Dns,
    /// What is written in a way that cannot be carried over.
    pub warnings: Vec<String>,
}

/// yes, true, on, 1 in any case; anything else is no.
fn is_yes(text: &str) -> bool {
    matches!(
        text.to_ascii_lowercase().as_str(),
        "yes" | "true" | "on" | "1" | "y" | "t"
    )
}

/// Whether `name` fits the shell pattern (`*`, `?`, `[…]` with ranges and `!`).
pub(crate) fn fits(pattern: &str, name: &str) -> bool {
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
