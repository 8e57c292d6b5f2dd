// SPDX-License-Identifier: MIT OR Apache-2.0
//! The words of a shell's file, as far as assignments need them.

/// Whether this can be the name of a variable.
pub(super) fn is_name(text: &str) -> bool {
    !text.is_empty()
        && !text.starts_with(|c: char| c.is_ascii_digit())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

/// `NAME=words` or `NAME+=words`.
pub(super) struct Assignment {
    pub(super) name: String,
    pub(super) append: bool,
    /// It stands below an `if`, a loop or behind `&&`.
    pub(super) perhaps: bool,
    pub(super) words: Vec<Part>,
}

/// A part of a value between blanks.
#[derive(Debug, Default)]
pub(super) struct Part {
    pub(super) line: usize,
    pub(super) text: String,
    /// A `$` in it is not quoted.
    pub(super) expands: bool,
}

impl Part {
    fn new(line: usize) -> Part {
        Part {
            line,
            ..Part::default()
        }
    }
}

pub(super) struct Lexer<'a> {
    rest: std::iter::Peekable<std::str::Chars<'a>>,
    line: usize,
    /// How many `if`, `case` and loops are open.
    depth: usize,
    /// The next word is the first one of a command.
    first: bool,
    /// The command stands behind `&&` or `||`.
    chained: bool,
}

/// A word of the shell: its text, and its parts that are divided by blanks
/// inside of quotes, each with its line.
struct Token {
    text: String,
    words: Vec<Part>,
    quoted: bool,
}

impl<'a> Lexer<'a> {
    pub(super) fn new(text: &'a str) -> Lexer<'a> {
        Lexer {
            rest: text.chars().peekable(),
            line: 1,
            depth: 0,
            first: true,
            chained: false,
        }
    }

    /// The next assignment of the file.
    pub(super) fn assignment(&mut self) -> Option<Assignment> {
        loop {
            self.skip_blanks()?;
            let first = self.first;
            let start = self.token();
            self.first = false;
            let text = start.text.as_str();
            if first && !start.quoted {
                match text {
                    "if" | "case" | "for" | "while" | "until" | "{" => self.depth += 1,
                    "fi" | "esac" | "done" | "}" => self.depth = self.depth.saturating_sub(1),
                    _ => {}
                }
                if [
                    "then", "else", "elif", "do", "export", "{", "if", "while", "until", "!",
                ]
                .contains(&text)
                {
                    self.first = true;
                    continue;
                }
            }
            let Some((name, _)) = text.split_once('=').filter(|_| first) else {
                continue;
            };
            let (name, append) = match name.strip_suffix('+') {
                Some(name) => (name, true),
                None => (name, false),
            };
            if !is_name(name) {
                continue;
            }
            let name = name.to_string();
            // More assignments may stand in one line.
            self.first = true;
            let mut words = start.words;
            let skip = name.len() + 1 + usize::from(append);
            if let Some(word) = words.first_mut() {
                word.text = word.text.get(skip..).unwrap_or_default().to_string();
            }
            if self.rest.peek() == Some(&'(') && words.iter().all(|w| w.text.is_empty()) {
                words = self.array();
            }
            words.retain(|word| !word.text.is_empty());
            return Some(Assignment {
                name,
                append,
                perhaps: self.depth > 0 || self.chained,
                words,
            });
        }
    }

    fn next(&mut self) -> Option<char> {
        let c = self.rest.next()?;
        if c == '\n' {
            self.line += 1;
        }
        Some(c)
    }

    /// Up to the next word; `None` at the end.
    fn skip_blanks(&mut self) -> Option<()> {
        loop {
            match *self.rest.peek()? {
                '#' => {
                    while self.rest.peek().is_some_and(|c| *c != '\n') {
                        self.next();
                    }
                }
                '\n' | ';' => {
                    self.next();
                    (self.first, self.chained) = (true, false);
                }
                '&' | '|' => {
                    self.next();
                    (self.first, self.chained) = (true, true);
                }
                '(' | ')' => {
                    self.next();
                    self.first = true;
                }
                c if c.is_whitespace() => {
                    self.next();
                }
                '\\' => {
                    let mut ahead = self.rest.clone();
                    ahead.next();
                    if ahead.peek() != Some(&'\n') {
                        return Some(());
                    }
                    self.next();
                    self.next();
                }
                _ => return Some(()),
            }
        }
    }

    /// The words between parentheses.
    fn array(&mut self) -> Vec<Part> {
        let mut words = Vec::new();
        self.next();
        loop {
            match self.rest.peek() {
                None => return words,
                Some(')') => {
                    self.next();
                    return words;
                }
                Some('#') => {
                    while self.rest.peek().is_some_and(|c| *c != '\n') {
                        self.next();
                    }
                }
                Some(c) if c.is_whitespace() || "(;&|".contains(*c) => {
                    self.next();
                }
                Some(_) => words.extend(self.token().words),
            }
        }
    }

    /// A word, which begins here.
    fn token(&mut self) -> Token {
        let mut token = Token {
            text: String::new(),
            words: vec![Part::new(self.line)],
            quoted: false,
        };
        let mut quote = None;
        while let Some(c) = self.rest.peek().copied() {
            match (quote, c) {
                (None, c) if c.is_whitespace() || ";&|()".contains(c) => break,
                (None, '\'' | '"') => {
                    quote = Some(c);
                    token.quoted = true;
                    self.next();
                }
                (Some(q), c) if q == c => {
                    quote = None;
                    self.next();
                }
                (None | Some('"'), '\\') => {
                    self.next();
                    match self.next() {
                        // A line that goes on.
                        Some('\n') | None => {}
                        Some(c) if quote.is_none() || "$`\"\\".contains(c) => {
                            token.push(c, self.line)
                        }
                        Some(c) => {
                            token.push('\\', self.line);
                            token.push(c, self.line);
                        }
                    }
                }
                (None | Some('"'), '$' | '`') => self.substitution(&mut token),
                (_, c) => {
                    self.next();
                    token.push(c, self.line);
                }
            }
        }
        token
    }

    /// `$(...)` and `...` in backquotes as they stand, for nobody knows here
    /// what they give; a variable by its name.
    fn substitution(&mut self, token: &mut Token) {
        let Some(c) = self.next() else { return };
        token.hold(c);
        if c == '`' {
            while let Some(c) = self.next() {
                token.hold(c);
                if c == '`' {
                    return;
                }
            }
        }
        if self.rest.peek() != Some(&'(') {
            return;
        }
        let mut open = 0_usize;
        while let Some(c) = self.next() {
            token.hold(c);
            match c {
                '(' => open += 1,
                ')' if open <= 1 => return,
                ')' => open -= 1,
                _ => {}
            }
        }
    }
}

impl Token {
    fn push(&mut self, c: char, line: usize) {
        self.text.push(c);
        if c.is_whitespace() {
            self.words.push(Part::new(line));
        } else if let Some(word) = self.words.last_mut() {
            if word.text.is_empty() {
                word.line = line;
            }
            word.text.push(c);
        }
    }

    /// A character of what the shell replaces; it divides nothing.
    fn hold(&mut self, c: char) {
        self.text.push(c);
        if let Some(word) = self.words.last_mut() {
            word.text.push(c);
            word.expands = true;
        }
    }
}
