// SPDX-License-Identifier: MIT OR Apache-2.0
//! A file of /loader/entries, and the order in which GRUB has them.

use super::version::compare;
use std::cmp::Ordering;

/// A file of the directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct BlsEntry {
    /// Its name without `.conf`.
    pub name: String,
    /// Keys and values in order.
    lines: Vec<(String, String)>,
    /// Whether it is in the menu.
    pub visible: bool,
}

impl BlsEntry {
    /// Reads a file. GRUB stops at the first line that is not a key and a
    /// value, be it an empty one.
    pub fn parse(name: &str, text: &str) -> BlsEntry {
        let mut lines = Vec::new();
        for line in text.lines() {
            let line = line.replace('\r', "");
            let line = line.trim_start_matches([' ', '\t']);
            if line.starts_with('#') {
                continue;
            }
            let at = line.find(' ').or_else(|| line.find('\t'));
            let Some((key, value)) = at.and_then(|at| Some((line.get(..at)?, line.get(at + 1..)?)))
            else {
                break;
            };
            if value.is_empty() {
                break;
            }
            let value = value.trim_start_matches([' ', '\t']);
            lines.push((key.into(), value.into()));
        }
        let name = name.into();
        BlsEntry {
            name,
            lines,
            visible: false,
        }
    }

    pub fn value(&self, key: &str) -> Option<&str> {
        let line = self.lines.iter().find(|line| line.0 == key);
        line.map(|line| line.1.as_str())
    }

    pub fn values<'a>(&'a self, key: &'a str) -> impl Iterator<Item = &'a str> {
        let lines = self.lines.iter().filter(move |line| line.0 == key);
        lines.map(|line| line.1.as_str())
    }

    /// Bytes that it takes, roughly.
    pub fn size(&self) -> usize {
        let lines = self
            .lines
            .iter()
            .map(|(key, value)| key.len() + value.len() + 64);
        self.name.len() + lines.sum::<usize>()
    }
}

/// Newest first. What compares as equal to an entry is left out.
pub(super) fn insert(entries: &mut Vec<BlsEntry>, entry: BlsEntry) {
    for at in 0..entries.len() {
        let Some(other) = entries.get(at) else { break };
        match compare(&entry.name, &other.name, true, true) {
            Ordering::Equal => return,
            Ordering::Greater => return entries.insert(at, entry),
            Ordering::Less => {}
        }
    }
    entries.push(entry);
}

/// By the key `version`, if every entry has it, then by name; newest first.
pub(super) fn sorted_el8(mut entries: Vec<BlsEntry>) -> Vec<BlsEntry> {
    let versions = entries.iter().all(|entry| entry.value("version").is_some());
    entries.sort_by(|a, b| {
        let by_name = || compare(&a.name, &b.name, true, false);
        match (a.value("version"), b.value("version")) {
            (Some(a), Some(b)) if versions => compare(a, b, false, false).then_with(by_name),
            _ => by_name(),
        }
    });
    entries.reverse();
    entries
}
#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_ends_with_its_first_malformed_line() {
        let text = "title A (1) 9\n# comment\nversion 1\n\tlinux  /vmlinuz-1\r\n\noptions quiet\n";
        let entry = BlsEntry::parse("id", text);
        assert_eq!(entry.value("title"), Some("A (1) 9"));
        assert_eq!(entry.value("linux"), Some("/vmlinuz-1"));
        assert_eq!(entry.value("options"), None);
    }
}
