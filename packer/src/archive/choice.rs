// SPDX-License-Identifier: MIT OR Apache-2.0
//! Decides which files go into the payload, which are left out, and which are
//! emptied.

use anyhow::{Result, bail};
use ondisk::glob;

/// What is done with a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    Keep,
    /// It is included with owner and mode, but without content.
    Empty,
    /// It is left out, with everything in it.
    LeaveOut,
}

/// A pattern, what is done with matching files, and how many there were.
#[derive(Debug, Clone)]
struct Rule {
    /// As it was given, for messages.
    text: String,
    /// The pattern without its anchor.
    pattern: Vec<u8>,
    /// Whether it matches from the root only; otherwise after any slash, as in
    /// tar.
    anchored: bool,
    fate: Fate,
    /// Whether it was given on the command line.
    asked: bool,
    /// How many files it hit.
    hits: u64,
}

/// All patterns; the first one that matches a file decides.
#[derive(Debug, Clone, Default)]
pub struct Choice {
    rules: Vec<Rule>,
}

impl Choice {
    /// Adds a pattern of the layout.
    pub fn add(&mut self, text: &str, fate: Fate) -> Result<()> {
        self.push(text, fate, false)
    }

    /// Adds one of the command line.
    pub fn exclude(&mut self, text: &str) -> Result<()> {
        self.push(text, Fate::LeaveOut, true)
    }

    fn push(&mut self, text: &str, fate: Fate, asked: bool) -> Result<()> {
        let below = ["./", "/"]
            .iter()
            .find_map(|start| text.strip_prefix(start));
        let pattern = below.unwrap_or(text).trim_start_matches('/');
        let pattern = pattern.trim_end_matches('/');
        if pattern.is_empty() || pattern == "." {
            bail!("\"{text}\" means the whole system; name what is to be left out");
        }
        self.rules.push(Rule {
            text: text.to_string(),
            pattern: pattern.as_bytes().to_vec(),
            anchored: below.is_some(),
            fate,
            asked,
            hits: 0,
        });
        Ok(())
    }

    /// Decides about a path below the root, without a slash at its start. Only
    /// regular files are emptied.
    pub fn fate(&mut self, path: &[u8], is_file: bool) -> Fate {
        for rule in &mut self.rules {
            if rule.fate == Fate::Empty && !is_file || !rule.means(path) {
                continue;
            }
            rule.hits = rule.hits.saturating_add(1);
            return rule.fate;
        }
        Fate::Keep
    }

    /// Messages: a line for each pattern that matched something, and warnings for
    /// patterns of the command line that did not.
    pub fn report(&self) -> (Vec<String>, Vec<String>) {
        let line = |rule: &Rule| {
            let what = match rule.fate {
                Fate::Empty => "emptied",
                _ => "left out",
            };
            format!("{what}: {} ({})", rule.text, rule.hits)
        };
        let hit = self.rules.iter().filter(|rule| rule.hits != 0);
        let missed = self.rules.iter().filter(|r| r.asked && r.hits == 0);
        (
            hit.map(line).collect(),
            missed
                .map(|r| {
                    format!(
                        "--exclude {}: there is no such file; a path begins with / or ./ at the new system's root",
                        r.text
                    )
                })
                .collect(),
        )
    }
}

impl Rule {
    fn means(&self, path: &[u8]) -> bool {
        if glob::matches(&self.pattern, path) {
            return true;
        }
        let mut slashes = path.iter().enumerate().filter(|(_, byte)| **byte == b'/');
        !self.anchored
            && slashes.any(|(at, _)| {
                let rest = path.get(at.saturating_add(1)..).unwrap_or_default();
                glob::matches(&self.pattern, rest)
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fate(pattern: &str, path: &str) -> Fate {
        let mut choice = Choice::default();
        choice.exclude(pattern).unwrap();
        choice.fate(path.as_bytes(), true)
    }

    #[test]
    fn a_slash_at_the_start_is_the_new_systems_root() {
        for pattern in ["/srv/x", "./srv/x", "//srv/x", "/srv/x/", "srv/x"] {
            assert_eq!(fate(pattern, "srv/x"), Fate::LeaveOut, "{pattern}");
        }
        assert_eq!(fate("/srv/x", "a/srv/x"), Fate::Keep);
        assert_eq!(fate("srv/x", "a/srv/x"), Fate::LeaveOut);
        assert_eq!(fate("*.log", "var/log/a.log"), Fate::LeaveOut);
        assert_eq!(fate("./data/*", "data"), Fate::Keep);
        assert_eq!(fate("./data/*", "data/a/b"), Fate::LeaveOut);
        assert_eq!(fate("x", "srv/xx"), Fate::Keep);
        for all in ["/", ".", "./", ""] {
            let error = Choice::default().exclude(all).unwrap_err().to_string();
            assert!(error.contains("the whole system"), "{all}: {error}");
        }
    }

    #[test]
    fn what_was_asked_for_and_hit_nothing_is_named() {
        let mut choice = Choice::default();
        choice.exclude("/gone").unwrap();
        choice.add("/etc/machine-id", Fate::Empty).unwrap();
        choice.add("/never", Fate::LeaveOut).unwrap();
        assert_eq!(choice.fate(b"etc/machine-id", false), Fate::Keep);
        assert_eq!(choice.fate(b"etc/machine-id", true), Fate::Empty);
        let (lines, warnings) = choice.report();
        assert_eq!(lines, ["emptied: /etc/machine-id (1)"]);
        assert_eq!(warnings.len(), 1);
        assert!(warnings[0].starts_with("--exclude /gone: "), "{warnings:?}");
    }
}
