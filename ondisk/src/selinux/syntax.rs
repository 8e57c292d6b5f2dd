// SPDX-License-Identifier: MIT OR Apache-2.0
//! The syntax of PCRE2's regular expressions, as far as the question whether
//! something matches at all can be answered without backtracking.

/// Why an expression is not understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Invalid(pub(super) &'static str);

/// As deep as groups may be nested.
const DEPTH: usize = 64;
/// As often as something may be repeated by count.
const COUNT: u32 = 1000;

/// Some of the 256 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Set([u64; 4]);

impl Set {
    const NONE: Set = Set([0; 4]);
    const ALL: Set = Set([u64::MAX; 4]);

    fn of(test: &dyn Fn(u8) -> bool) -> Set {
        let mut set = Set::NONE;
        (0..=u8::MAX)
            .filter(|b| test(*b))
            .for_each(|b| set.insert(b));
        set
    }

    fn insert(&mut self, byte: u8) {
        if let Some(word) = self.0.get_mut(usize::from(byte / 64)) {
            *word |= 1 << (byte % 64);
        }
    }

    fn join(&mut self, other: Set) {
        for (word, other) in self.0.iter_mut().zip(other.0) {
            *word |= other;
        }
    }

    fn inverse(self) -> Set {
        Set(self.0.map(|word| !word))
    }

    pub(super) fn has(&self, byte: u8) -> bool {
        self.0
            .get(usize::from(byte / 64))
            .is_some_and(|word| word >> (byte % 64) & 1 == 1)
    }
}

/// An expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Node {
    Take(Set),
    Begin,
    End,
    /// One after the other.
    All(Vec<Node>),
    /// One of them.
    Any(Vec<Node>),
    Repeat {
        node: Box<Node>,
        least: u32,
        most: Option<u32>,
    },
}

pub(super) fn parse(text: &str) -> Result<Node, Invalid> {
    let mut parser = Parser {
        rest: text.as_bytes(),
        depth: 0,
    };
    let node = parser.alternatives()?;
    if parser.rest.is_empty() {
        Ok(node)
    } else {
        Err(Invalid("a group is closed that was not opened"))
    }
}

struct Parser<'a> {
    rest: &'a [u8],
    depth: usize,
}

