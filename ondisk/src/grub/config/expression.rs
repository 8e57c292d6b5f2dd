// SPDX-License-Identifier: MIT OR Apache-2.0
//! `test` and `[` (GRUB 2.06, commands/test.c).

use super::Dialect;
use super::number::{signed, unsigned};

/// How deep parentheses may lie in each other.
const DEPTH: usize = 100;

/// What `test` asks about a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Question {
    Exists,
    Directory,
    File,
    NotEmpty,
}

/// Evaluates the arguments; `ask` answers questions about files. `None` for a
/// comparison of times, which is not evaluated.
pub(super) fn evaluate(
    arguments: &[String],
    dialect: Dialect,
    ask: &mut dyn FnMut(Question, &str) -> bool,
) -> Option<bool> {
    let mut arguments = arguments;
    if let Some((last, rest)) = arguments.split_last()
        && last == "]"
    {
        arguments = rest;
    }
    let mut expression = Expression {
        arguments,
        at: 0,
        depth: 0,
        dialect,
        ask,
    };
    expression.evaluate()
}

struct Expression<'a> {
    arguments: &'a [String],
    at: usize,
    depth: usize,
    dialect: Dialect,
    ask: &'a mut dyn FnMut(Question, &str) -> bool,
}

/// The value so far.
struct Value {
    invert: bool,
    or: bool,
    and: bool,
}

impl Value {
    fn update(&mut self, value: bool) {
        self.and = self.and && value != self.invert;
        self.invert = false;
    }

    fn result(&self) -> bool {
        self.or || self.and
    }
}

impl<'a> Expression<'a> {
    fn argument(&self, offset: usize) -> Option<&'a str> {
        self.arguments.get(self.at + offset).map(String::as_str)
    }

    fn evaluate(&mut self) -> Option<bool> {
        let mut value = Value {
            invert: false,
            or: false,
            and: true,
        };
        while let Some(first) = self.argument(0) {
            if let (Some(operator), Some(second)) = (self.argument(1), self.argument(2)) {
                if operator.starts_with("-nt") || operator.starts_with("-ot") {
                    return None;
                }
                if let Some(result) = compare(first, operator, second) {
                    value.update(result);
                    self.at += 3;
                    continue;
                }
            }
            if let Some(second) = self.argument(1) {
                let question = match first {
                    "-d" => Some(Question::Directory),
                    "-e" => Some(Question::Exists),
                    "-f" => Some(Question::File),
                    "-s" => Some(Question::NotEmpty),
                    _ => None,
                };
                if let Some(question) = question {
                    value.update((self.ask)(question, second));
                    self.at += 2;
                    // 2.02~beta2 looks no further.
                    if self.dialect == Dialect::El7 {
                        return Some(value.result());
                    }
                    continue;
                }
                if first == "-n" || first == "-z" {
                    value.update(second.is_empty() == (first == "-z"));
                    self.at += 2;
                    continue;
                }
            }
            self.at += 1;
            match first {
                ")" => {
                    self.depth = self.depth.saturating_sub(1);
                    return Some(value.result());
                }
                "(" => {
                    self.depth += 1;
                    if self.depth > DEPTH {
                        return Some(value.result());
                    }
                    value.update(self.evaluate()?);
                }
                "!" => value.invert = !value.invert,
                "-a" => {}
                "-o" => {
                    value.or = value.or || value.and;
                    value.and = true;
                }
                text => value.update(!text.is_empty()),
            }
        }
        Some(value.result())
    }
}

/// A comparison, if `operator` is one.
fn compare(first: &str, operator: &str, second: &str) -> Option<bool> {
    let numbers = || (signed(first), signed(second));
    Some(match operator {
        "=" | "==" => first == second,
        "!=" => first != second,
        "<" => first < second,
        "<=" => first <= second,
        ">" => first > second,
        ">=" => first >= second,
        "-eq" => numbers().0 == numbers().1,
        "-ne" => numbers().0 != numbers().1,
        "-lt" => numbers().0 < numbers().1,
        "-le" => numbers().0 <= numbers().1,
        "-gt" => numbers().0 > numbers().1,
        "-ge" => numbers().0 >= numbers().1,
        "-pgt" | "-plt" => {
            let (first, second) = without_prefix(first, second);
            let value = |text| unsigned(text, 0).value.unwrap_or(0);
            match operator {
                "-pgt" => value(first) > value(second),
                _ => value(first) < value(second),
            }
        }
        _ => return None,
    })
}

/// What follows the common start of both, from the number in which they differ.
fn without_prefix<'a>(first: &'a str, second: &'a str) -> (&'a str, &'a str) {
    let (a, b) = (first.as_bytes(), second.as_bytes());
    let common = a.iter().zip(b).take_while(|(x, y)| x == y).count();
    let digits = a
        .iter()
        .take(common)
        .rev()
        .take_while(|b| b.is_ascii_digit());
    let from = common - digits.count();
    (
        first.get(from..).unwrap_or_default(),
        second.get(from..).unwrap_or_default(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn test(text: &str, dialect: Dialect) -> Option<bool> {
        // `_` is an empty argument.
        let words = text.split(' ').map(|w| w.replace('_', ""));
        let words: Vec<String> = words.collect();
        evaluate(&words, dialect, &mut |question, path| match question {
            Question::Directory => path == "/dir",
            Question::Exists => path == "/dir" || path == "/file",
            Question::File | Question::NotEmpty => path == "/file",
        })
    }

    #[test]
    fn expressions() {
        let cases = [
            ("a = a ]", true),
            ("a == b ]", false),
            ("a != b", true),
            ("_ ]", false),
            ("x ]", true),
            ("-z _ -a -f /file ]", true),
            ("-z x -a -f /file ]", false),
            ("! -f /file ]", false),
            ("-e /dir -o x = y ]", true),
            ("x = y -o -s /file ]", true),
            ("2 -lt 11 -a 0x10 -eq 16 ]", true),
            ("-1 -gt 0 ]", false),
            ("! ( a = b -o a = c ) -a x ]", true),
            ("vmlinuz-2 -plt vmlinuz-11 ]", true),
            ("( a", true),
            ("]", true),
        ];
        for (text, expected) in cases {
            let got = test(text, Dialect::Upstream);
            assert_eq!(got, Some(expected), "[ {text}");
        }
        assert_eq!(test("/a -nt /b ]", Dialect::Upstream), None);
        // An old one forgets what follows a question about a file.
        assert_eq!(test("-f /file -a x = y ]", Dialect::El7), Some(true));
        assert_eq!(test("-f /file -a x = y ]", Dialect::El9), Some(false));
    }
}
