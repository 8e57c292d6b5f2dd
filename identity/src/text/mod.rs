// SPDX-License-Identifier: MIT OR Apache-2.0
//! Small grammars that several kinds of configuration files share.

pub(crate) mod ini;
pub(crate) mod secret;
pub(crate) mod shell;
pub(crate) mod yaml;

/// First line of every file that is made here.
pub(crate) const HEADER: &str = "# Carried over from the old system by replant.\n";

/// Whether a text is yes, true, on or 1, in capital or small letters.
pub(crate) fn is_yes(text: &str) -> bool {
    matches!(
        text.to_ascii_lowercase().as_str(),
        "yes" | "true" | "on" | "1" | "y" | "t"
    )
}

/// The number of the line that sets a name to a value, or that is a section's
/// header; 1 if there is none.
pub(crate) fn line_of(text: &str, name: &str) -> usize {
    let sets = |line: &str| {
        let line = line.trim_start();
        let line = line.strip_prefix("export ").unwrap_or(line).trim_start();
        let rest = line.strip_prefix(name).map(str::trim_start);
        rest.is_some_and(|rest| rest.starts_with('=') || name.ends_with(']'))
    };
    text.lines().position(sets).map_or(1, |at| at + 1)
}

/// The same of a key in a section: the line that counts is the last one.
pub(crate) fn line_in(text: &str, section: &str, key: &str) -> usize {
    let (mut found, mut inside) = (1, false);
    for (at, line) in text.lines().enumerate() {
        let line = line.trim();
        if let Some(name) = line.strip_prefix('[').and_then(|l| l.strip_suffix(']')) {
            inside = name == section;
        } else if inside
            && let Some(rest) = line.strip_prefix(key)
            && rest.trim_start().starts_with('=')
        {
            found = at + 1;
        }
    }
    found
}
