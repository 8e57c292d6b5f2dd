// SPDX-License-Identifier: MIT OR Apache-2.0
//! Text to sections.

use std::collections::BTreeSet;

use super::{Item, Section, TextError, Value};

const MAX_DEPTH: usize = 16;

/// Parses a text. It ends at the first NUL, or with `text`.
///
/// Accepted as in lvm2: comments from `#` to the end of the line; integers in
/// C's notations (leading `0` octal, `0x` hexadecimal); strings in `"` (with
/// `\"` and `\\`) and in `'` (raw); bare words as values; lists without
/// commas; quoted names; `a/b = 1` as a way to write `a { b = 1 }`. Of two
/// values of one name the first counts. Two sections of one name are an error,
/// for one of two volumes would be lost.
pub fn parse(text: &[u8]) -> Result<Section, TextError> {
    let text = text.split(|b| *b == 0).next().unwrap_or_default();
    let mut p = Parser {
        text,
        at: 0,
        line: 1,
    };
    let out = p.body(0)?;
    match p.peek() {
        None => Ok(out),
        Some(_) => Err(p.expected("a name or the end of the text")),
    }
}

struct Parser<'a> {
    text: &'a [u8],
    at: usize,
    line: u32,
}

fn is_space(b: u8) -> bool {
    b.is_ascii_whitespace() || b == 0x0b
}

impl<'a> Parser<'a> {
    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn bump(&mut self) -> Option<u8> {
        let b = self.peek()?;
        self.at += 1;
        if b == b'\n' {
            self.line = self.line.saturating_add(1);
        }
        Some(b)
    }

    /// Skips whitespace and comments.
    fn skip(&mut self) {
        while let Some(b) = self.peek() {
            if b == b'#' {
                while self.peek().is_some_and(|b| b != b'\n') {
                    self.at += 1;
                }
            } else if is_space(b) {
                self.bump();
            } else {
                break;
            }
        }
    }

    fn expected(&self, expected: &'static str) -> TextError {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let word = rest.split(|b| is_space(*b)).next().unwrap_or_default();
        let found = match word.get(..word.len().min(32)) {
            Some([]) | None => "the end of the text".to_owned(),
            Some(w) => format!("\"{}\"", w.escape_ascii()),
        };
        TextError::Expected {
            line: self.line,
            expected,
            found,
        }
    }

    /// Names and what they stand for, up to `}` or the end.
    fn body(&mut self, depth: usize) -> Result<Section, TextError> {
        if depth > MAX_DEPTH {
            return Err(TextError::Depth {
                line: self.line,
                max: MAX_DEPTH,
            });
        }
        let mut out = Section::default();
        let mut values = BTreeSet::new();
        let mut sections = BTreeSet::new();
        loop {
            self.skip();
            match self.peek() {
                None | Some(b'}') => return Ok(out),
                Some(_) => {}
            }
            let line = self.line;
            let name = self.name()?;
            self.skip();
            let item = match self.peek() {
                Some(b'{') => {
                    self.bump();
                    let inner = self.body(depth + 1)?;
                    if self.bump() != Some(b'}') {
                        self.at = self.text.len();
                        return Err(self.expected("\"}\""));
                    }
                    Item::Section(inner)
                }
                Some(b'=') => {
                    self.bump();
                    Item::Value(self.value()?)
                }
                _ => return Err(self.expected("\"{\" or \"=\" after a name")),
            };
            let (name, item) = nest(name, item, depth, line)?;
            let duplicate = || TextError::DuplicateSection {
                line,
                name: name.clone(),
            };
            if sections.contains(&name) {
                return Err(duplicate());
            }
            match &item {
                Item::Section(_) if values.contains(&name) => return Err(duplicate()),
                Item::Section(_) => {
                    sections.insert(name.clone());
                }
                Item::Value(_) if !values.insert(name.clone()) => continue,
                Item::Value(_) => {}
            }
            out.entries.push((name, item));
        }
    }

    fn name(&mut self) -> Result<String, TextError> {
        if self.peek() == Some(b'"') {
            return self.string(b'"');
        }
        let word = self.word(|b| is_space(b) || matches!(b, b'#' | b'=' | b'{' | b'}'));
        if word.is_empty() {
            return Err(self.expected("a name"));
        }
        Ok(String::from_utf8_lossy(word).into_owned())
    }

