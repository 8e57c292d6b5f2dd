// SPDX-License-Identifier: MIT OR Apache-2.0
//! The lines of sshd_config, and whether a Match block holds.

use super::Login;
use ondisk::glob;

/// A line, with the blocks that it stands in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Setting {
    /// The keyword in small letters.
    pub key: String,
    /// Its arguments.
    pub words: Vec<String>,
    /// The Match block, and those around the Include that led here.
    pub when: Vec<Block>,
    /// File and line.
    pub place: String,
}

/// The conditions of a Match line; all must hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Block {
    words: Vec<String>,
}

/// Whether a condition holds, as far as it is known before anybody logs in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Truth {
    /// It does.
    Yes,
    /// It does not.
    No,
    /// It depends on the connection.
    Maybe,
}

impl Setting {
    pub(super) fn holds(&self, login: &Login<'_>) -> Truth {
        let all: Vec<Truth> = self.when.iter().map(|b| b.holds(login)).collect();
        and(&all)
    }

    /// The conditions, for messages.
    pub(super) fn conditions(&self) -> String {
        let all: Vec<String> = self.when.iter().map(|b| b.words.join(" ")).collect();
        format!("Match {}", all.join(", and Match "))
    }
}

impl Block {
    pub(super) fn new(words: Vec<String>) -> Block {
        Block { words }
    }

    fn holds(&self, login: &Login<'_>) -> Truth {
        let mut all = Vec::new();
        let mut words = self.words.iter();
        while let Some(word) = words.next() {
            let kind = word.to_ascii_lowercase();
            if kind == "all" {
                continue;
            }
            let list = words.next().map_or("", String::as_str);
            let of = |names: &[&str]| match fits(list, names) {
                true => Truth::Yes,
                false => Truth::No,
            };
            all.push(match kind.as_str() {
                "user" => of(&[&login.user.name]),
                "group" => of(&login.groups),
                // All users in question exist.
                "invalid-user" => Truth::No,
                _ => Truth::Maybe,
            });
        }
        and(&all)
    }
}

fn and(all: &[Truth]) -> Truth {
    match all {
        all if all.contains(&Truth::No) => Truth::No,
        all if all.contains(&Truth::Maybe) => Truth::Maybe,
        _ => Truth::Yes,
    }
}

/// Whether one of the names fits a list of patterns, and none one with `!`.
fn fits(list: &str, names: &[&str]) -> bool {
    let patterns = || list.split(',').filter(|p| !p.is_empty());
    let any = |pattern: &str| names.iter().any(|n| wildcard(pattern, n));
    let denied = |p: &str| p.strip_prefix('!').is_some_and(any);
    !patterns().any(denied) && patterns().any(|p| !p.starts_with('!') && any(p))
}

/// `*` and `?`, and nothing else.
fn wildcard(pattern: &str, name: &str) -> bool {
    glob::matches(glob::literally(pattern, &['[', '\\']), name)
}

/// Keyword and arguments of a line; none for empty ones and comments.
pub(super) fn words(line: &str) -> Option<(String, Vec<String>)> {
    let line = line.trim();
    let end = line.find(|c: char| c.is_whitespace() || c == '=')?;
    let (key, rest) = (line.get(..end)?, line.get(end..)?.trim_start());
    let rest = rest.strip_prefix('=').unwrap_or(rest);
    let plain = key.starts_with(|c: char| c.is_ascii_alphabetic());
    plain.then(|| (key.to_ascii_lowercase(), split(rest)))
}

/// Arguments, which white space divides unless they are in quotes; a `#` at
/// the beginning of one ends the line.
fn split(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match (c, quote) {
            ('\\', _) if chars.peek().is_some_and(|n| ['"', '\'', '\\'].contains(n)) => {
                word.get_or_insert_default().extend(chars.next());
            }
            (c, Some(q)) if c == q => quote = None,
            ('"' | '\'', None) => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (c, None) if c.is_whitespace() => words.extend(word.take()),
            ('#', None) if word.is_none() => break,
            _ => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brackets_and_backslashes_of_a_match_mean_themselves() {
        for (pattern, name, want) in [
            ("[ab]*", "[ab]c", true),
            ("[ab]", "a", false),
            ("D\\?b", "D\\ob", true),
            ("D\\*", "D*", false),
        ] {
            assert_eq!(wildcard(pattern, name), want, "{pattern} {name}");
        }
    }
}
