// SPDX-License-Identifier: MIT OR Apache-2.0
//! Lines to tokens (GRUB 2.06, script/yylex.l and script/lexer.c).

use super::{Piece, SyntaxError, Word};

/// Words that mean something where a command may stand.
const RESERVED: [&str; 15] = [
    "case", "do", "done", "elif", "else", "esac", "fi", "for", "if", "in", "select", "then",
    "until", "while", "function",
];

/// A token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token {
    /// The end of the unit.
    End,
    /// The end of a line.
    Newline,
    /// `;`
    Semicolon,
    /// `{`
    Open,
    /// `}`
    Close,
    /// A reserved word, which may be an argument, too.
    Reserved(&'static str),
    /// A word that can be the name of a function or of a loop's variable.
    Name(String),
    /// Any other word.
    Word(Word),
}

/// The lines of a script that were not read yet.
pub(crate) struct Source<'a> {
    lines: std::iter::Peekable<std::str::Split<'a, char>>,
    /// The number of the last line that was taken.
    line: usize,
    /// A file: lines that begin with `#` are passed over wherever they are.
    file: bool,
}

impl<'a> Source<'a> {
    /// A configuration file.
    pub fn file(text: &'a str) -> Source<'a> {
        Source {
            lines: text
                .strip_suffix('\n')
                .unwrap_or(text)
                .split('\n')
                .peekable(),
            line: 0,
            file: true,
        }
    }

    /// The block of a menu entry, or an argument of `eval`.
    pub fn block(text: &'a str) -> Source<'a> {
        Source {
            file: false,
            lines: text.split('\n').peekable(),
            line: 0,
        }
    }

    /// The next line, without carriage returns.
    fn next(&mut self) -> Option<String> {
        loop {
            let line = self.lines.next()?;
            self.line += 1;
            if !self.file {
                return Some(line.into());
            }
            let line = line.replace('\r', "");
            if !line.starts_with('#') {
                return Some(line);
            }
        }
    }

    /// Whether nothing is left.
    pub fn is_empty(&mut self) -> bool {
        self.lines.peek().is_none()
    }

    /// The number of the last line that was taken.
    pub fn line(&self) -> usize {
        self.line
    }
}

/// Reads one unit.
pub(super) struct Lexer<'a, 'b> {
    source: &'b mut Source<'a>,
    /// All lines of the unit so far.
    text: String,
    at: usize,
    /// How many constructs are open, for which more lines are taken.
    pub open: usize,
}

impl<'a, 'b> Lexer<'a, 'b> {
    /// Begins with the next line.
    pub fn new(source: &'b mut Source<'a>) -> Lexer<'a, 'b> {
        let mut lexer = Lexer {
            source,
            text: String::new(),
            at: 0,
            open: 0,
        };
        lexer.more();
        lexer
    }

    fn more(&mut self) -> bool {
        let Some(line) = self.source.next() else {
            return false;
        };
        self.text.push_str(&line);
        self.text.push('\n');
        true
    }

    /// Where the next token begins, at the latest.
    pub fn position(&self) -> usize {
        self.at
    }

    /// The text from a position up to before the token that was read last,
    /// which is one byte long.
    pub fn since(&self, from: usize) -> String {
        let end = self.at.saturating_sub(1);
        self.text.get(from..end).unwrap_or_default().into()
    }

    /// The number of the last line.
    pub fn line(&self) -> usize {
        self.source.line()
    }

    pub fn error(&self, found: impl Into<String>) -> SyntaxError {
        SyntaxError {
            line: self.line(),
            found: found.into(),
        }
    }

    fn peek(&self, offset: usize) -> Option<u8> {
        self.text.as_bytes().get(self.at + offset).copied()
    }

    /// The next token.
    pub fn token(&mut self) -> Result<Token, SyntaxError> {
        loop {
            match self.peek(0) {
                None if self.open == 0 => return Ok(Token::End),
                None => {
                    if !self.more() {
                        return Err(self.error("the end of the file"));
                    }
                }
                Some(b' ' | b'\t') => self.at += 1,
                Some(b'#') => {
                    while self.peek(0).is_some_and(|b| b != b'\n') {
                        self.at += 1;
                    }
                }
                Some(byte) => return self.symbol(byte),
            }
        }
    }

    fn symbol(&mut self, byte: u8) -> Result<Token, SyntaxError> {
        let token = match byte {
            b'\n' => Token::Newline,
            b'{' => Token::Open,
            b'}' => Token::Close,
            b';' if self.peek(1) != Some(b';') => Token::Semicolon,
            b';' | b'|' | b'&' | b'<' | b'>' => return Err(self.error(char::from(byte))),
            _ => return self.word(),
        };
        self.at += 1;
        Ok(token)
    }

    fn word(&mut self) -> Result<Token, SyntaxError> {
        let start = self.at;
        let mut pieces = Vec::new();
        let mut text = String::new();
        loop {
            match self.peek(0) {
                Some(b'\\') => self.escape(&mut text),
                Some(b'\'') => {
                    flush(&mut text, &mut pieces);
                    pieces.push(Piece::Quoted(self.quotation(b'\'', None)?));
                }
                Some(b'"') => {
                    flush(&mut text, &mut pieces);
                    let rest = self.quotation(b'"', Some(&mut pieces))?;
                    pieces.push(Piece::Quoted(rest));
                }
                Some(b'$') if self.peek(1) == Some(b'"') => {
                    flush(&mut text, &mut pieces);
                    self.at += 1;
                    pieces.push(Piece::Translated(self.quotation(b'"', None)?));
                }
                Some(b'$') => {
                    flush(&mut text, &mut pieces);
                    pieces.push(Piece::Variable(self.variable()?));
                }
                Some(b'{' | b'}' | b'|' | b'&' | b';' | b'<' | b'>' | b' ' | b'\t' | b'\n')
                | None => break,
                Some(_) => self.take(&mut text),
            }
        }
        flush(&mut text, &mut pieces);
        let raw = self.text.get(start..self.at).unwrap_or_default();
        if let Some(word) = RESERVED.iter().find(|word| **word == raw) {
            return Ok(Token::Reserved(word));
        }
        if raw == "[[" || raw == "]]" {
            return Err(self.error(raw));
        }
        let letter = |b: u8| b.is_ascii_alphabetic() || b == b'_';
        let name = raw.bytes().next().is_some_and(letter)
            && raw.bytes().all(|b| letter(b) || b.is_ascii_digit());
        Ok(if name {
            Token::Name(raw.into())
        } else {
            Token::Word(pieces)
        })
    }

    /// Moves one character, of whatever length, to `text`.
    fn take(&mut self, text: &mut String) {
        let rest = self.text.get(self.at..).unwrap_or_default();
        if let Some(character) = rest.chars().next() {
            text.push(character);
            self.at += character.len_utf8();
        } else {
            self.at += 1;
        }
    }

    /// A backslash and what follows: kept as it is, but nothing is left of a
    /// line's end.
    fn escape(&mut self, text: &mut String) {
        if self.peek(1) == Some(b'\n') {
            self.at += 2;
            // The end of the unit so far: the word may go on in the next line.
            if self.peek(0).is_none() {
                self.more();
            }
            return;
        }
        text.push('\\');
        self.at += 1;
        self.take(text);
    }

    /// Takes a line more for a quotation that is open.
    fn closing(&mut self) -> Result<(), SyntaxError> {
        if self.more() {
            return Ok(());
        }
        Err(self.error("a quotation without its end"))
    }

    /// What stands before the end of a quotation. In the kind that has
    /// variables they go to `pieces`, with the text before each.
    fn quotation(&mut self, end: u8, mut pieces: Option<&mut Word>) -> Result<String, SyntaxError> {
        let mut text = String::new();
        self.at += 1;
        loop {
            match (self.peek(0), &mut pieces) {
                (None, _) => self.closing()?,
                (Some(byte), _) if byte == end => {
                    self.at += 1;
                    return Ok(text);
                }
                (Some(b'\\'), pieces) if end == b'"' => match self.peek(1) {
                    None => self.closing()?,
                    Some(b'\n') => self.at += 2,
                    Some(b'\\') if pieces.is_none() => {
                        self.take(&mut text);
                        self.take(&mut text);
                    }
                    Some(next) => {
                        if matches!(next, b'\\' | b'"') || next == b'$' && pieces.is_some() {
                            self.at += 1;
                        }
                        self.take(&mut text);
                    }
                },
                (Some(b'$'), Some(pieces)) => {
                    pieces.push(Piece::Quoted(std::mem::take(&mut text)));
                    pieces.push(Piece::QuotedVariable(self.variable()?));
                }
                (Some(_), _) => self.take(&mut text),
            }
        }
    }

    /// `$name`, `${name}`, `$1`, `$?` and the like.
    fn variable(&mut self) -> Result<String, SyntaxError> {
        let rest = self.text.get(self.at + 1..).unwrap_or_default();
        let (inner, braces) = match rest.strip_prefix('{') {
            Some(inner) => (inner, true),
            None => (rest, false),
        };
        let length = variable_name(inner.as_bytes());
        let closed = !braces || inner.as_bytes().get(length) == Some(&b'}');
        let name = inner.get(..length).unwrap_or_default().to_string();
        if length == 0 || !closed {
            return Err(self.error("$"));
        }
        self.at += 1 + length + if braces { 2 } else { 0 };
        Ok(name)
    }
}

fn flush(text: &mut String, pieces: &mut Word) {
    if !text.is_empty() {
        pieces.push(Piece::Text(std::mem::take(text)));
    }
}

/// The length of the variable's name at the start of `text`.
pub(crate) fn variable_name(text: &[u8]) -> usize {
    let count = |test: fn(&u8) -> bool| text.iter().take_while(|b| test(b)).count();
    match text.first() {
        Some(b'?' | b'#' | b'*' | b'@') => 1,
        Some(b'0'..=b'9') => count(u8::is_ascii_digit),
        Some(b'A'..=b'Z' | b'a'..=b'z' | b'_') => {
            count(|b| b.is_ascii_alphanumeric() || *b == b'_')
        }
        _ => 0,
    }
}
