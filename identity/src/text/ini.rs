// SPDX-License-Identifier: MIT OR Apache-2.0
//! Files with sections: NetworkManager's keyfiles and systemd's units.

/// A file's sections in order; the same name may come again.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Ini(Vec<(String, Vec<(String, String)>)>);

impl Ini {
    /// Reads a file. Lines that mean nothing are left out.
    pub(crate) fn parse(text: &str) -> Ini {
        let mut sections: Vec<(String, Vec<(String, String)>)> = Vec::new();
        for line in text.lines() {
            let line = line.trim();
            if line.is_empty() || line.starts_with(['#', ';']) {
                continue;
            }
            if let Some(name) = line.strip_prefix('[').and_then(|l| l.strip_suffix(']')) {
                sections.push((name.to_owned(), Vec::new()));
            } else if let (Some((key, value)), Some((_, pairs))) =
                (line.split_once('='), sections.last_mut())
            {
                pairs.push((key.trim().to_owned(), value.trim().to_owned()));
            }
        }
        Ini(sections)
    }

    /// The sections of a name, each with its pairs.
    pub(crate) fn sections<'a>(
        &'a self,
        name: &str,
    ) -> impl Iterator<Item = &'a [(String, String)]> {
        self.0
            .iter()
            .filter(move |(n, _)| n == name)
            .map(|(_, pairs)| pairs.as_slice())
    }

    /// All values of a key, in order.
    pub(crate) fn all<'a>(&'a self, section: &str, key: &str) -> impl Iterator<Item = &'a str> {
        self.sections(section)
            .flatten()
            .filter(move |(k, _)| k == key)
            .map(|(_, v)| v.as_str())
    }

    /// All values of a key of systemd's lists, where an empty one takes back what
    /// comes before it.
    pub(crate) fn list<'a>(&'a self, section: &str, key: &str) -> Vec<&'a str> {
        let mut values = Vec::new();
        for value in self.all(section, key) {
            match value.is_empty() {
                true => values.clear(),
                false => values.push(value),
            }
        }
        values
    }

    /// The last value of a key.
    pub(crate) fn get<'a>(&'a self, section: &str, key: &str) -> Option<&'a str> {
        self.all(section, key).last()
    }
}
