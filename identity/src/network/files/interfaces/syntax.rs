// SPDX-License-Identifier: MIT OR Apache-2.0
//! Splits a file into `iface` stanzas with their lines, and the interfaces that
//! come up at boot.

/// The contents of a file. Interfaces are built later, because the stanzas of one
/// interface may be in several files.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::network::files) struct Parsed {
    /// `iface` stanzas in order.
    pub stanzas: Vec<Stanza>,
    /// Names of `auto` and `allow-hotplug` lines.
    pub auto: Vec<String>,
    /// Patterns of `source` lines.
    pub sources: Vec<String>,
    /// Directories of `source-directory` lines.
    pub directories: Vec<String>,
}

/// An `iface` stanza.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::network::files) struct Stanza {
    /// The file.
    pub source: String,
    pub name: String,
    /// inet6 rather than inet.
    pub v6: bool,
    /// static, dhcp, manual …
    pub method: String,
    /// Number, name and value of each line.
    pub options: Vec<(usize, String, String)>,
}

impl Stanza {
    /// File and line number, for warnings.
    pub(super) fn at(&self, line: usize) -> String {
        format!("{}:{line}", self.source)
    }
}

/// Reads one file.
pub(in crate::network::files) fn parse(source: &str, text: &str) -> Parsed {
    let mut parsed = Parsed::default();
    let mut inside = false;
    for (number, line) in joined(text) {
        let (word, rest) = line.split_once(char::is_whitespace).unwrap_or((&line, ""));
        let rest = rest.trim();
        match word {
            "auto" => parsed
                .auto
                .extend(rest.split_whitespace().map(str::to_owned)),
            "source" => parsed.sources.push(rest.to_owned()),
            "source-directory" => parsed.directories.push(rest.to_owned()),
            "iface" | "template" => {
                let words: Vec<&str> = rest.split_whitespace().collect();
                let mut stanza = Stanza {
                    source: source.to_owned(),
                    ..Stanza::default()
                };
                stanza.name = words.first().copied().unwrap_or_default().to_owned();
                let family = words.iter().position(|w| *w == "inet" || *w == "inet6");
                stanza.v6 = family.is_some_and(|f| words.get(f) == Some(&"inet6"));
                let method = family.and_then(|f| words.get(f + 1));
                stanza.method = method.copied().unwrap_or("manual").to_owned();
                if let Some(at) = words.iter().position(|w| *w == "inherits")
                    && let Some(from) = words.get(at + 1)
                    && let Some(base) = parsed.stanzas.iter().find(|s| s.name == *from)
                {
                    stanza.options = base.options.clone();
                }
                inside = word == "iface" || !stanza.name.is_empty();
                if inside {
                    parsed.stanzas.push(stanza);
                }
                continue;
            }
            "mapping" | "rename" | "no-auto-down" | "no-scripts" => {}
            _ if word.starts_with("allow-") => {
                if word == "allow-hotplug" || word == "allow-auto" {
                    parsed
                        .auto
                        .extend(rest.split_whitespace().map(str::to_owned));
                }
            }
            _ => {
                if inside && let Some(stanza) = parsed.stanzas.last_mut() {
                    let line = (number, word.to_owned(), rest.to_owned());
                    stanza.options.push(line);
                }
                continue;
            }
        }
        inside = false;
    }
    parsed
}

/// Lines without comments and their numbers, those that end in a backslash
/// joined.
fn joined(text: &str) -> Vec<(usize, String)> {
    let mut lines: Vec<(usize, String)> = Vec::new();
    let mut open = false;
    for (at, line) in text.lines().enumerate() {
        if !open && line.trim_start().starts_with('#') {
            continue;
        }
        let (part, more) = match line.strip_suffix('\\') {
            Some(part) => (part, true),
            None => (line, false),
        };
        match lines.last_mut().filter(|_| open) {
            Some((_, last)) => last.push_str(part),
            None => lines.push((at + 1, part.trim().to_owned())),
        }
        open = more;
    }
    lines.retain(|(_, l)| !l.trim().is_empty());
    lines
}
