// SPDX-License-Identifier: MIT OR Apache-2.0
//! passwd, group, shadow, gshadow and sub{u,g}id as lists of lines. Lines that
//! are no entries (NIS, comments) stay where they are.

/// A file of lines with fields that colons divide.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Table {
    lines: Vec<Vec<String>>,
}

impl Table {
    /// Reads a file; any text is one.
    pub(crate) fn parse(text: &str) -> Table {
        let lines = text.lines().filter(|l| !l.trim().is_empty());
        Table {
            lines: lines
                .map(|l| l.split(':').map(str::to_owned).collect())
                .collect(),
        }
    }

    /// The text of the file.
    pub(crate) fn text(&self) -> String {
        self.lines.iter().map(|l| l.join(":") + "\n").collect()
    }

    /// The entries: at least `fields` fields, and a plain name in the first.
    pub(crate) fn entries(&self, fields: usize) -> impl Iterator<Item = &[String]> {
        let lines = self.lines.iter().map(Vec::as_slice);
        lines.filter(move |l| is_entry(l, fields))
    }

    /// The same entries, to be changed.
    pub(crate) fn entries_mut(&mut self, fields: usize) -> impl Iterator<Item = &mut [String]> {
        self.lines
            .iter_mut()
            .map(Vec::as_mut_slice)
            .filter(move |l| is_entry(l, fields))
    }

    /// Whether a line takes entries from NIS.
    pub(crate) fn has_nis(&self) -> bool {
        let nis = |l: &Vec<String>| l.first().is_some_and(|n| n.starts_with('+'));
        self.lines.iter().any(nis)
    }

    /// The first entry with a name.
    pub(crate) fn get(&self, name: &str) -> Option<&[String]> {
        self.entries(1)
            .find(|l| l.first().is_some_and(|n| n == name))
    }

    /// Replaces the entry of that name, or adds one (before NIS lines).
    pub(crate) fn set(&mut self, entry: Vec<String>) {
        let Some(name) = entry.first() else { return };
        if let Some(line) = self.lines.iter_mut().find(|l| l.first() == Some(name)) {
            *line = entry;
            return;
        }
        let nis = |l: &Vec<String>| l.first().is_some_and(|n| n.starts_with(['+', '-']));
        let at = self.lines.iter().position(nis).unwrap_or(self.lines.len());
        self.lines.insert(at, entry);
    }

    /// Adds an entry whatever is there (sub{u,g}id has several of a name).
    pub(crate) fn push(&mut self, entry: Vec<String>) {
        self.lines.push(entry);
    }
}

fn is_entry(line: &[String], fields: usize) -> bool {
    let name = line.first().map_or("", String::as_str);
    line.len() >= fields && !name.is_empty() && !name.starts_with(['+', '-', '#'])
}

/// A field, empty if there is none.
pub(crate) fn field(entry: &[String], at: usize) -> &str {
    entry.get(at).map_or("", String::as_str)
}

/// A field that is a number.
pub(crate) fn number(entry: &[String], at: usize) -> Option<u32> {
    field(entry, at).parse().ok()
}

/// The names of a field that commas divide.
pub(crate) fn names(entry: &[String], at: usize) -> impl Iterator<Item = &str> {
    field(entry, at).split(',').filter(|n| !n.is_empty())
}

/// Whether a name of a user or group can be written into these files, and into
/// messages. (useradd's own rule is narrower.)
pub(crate) fn is_name(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= 256
        && name != "."
        && name != ".."
        && !name.starts_with(['-', '+', '#', '~'])
        && !name.contains(|c: char| c.is_control() || c.is_whitespace() || ":,/\\\"".contains(c))
}

/// Whether a text can be a field: no colon, no line end.
pub(crate) fn is_field(text: &str) -> bool {
    !text.contains(|c: char| c == ':' || c.is_control())
}
