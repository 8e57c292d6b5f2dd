// SPDX-License-Identifier: MIT OR Apache-2.0
//! Words to arguments (GRUB 2.06, script/execute.c and script/argv.c).

use super::number::unsigned;
use super::state::State;
use crate::grub::script::{Piece, Word, variable_name};

/// Arguments while they come to be; the last may not have begun yet.
#[derive(Default)]
struct Arguments {
    done: Vec<String>,
    current: Option<String>,
}

impl Arguments {
    fn next(&mut self) {
        self.done.extend(self.current.take());
    }

    fn append(&mut self, text: &str) {
        self.current.get_or_insert_default().push_str(text);
    }

    /// Appends what lies between spaces as arguments of its own.
    fn split(&mut self, text: &str) {
        let words = text.split([' ', '\t', '\n', '\r']);
        for (i, word) in words.filter(|word| !word.is_empty()).enumerate() {
            if i > 0 {
                self.next();
            }
            self.append(word);
        }
    }
}

/// What the words become, and whether one of them is a pattern of file names,
/// which is left as it is.
pub(super) fn expand(words: &[Word], state: &State) -> (Vec<String>, bool) {
    let mut arguments = Arguments::default();
    let mut pattern = false;
    for word in words {
        arguments.next();
        for piece in word {
            match piece {
                Piece::Text(text) => {
                    pattern |= is_pattern(text);
                    arguments.append(&unescape(text));
                }
                Piece::Quoted(text) => arguments.append(text),
                Piece::Translated(text) => arguments.append(&translate(text, state)),
                Piece::Variable(name) => variable(&mut arguments, name, state, true),
                Piece::QuotedVariable(name) => variable(&mut arguments, name, state, false),
            }
        }
    }
    arguments.next();
    (arguments.done, pattern)
}

fn variable(arguments: &mut Arguments, name: &str, state: &State, split: bool) {
    let mut one = |text: &str| match split {
        true => arguments.split(text),
        false => arguments.append(text),
    };
    let parameters = state.scope.as_ref().map(|scope| &scope.parameters[..]);
    let number = name.bytes().all(|b| b.is_ascii_digit());
    match (name, parameters) {
        ("#", Some(all)) => one(&all.len().to_string()),
        ("*" | "@", Some(all)) => {
            let apart = split || name == "@";
            for (i, text) in all.iter().enumerate() {
                match (i, apart) {
                    (0, _) => {}
                    (_, true) => arguments.next(),
                    (_, false) => arguments.append(" "),
                }
                match split {
                    true => arguments.split(text),
                    false => arguments.append(text),
                }
            }
        }
        (_, Some(all)) if number => {
            let index = unsigned(name, 10).value.unwrap_or(0) as usize;
            if let Some(text) = index.checked_sub(1).and_then(|i| all.get(i)) {
                one(text);
            }
        }
        ("#" | "*" | "@", None) => {}
        (_, None) if number => {}
        _ => {
            if let Some(value) = state.get(name).filter(|value| !value.is_empty()) {
                one(value);
            }
        }
    }
}

/// Whether GRUB would look for files.
fn is_pattern(text: &str) -> bool {
    let mut escaped = false;
    text.bytes().any(|b| {
        let special = !escaped && matches!(b, b'*' | b'?');
        escaped = b == b'\\' && !escaped;
        special
    })
}

/// Takes backslashes away, but not those of `\x41`.
fn unescape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        out.push_str(rest.get(..at).unwrap_or_default());
        rest = rest.get(at + 1..).unwrap_or_default();
        let hex = rest.strip_prefix('x').is_some_and(|digits| {
            let mut digits = digits.bytes();
            (0..2).all(|_| digits.next().is_some_and(|b| b.is_ascii_hexdigit()))
        });
        if hex {
            out.push('\\');
        }
        // What follows is meant as it is.
        let mut characters = rest.chars();
        out.extend(characters.next());
        rest = characters.as_str();
    }
    out.push_str(rest);
    out
}

/// A string for people, with its variables; it is not translated.
fn translate(text: &str, state: &State) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(['$', '\\']) {
        out.push_str(rest.get(..at).unwrap_or_default());
        let escape = rest.as_bytes().get(at) == Some(&b'\\');
        rest = rest.get(at + 1..).unwrap_or_default();
        if escape {
            let mut characters = rest.chars();
            match characters.next() {
                Some(next @ ('\\' | '$')) => out.push(next),
                Some(next) => out.extend(['\\', next]),
                None => {}
            }
            rest = characters.as_str();
            continue;
        }
        let (inner, braces) = match rest.strip_prefix('{') {
            Some(inner) => (inner, true),
            None => (rest, false),
        };
        let length = match braces {
            true => inner.find('}').unwrap_or(0),
            false => variable_name(inner.as_bytes()),
        };
        if length == 0 {
            out.push('$');
            continue;
        }
        let name = inner.get(..length).unwrap_or_default();
        out.push_str(state.get(name).unwrap_or_default());
        rest = inner
            .get(length + usize::from(braces)..)
            .unwrap_or_default();
    }
    out.push_str(rest);
    out
}
