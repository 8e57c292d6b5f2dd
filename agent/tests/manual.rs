// SPDX-License-Identifier: MIT OR Apache-2.0
//! The manual page, the help and the completions name the same options; what
//! documents name of the tree is there.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use replant::cli::{COMPLETIONS, HELP};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// The options of a command in the help: `replant stage [--package DIR] ...`,
/// to the next command.
fn options(text: &str) -> BTreeSet<&str> {
    text.split(|c: char| c.is_whitespace() || "[]|'".contains(c))
        .filter(|word| word.starts_with("--") && word.len() > 2)
        .collect()
}

#[test]
fn manual_help_and_completions_agree() {
    let page = include_str!("../../docs/replant.8");
    let (synopsis, body) = page.split_once(".Sh DESCRIPTION").unwrap();
    let manual = |part: &str| -> BTreeSet<String> {
        let parts = part.split("Fl -").skip(1);
        let words = parts.filter_map(|rest| rest.split_whitespace().next());
        words.map(|word| format!("--{word}")).collect()
    };
    let section = body.split(".Ss Options").nth(1).unwrap();
    let section = section.split(".Sh ").next().unwrap();
    let mut all = BTreeSet::new();
    for part in HELP.split("\n  replant ").skip(1) {
        let name = part.split_whitespace().next().unwrap();
        let own = options(part);
        all.extend(own.iter().map(|o| o.to_string()));
        if name.starts_with("--") {
            continue;
        }
        let line = COMPLETIONS
            .lines()
            .find(|l| l.trim_start().starts_with(&format!("{name}) ")));
        assert_eq!(
            options(line.unwrap_or_default()),
            own,
            "completions of {name}"
        );
        let mut listed = synopsis.split(".Nm\n.Cm ");
        let part = listed.find(|part| {
            let words = part.lines().next().unwrap();
            words.split([' ', '|']).any(|word| word == name)
        });
        let part = manual(part.unwrap_or_else(|| panic!("no {name} in the manual's synopsis")));
        // The last one is followed by what every command takes.
        let part: BTreeSet<_> = part.iter().map(String::as_str).collect();
        let part: BTreeSet<_> = part
            .difference(&BTreeSet::from(["--help", "--version"]))
            .copied()
            .collect();
        assert_eq!(part, own, "the manual's synopsis of {name}");
    }
    assert_eq!(manual(section), all, "the manual's options");
    let first = COMPLETIONS
        .lines()
        .find(|l| l.contains("-W 'check "))
        .unwrap();
    for name in HELP.split("\n  replant ").skip(1) {
        let name = name.split_whitespace().next().unwrap();
        assert!(has_word(first, name), "completions: {name}");
    }
}

/// Whether the text has the words, and not only as a part of longer ones.
fn has_word(text: &str, words: &str) -> bool {
    let inside = |c: char| c.is_alphanumeric() || "_-".contains(c);
    text.match_indices(words).any(|(at, _)| {
        let after = text[at + words.len()..].starts_with(inside);
        !text[..at].ends_with(inside) && !after
    })
}

/// Every file and folder below, without what is built.
fn paths(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let built = ["target", "out", ".git"].map(|name| path.ends_with(name));
        if built.contains(&true) {
            continue;
        }
        if path.is_dir() {
            paths(&path, found);
        }
        found.push(path);
    }
}

/// Whether the word looks like a file or folder of this tree, not of a machine.
fn is_path(word: &str) -> bool {
    let characters = |c: char| c.is_ascii_alphanumeric() || "_-./".contains(c);
    let inside = word.trim_end_matches('/').contains('/') && !word.starts_with('/');
    word.chars().all(characters) && (inside || word.ends_with(".rs"))
}

#[test]
fn what_documents_name_of_the_tree_is_there() {
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut all = Vec::new();
    paths(top, &mut all);
    for (document, least) in [("ARCHITECTURE.md", 100), ("CONTRIBUTING.md", 20)] {
        let text = std::fs::read_to_string(top.join(document)).unwrap();
        let words: Vec<&str> = text.split('`').collect();
        let named: BTreeSet<&str> = words.iter().copied().filter(|w| is_path(w)).collect();
        let gone = |name: &&&str| !all.iter().any(|path| path.ends_with(name));
        let gone: Vec<_> = named.iter().filter(gone).collect();
        assert!(
            named.len() > least && gone.is_empty(),
            "{document}: of {} are gone: {gone:?}",
            named.len()
        );
        // "`Course::of` in `agent/src/tiny/lifeboat/course.rs`"
        for three in words.windows(3) {
            let [what, " in ", path] = three else {
                continue;
            };
            let file = all
                .iter()
                .find(|p| path.ends_with(".rs") && p.ends_with(path));
            let Some(file) = file else { continue };
            let text = std::fs::read_to_string(file).unwrap();
            let said = ["fn", "const", "struct", "enum", "mod", "trait", "impl"];
            for name in what.split("::") {
                let made = |word| has_word(&text, &format!("{word} {name}"));
                assert!(said.iter().any(made), "{document}: {path} has no {name}");
            }
        }
    }
}