    fn word(&mut self, ends: impl Fn(u8) -> bool) -> &'a [u8] {
        let start = self.at;
        while self.peek().is_some_and(|b| !ends(b)) {
            self.at += 1;
        }
        self.text.get(start..self.at).unwrap_or_default()
    }

    fn value(&mut self) -> Result<Value, TextError> {
        self.skip();
        if self.peek() != Some(b'[') {
            return self.scalar();
        }
        self.bump();
        let mut list = Vec::new();
        loop {
            self.skip();
            match self.peek() {
                Some(b']') => {
                    self.bump();
                    return Ok(Value::List(list));
                }
                Some(b',') if !list.is_empty() => {
                    self.bump();
                }
                _ => list.push(self.scalar()?),
            }
        }
    }

    fn scalar(&mut self) -> Result<Value, TextError> {
        match self.peek() {
            Some(quote @ (b'"' | b'\'')) => self.string(quote).map(Value::Text),
            Some(b'0'..=b'9' | b'+' | b'-' | b'.') => self.number(),
            Some(_) => {
                let ends = |b| is_space(b) || b"#=,[]{}\"'".contains(&b);
                let word = self.word(ends);
                if word.is_empty() {
                    return Err(self.expected("a value"));
                }
                Ok(Value::Text(String::from_utf8_lossy(word).into_owned()))
            }
            None => Err(self.expected("a value")),
        }
    }

    /// A string in `"`, where a backslash escapes `"` and itself, or in `'`,
    /// where nothing is special.
    fn string(&mut self, quote: u8) -> Result<String, TextError> {
        let line = self.line;
        self.bump();
        let mut out = Vec::new();
        loop {
            match self.bump() {
                None => return Err(TextError::OpenString { line }),
                Some(b) if b == quote => return Ok(String::from_utf8_lossy(&out).into_owned()),
                Some(b'\\') if quote == b'"' => match self.peek() {
                    Some(b @ (b'"' | b'\\')) => {
                        self.bump();
                        out.push(b);
                    }
                    _ => out.push(b'\\'),
                },
                Some(b) => out.push(b),
            }
        }
    }

    fn number(&mut self) -> Result<Value, TextError> {
        let line = self.line;
        let word = self.word(|b| !(b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.')));
        let text = String::from_utf8_lossy(word).into_owned();
        let bad = || TextError::Number {
            line,
            text: text.clone(),
        };
        if let Some((whole, part)) = text.split_once('.') {
            let whole = whole.strip_prefix(['+', '-']).unwrap_or(whole);
            let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
            let number = !(whole.is_empty() && part.is_empty()) && digits(whole) && digits(part);
            return number.then(|| Value::Float(text.clone())).ok_or_else(bad);
        }
        let (negative, digits) = match text.as_bytes() {
            [b'-', ..] => (true, text.get(1..)),
            [b'+', ..] => (false, text.get(1..)),
            _ => (false, Some(text.as_str())),
        };
        let digits = digits
            .filter(|d| d.starts_with(|c: char| c.is_ascii_digit()))
            .ok_or_else(bad)?;
        let lower = digits.to_ascii_lowercase();
        let magnitude = match lower.strip_prefix("0x") {
            // No second sign behind the prefix.
            Some(hex) if !hex.starts_with(['+', '-']) => i128::from_str_radix(hex, 16),
            Some(_) => return Err(bad()),
            None if lower.len() > 1 && lower.starts_with('0') => i128::from_str_radix(&lower, 8),
            None => lower.parse(),
        }
        .map_err(|_| bad())?;
        let signed = if negative { -magnitude } else { magnitude };
        i64::try_from(signed).map(Value::Int).map_err(|_| bad())
    }
}

/// Turns `a/b/c` into sections.
fn nest(name: String, item: Item, depth: usize, line: u32) -> Result<(String, Item), TextError> {
    let mut parts: Vec<&str> = name.split('/').filter(|p| !p.is_empty()).collect();
    if parts.len() < 2 {
        let name = parts
            .first()
            .map_or_else(|| name.clone(), |p| (*p).to_owned());
        return Ok((name, item));
    }
    if depth.saturating_add(parts.len()) > MAX_DEPTH {
        return Err(TextError::Depth {
            line,
            max: MAX_DEPTH,
        });
    }
    let first = parts.remove(0).to_owned();
    let item = parts.into_iter().rev().fold(item, |item, part| {
        Item::Section(Section {
            entries: vec![(part.to_owned(), item)],
        })
    });
    Ok((first, item))
}