impl Parser<'_> {
    fn peek(&self) -> Option<u8> {
        self.rest.first().copied()
    }

    fn next(&mut self) -> Option<u8> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(*first)
    }

    fn skip(&mut self, text: &[u8]) -> bool {
        let rest = self.rest.strip_prefix(text);
        if let Some(rest) = rest {
            self.rest = rest;
        }
        rest.is_some()
    }

    fn alternatives(&mut self) -> Result<Node, Invalid> {
        let mut alternatives = vec![self.sequence()?];
        while self.skip(b"|") {
            alternatives.push(self.sequence()?);
        }
        match (alternatives.pop(), alternatives.is_empty()) {
            (Some(only), true) => Ok(only),
            (last, _) => {
                alternatives.extend(last);
                Ok(Node::Any(alternatives))
            }
        }
    }

    fn sequence(&mut self) -> Result<Node, Invalid> {
        let mut nodes = Vec::new();
        while let Some(byte) = self.peek().filter(|b| !b"|)".contains(b)) {
            self.next();
            let node = self.one(byte)?;
            nodes.push(self.repeated(node)?);
        }
        Ok(Node::All(nodes))
    }

    /// What `byte`, which was just taken, begins.
    fn one(&mut self, byte: u8) -> Result<Node, Invalid> {
        Ok(match byte {
            b'.' => Node::Take(Set::ALL),
            b'^' => Node::Begin,
            b'$' => Node::End,
            b'(' => self.group()?,
            b'[' => Node::Take(self.class()?),
            b'\\' => Node::Take(self.escape()?),
            b'*' | b'+' | b'?' => return Err(Invalid("there is nothing to repeat")),
            b'{' if counts(self.rest).is_some() => {
                return Err(Invalid("there is nothing to repeat"));
            }
            other => Node::Take(Set::of(&|b| b == other)),
        })
    }

    fn group(&mut self) -> Result<Node, Invalid> {
        if !self.skip(b"?:") && matches!(self.peek(), Some(b'?' | b'*')) {
            return Err(Invalid("groups with options are not understood"));
        }
        self.depth += 1;
        if self.depth > DEPTH {
            return Err(Invalid("groups are nested too deeply"));
        }
        let node = self.alternatives()?;
        self.depth -= 1;
        if self.skip(b")") {
            Ok(node)
        } else {
            Err(Invalid("a group is not closed"))
        }
    }

    /// `node`, with what says how often it comes.
    fn repeated(&mut self, mut node: Node) -> Result<Node, Invalid> {
        loop {
            let (length, least, most) = match self.peek() {
                Some(b'*') => (1, 0, None),
                Some(b'+') => (1, 1, None),
                Some(b'?') => (1, 0, Some(1)),
                Some(b'{') => match self.rest.get(1..).and_then(counts) {
                    Some((length, least, most)) => (1 + length, least, most),
                    // Without counts it is an ordinary byte.
                    None => return Ok(node),
                },
                _ => return Ok(node),
            };
            self.rest = self.rest.get(length..).unwrap_or_default();
            if matches!(node, Node::Begin | Node::End) {
                return Err(Invalid("an anchor cannot be repeated"));
            }
            if most.is_some_and(|most| most < least) || least.max(most.unwrap_or(0)) > COUNT {
                return Err(Invalid("a count is out of range"));
            }
            // As few as possible is the same question; never giving back is not.
            if !self.skip(b"?") && self.peek() == Some(b'+') {
                return Err(Invalid("possessive repetition is not understood"));
            }
            node = Node::Repeat {
                node: Box::new(node),
                least,
                most,
            };
        }
    }

    fn escape(&mut self) -> Result<Set, Invalid> {
        let byte = self
            .next()
            .ok_or(Invalid("there is nothing after the backslash"))?;
        let one = |byte| Set::of(&|b| b == byte);
        Ok(match byte {
            b'd' => Set::of(&|b| b.is_ascii_digit()),
            b'D' => Set::of(&|b| b.is_ascii_digit()).inverse(),
            b'w' => Set::of(&is_word),
            b'W' => Set::of(&is_word).inverse(),
            b's' => Set::of(&is_space),
            b'S' => Set::of(&is_space).inverse(),
            b't' => one(b'\t'),
            b'n' => one(b'\n'),
            b'r' => one(b'\r'),
            b'f' => one(0x0c),
            b'e' => one(0x1b),
            b'a' => one(0x07),
            other if other.is_ascii_alphanumeric() => {
                return Err(Invalid("an escape is not understood"));
            }
            other => one(other),
        })
    }

    /// The class whose bracket was just taken.
    fn class(&mut self) -> Result<Set, Invalid> {
        const OPEN: Invalid = Invalid("a class is not closed");
        let mut set = Set::NONE;
        let inverted = self.skip(b"^");
        let mut first = true;
        loop {
            let byte = self.next().ok_or(OPEN)?;
            if byte == b']' && !first {
                break;
            }
            first = false;
            let Some(low) = self.member(byte, &mut set)? else {
                continue;
            };
            let range = self.peek() == Some(b'-') && self.rest.get(1).is_some_and(|b| *b != b']');
            if !range {
                set.insert(low);
                continue;
            }
            self.next();
            let byte = self.next().ok_or(OPEN)?;
            match self.member(byte, &mut set)? {
                Some(high) if high >= low => (low..=high).for_each(|b| set.insert(b)),
                _ => return Err(Invalid("a range in a class is not one")),
            }
        }
        Ok(if inverted { set.inverse() } else { set })
    }

    /// One member of a class: its byte, or nothing if it was several, which
    /// are in `set` then.
    fn member(&mut self, byte: u8, set: &mut Set) -> Result<Option<u8>, Invalid> {
        if byte == b'[' && matches!(self.peek(), Some(b':' | b'.' | b'=')) {
            if let Some(named) = self.named()? {
                set.join(named);
                return Ok(None);
            }
        } else if byte == b'\\' {
            if self.skip(b"b") {
                return Ok(Some(0x08));
            }
            let escaped = self.escape()?;
            let mut bytes = (0..=u8::MAX).filter(|b| escaped.has(*b));
            let (one, more) = (bytes.next(), bytes.next());
            if more.is_some() {
                set.join(escaped);
                return Ok(None);
            }
            return Ok(one);
        }
        Ok(Some(byte))
    }

    /// `[:alpha:]`, after its first bracket; nothing if it is not one.
    fn named(&mut self) -> Result<Option<Set>, Invalid> {
        let Some(kind) = self.peek() else {
            return Ok(None);
        };
        let body = self.rest.get(1..).unwrap_or_default();
        let Some(length) = body.windows(2).position(|two| two == [kind, b']']) else {
            return Ok(None);
        };
        let name = body.get(..length).unwrap_or_default();
        if !name.iter().all(|b| b.is_ascii_lowercase() || *b == b'^') {
            return Ok(None);
        }
        if kind != b':' {
            return Err(Invalid("collating elements are not understood"));
        }
        let (name, inverted) = match name.strip_prefix(b"^") {
            Some(name) => (name, true),
            None => (name, false),
        };
        let set = match name {
            b"alpha" => Set::of(&|b| b.is_ascii_alphabetic()),
            b"digit" => Set::of(&|b| b.is_ascii_digit()),
            b"alnum" => Set::of(&|b| b.is_ascii_alphanumeric()),
            b"upper" => Set::of(&|b| b.is_ascii_uppercase()),
            b"lower" => Set::of(&|b| b.is_ascii_lowercase()),
            b"punct" => Set::of(&|b| b.is_ascii_punctuation()),
            b"xdigit" => Set::of(&|b| b.is_ascii_hexdigit()),
            b"space" => Set::of(&is_space),
            b"blank" => Set::of(&|b| b" \t".contains(&b)),
            b"word" => Set::of(&is_word),
            b"cntrl" => Set::of(&|b| b.is_ascii_control()),
            b"graph" => Set::of(&|b| b.is_ascii_graphic()),
            b"print" => Set::of(&|b| b.is_ascii_graphic() || b == b' '),
            b"ascii" => Set::of(&|b| b.is_ascii()),
            _ => return Err(Invalid("a class has an unknown name")),
        };
        self.rest = body.get(length + 2..).unwrap_or_default();
        Ok(Some(if inverted { set.inverse() } else { set }))
    }
}

/// `3}`, `3,}` or `3,5}`: how long it is, and the counts.
fn counts(text: &[u8]) -> Option<(usize, u32, Option<u32>)> {
    let end = text.iter().position(|b| *b == b'}')?;
    let text = std::str::from_utf8(text.get(..end)?).ok()?;
    let number = |text: &str| {
        let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        // Too many digits: a count that nothing can have.
        digits.then(|| text.parse().unwrap_or(u32::MAX))
    };
    let (least, most) = match text.split_once(',') {
        None => (number(text)?, Some(number(text)?)),
        Some((least, "")) => (number(least)?, None),
        Some((least, most)) => (number(least)?, Some(number(most)?)),
    };
    Some((end + 1, least, most))
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// PCRE2's, with the vertical tab.
fn is_space(byte: u8) -> bool {
    byte.is_ascii_whitespace() || byte == 0x0b
}
