// SPDX-License-Identifier: MIT OR Apache-2.0
//! file_contexts.subs and .subs_dist: trees that get the labels of others.

/// Pairs of paths; the last line that fits counts.
#[derive(Debug, Default)]
pub(super) struct Substitutions(Vec<(String, String)>);

impl Substitutions {
    pub(super) fn parse(text: &str) -> Substitutions {
        let pair = |line: &str| {
            let mut words = line.split_ascii_whitespace();
            let from = words.next().filter(|w| !w.starts_with('#'))?;
            Some((from.to_owned(), words.next()?.to_owned()))
        };
        Substitutions(text.lines().filter_map(pair).collect())
    }

    /// The path whose label counts for `path`; none if it is `path` itself.
    pub(super) fn apply(&self, path: &[u8]) -> Option<Vec<u8>> {
        self.0.iter().rev().find_map(|(from, to)| {
            let rest = path.strip_prefix(from.as_bytes())?;
            let rest = match rest.first() {
                None => rest,
                Some(b'/') if to == "/" => rest.get(1..).unwrap_or_default(),
                Some(b'/') => rest,
                Some(_) => return None,
            };
            Some([to.as_bytes(), rest].concat())
        })
    }
}
