// SPDX-License-Identifier: MIT OR Apache-2.0
//! Assignments of a file that a shell sources: /etc/default/grub, dracut.conf,
//! initramfs.conf. Only what has a value that can be known is expanded.

mod lexer;

use lexer::{Lexer, Part, is_name};
use std::collections::BTreeMap;

/// A word of a value, and the line that it is on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Word {
    /// The file's place in the list that was read.
    pub file: usize,
    /// From 1 on.
    pub line: usize,
    /// Without the shell's quotes.
    pub text: String,
}

/// Words that expansion may add in all: `A="$A $A"` doubles them each time.
const EXPANDED: usize = 1 << 16;

/// The words of each variable after all files were sourced, in their order.
#[derive(Debug, Default)]
pub(super) struct Variables {
    all: BTreeMap<String, Vec<Word>>,
    expanded: usize,
}

impl Variables {
    /// Sources one more file.
    pub(super) fn source(&mut self, file: usize, text: &str) {
        let mut lexer = Lexer::new(text);
        while let Some(found) = lexer.assignment() {
            let mut words = Vec::new();
            for Part {
                line,
                text: word,
                expands,
            } in found.words
            {
                let name = word
                    .strip_prefix("${")
                    .and_then(|name| name.strip_suffix('}'))
                    .or_else(|| word.strip_prefix('$'))
                    .filter(|_| expands);
                match name.map(|name| self.all.get(name)) {
                    Some(Some(known)) if self.expanded.saturating_add(known.len()) <= EXPANDED => {
                        self.expanded = self.expanded.saturating_add(known.len());
                        words.extend(known.iter().cloned());
                    }
                    // A variable that nobody has set.
                    Some(None) if name.is_some_and(is_name) => {}
                    _ => words.push(Word {
                        file,
                        line,
                        text: word,
                    }),
                }
            }
            let value = self.all.entry(found.name).or_default();
            // Below an `if`, nobody knows which of the two it will be.
            if !found.append && !found.perhaps {
                value.clear();
            }
            value.extend(words);
        }
    }

    /// Variables whose name `wanted` takes, with their words.
    pub(super) fn matching<'a>(
        &'a self,
        wanted: impl Fn(&str) -> bool + 'a,
    ) -> impl Iterator<Item = (&'a str, &'a [Word])> {
        let all = self
            .all
            .iter()
            .map(|(name, words)| (name.as_str(), words.as_slice()));
        all.filter(move |(name, _)| wanted(name))
    }

    /// The words of one variable.
    pub(super) fn get(&self, name: &str) -> &[Word] {
        self.all.get(name).map_or(&[], Vec::as_slice)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a file gives, as `NAME: 1 word, 2 word`.
    fn read(text: &str) -> String {
        let mut variables = Variables::default();
        variables.source(0, text);
        let words = |words: &[Word]| {
            let all = words.iter().map(|w| format!("{} {}", w.line, w.text));
            all.collect::<Vec<_>>().join(", ")
        };
        let all = variables.matching(|_| true);
        let all = all.map(|(name, found)| format!("{name}: {}", words(found)));
        all.collect::<Vec<_>>().join("; ")
    }

    #[test]
    fn quotes_lines_and_comments() {
        for (text, found) in [
            ("A=x # y\n#B=2\nexport C='a b'", "A: 1 x; C: 3 a, 3 b"),
            ("A=\"a\n b\\\n c\"", "A: 1 a, 2 b, 3 c"),
            ("A=\"a \\\"b c\\\" \\$d\"", "A: 1 a, 1 \"b, 1 c\", 1 $d"),
            ("B=x\nA='$B'\nC=\\$B", "A: 2 $B; B: 1 x; C: 3 $B"),
            ("A='a'\"b\"c\\ d", "A: 1 abc, 1 d"),
            ("A=1 B=2; C=3", "A: 1 1; B: 1 2; C: 1 3"),
            ("echo A=1\nfoo \"B=2\"\nC= D=x", "C: ; D: 3 x"),
            (
                "a+=(\"x y\" 'z' # c\n w)\nB=1",
                "B: 3 1; a: 1 x, 1 y, 1 z, 2 w",
            ),
            ("A=\"open", "A: 1 open"),
        ] {
            assert_eq!(read(text), found, "{text}");
        }
    }

    #[test]
    fn doubling_comes_to_an_end() {
        let mut variables = Variables::default();
        let text = "A='x y'\n".to_string() + &"A=\"$A $A\"\n".repeat(1000);
        variables.source(0, &text);
        assert!(variables.get("A").len() <= EXPANDED);
    }

    #[test]
    fn the_last_one_counts_unless_nobody_knows() {
        for (text, found) in [
            ("A=1\nA=2", "A: 2 2"),
            ("A=1\nA+=' 2'", "A: 1 1, 2 2"),
            ("A=1\nA=\"$A 2\"\nA=\"${A} 3\"", "A: 1 1, 2 2, 3 3"),
            (
                "A=\"$B $(lsblk -o x) `a b`\"",
                "A: 1 $(lsblk -o x), 1 `a b`",
            ),
            ("A=1\nif true; then\n A=2\nfi", "A: 1 1, 3 2"),
            ("A=1\ntest -e x && A=2\nA=3", "A: 3 3"),
            (
                "A=1\ncase x in\n x) A=2;;\nesac\nB=$A",
                "A: 1 1, 3 2; B: 1 1, 3 2",
            ),
        ] {
            assert_eq!(read(text), found, "{text}");
        }
    }
}
