// SPDX-License-Identifier: MIT OR Apache-2.0
//! Files of `NAME=value` lines that a shell could read: sysconfig and
//! locale.conf.

use std::collections::BTreeMap;

/// The variables of a file; a later line wins. Nothing is expanded.
pub(crate) fn parse(text: &str) -> BTreeMap<String, String> {
    let mut variables = BTreeMap::new();
    for line in text.lines() {
        let line = line.trim();
        let line = line.strip_prefix("export ").unwrap_or(line).trim_start();
        let Some((name, value)) = line.split_once('=') else {
            continue;
        };
        let valid = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
        if !name.is_empty() && name.bytes().all(valid) {
            variables.insert(name.to_owned(), unquote(value));
        }
    }
    variables
}

/// The first word of a shell's line, without its quotes.
fn unquote(text: &str) -> String {
    let mut word = String::new();
    let mut quote = None;
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match (quote, c) {
            (None, '\'' | '"') => quote = Some(c),
            (Some(q), c) if q == c => quote = None,
            (None | Some('"'), '\\') => word.extend(chars.next()),
            (None, c) if c.is_whitespace() || c == ';' => break,
            (_, c) => word.push(c),
        }
    }
    word
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_lose_quotes_and_comments() {
        let text = "A=1\nexport B='two words' # c\nC=\"it's \\\"q\\\"\"\n#D=4\nE=a\\ b c\nF=\nnot a line\nA=2";
        let v = parse(text);
        let got: Vec<_> = v.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
        assert_eq!(
            got,
            [
                ("A", "2"),
                ("B", "two words"),
                ("C", "it's \"q\""),
                ("E", "a b"),
                ("F", "")
            ]
        );
    }
}
