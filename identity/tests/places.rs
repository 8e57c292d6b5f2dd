// SPDX-License-Identifier: MIT OR Apache-2.0
//! What `apply` reads and writes in the new system is looked at in the payload
//! before, when nothing is lost yet. This compares the sources with the table
//! of what is looked at.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use ondisk::identity_path::is_identity_path;
use std::path::{Path, PathBuf};

/// Sources that read the old system only.
const OF_THE_OLD: [&str; 5] = [
    "collect",
    "save.rs",
    "network/files",
    "network/kernel",
    "src/losses",
];

/// What cannot be read there is a warning.
const ONLY_WARNS: [&str; 1] = ["etc/skel"];

fn sources(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else {
            found.push(path);
        }
    }
}

/// All texts in a source but those of its tests. A quote in a comment or a
/// character begins none.
fn texts(source: &str) -> Vec<String> {
    let code = source.split("#[cfg(test)]").next().unwrap();
    let mut found = Vec::new();
    let mut rest = code;
    while let Some(at) = rest.find(['"', '\'', '/']) {
        let (before, from) = rest.split_at(at);
        rest = if let Some(text) = from.strip_prefix('"') {
            let raw = before.trim_end_matches('#');
            let end = match raw.ends_with('r') {
                true => text.find(&format!("\"{}", &before[raw.len()..])),
                false => text.find(unescaped_quote()),
            };
            let (text, rest) = text.split_at(end.unwrap());
            found.push(text.to_owned());
            &rest[1..]
        } else if from.starts_with("//") {
            from.split_once('\n').map_or("", |(_, rest)| rest)
        } else if let Some(escaped) = from.strip_prefix("'\\") {
            escaped[1..].split_once('\'').unwrap().1
        } else if from.chars().nth(2) == Some('\'') {
            from.splitn(3, '\'').last().unwrap()
        } else {
            // Of a lifetime, or a division.
            &from[1..]
        };
    }
    found
}

/// Of the characters of a text, whether each ends it.
fn unescaped_quote() -> impl FnMut(char) -> bool {
    let mut escaped = false;
    move |c| {
        let ends = c == '"' && !escaped;
        escaped = c == '\\' && !escaped;
        ends
    }
}

/// The texts in a source that begin like a path of a system's own files. What
/// comes after a name that is filled in is left out.
fn paths(source: &str) -> Vec<String> {
    let texts = texts(source);
    let tops = ["etc/", "var/lib/", "boot/"];
    let texts = texts.iter().map(String::as_str);
    let paths = texts.filter(|text| tops.iter().any(|top| text.starts_with(top)));
    let whole = paths.map(|text| text.split('{').next().unwrap());
    let is_path = |text: &&str| !text.contains(|c: char| c.is_whitespace() || c == ';');
    let names = whole.filter(is_path).map(|text| text.trim_end_matches('/'));
    // Of `etc/{name}`, the names are in a list; the table has them, too.
    names.filter(|n| *n != "etc").map(String::from).collect()
}

#[test]
fn a_quote_that_is_no_text_hides_none() {
    let source = r##"
        //! It's "so.
        fn trimmed<'a>(text: &'a str) -> &'a str { text.trim_matches('"') }
        const A: &str = "etc/a\"b"; // etc/"no
        const B: [char; 3] = ['\'', '\\', '\u{7}'];
        const C: &str = r#"etc/"c"#;
        const D: &[u8] = b"etc/d/{name}";
        #[cfg(test)] const E: &str = "etc/e";
    "##;
    assert_eq!(paths(source), ["etc/a\\\"b", "etc/\"c", "etc/d"]);
}

#[test]
fn what_is_applied_was_looked_at() {
    let mut files = Vec::new();
    sources(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("src"),
        &mut files,
    );
    let mut seen = 0;
    for file in files {
        let name = file.display().to_string();
        if name.contains("tests") || OF_THE_OLD.iter().any(|part| name.contains(part)) {
            continue;
        }
        for path in paths(&std::fs::read_to_string(&file).unwrap()) {
            seen += 1;
            assert!(
                is_identity_path(&path) || ONLY_WARNS.contains(&path.as_str()),
                "{name}: {path} is in no table of ondisk's inventory (inventory/identity.rs)"
            );
        }
    }
    assert!(seen > 30, "{seen}");
    for name in ["passwd", "group", "shadow", "gshadow", "subuid", "subgid"] {
        assert!(is_identity_path(&format!("etc/{name}")), "{name}");
    }
}
