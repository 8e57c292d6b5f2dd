// SPDX-License-Identifier: MIT OR Apache-2.0
//! The manual page, the help and the completions name the same options; the
//! sources that documents name are there.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use replant::cli::{COMPLETIONS, HELP};
use std::collections::BTreeSet;
use std::path::Path;

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
            words.split(" | ").any(|word| word.starts_with(name))
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
        assert!(first.contains(name), "completions: {name}");
    }
}

#[test]
fn sources_that_documents_name_are_there() {
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let sources = testkit::sources(top);
    for document in ["ARCHITECTURE.md", "CONTRIBUTING.md"] {
        let text = std::fs::read_to_string(top.join(document)).unwrap();
        let named: BTreeSet<&str> = text
            .split('`')
            .filter(|word| word.ends_with(".rs"))
            .collect();
        let gone = |name: &&&str| !sources.iter().any(|path| path.ends_with(name));
        let gone: Vec<_> = named.iter().filter(gone).collect();
        assert!(named.len() > 10 && gone.is_empty(), "{document}: {gone:?}");
    }
}
