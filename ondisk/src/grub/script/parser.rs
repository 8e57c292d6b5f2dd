// SPDX-License-Identifier: MIT OR Apache-2.0
//! Tokens to commands (GRUB 2.06, script/parser.y).

use super::lexer::{Lexer, Source, Token};
use super::{Command, Function, List, Piece, SyntaxError, Word};
use std::rc::Rc;

/// How deep constructs may lie in each other.
const DEPTH: usize = 60;

/// Reads the next unit. Functions that it defines are added to `functions`
/// even if the unit turns out not to be valid, as GRUB does.
///
/// # Errors
/// The unit is not valid; `source` is behind it.
pub(crate) fn parse(
    source: &mut Source<'_>,
    functions: &mut Vec<Function>,
) -> Result<List, SyntaxError> {
    let lexer = Lexer::new(source);
    let mut parser = Parser {
        lexer,
        next: None,
        depth: 0,
    };
    let mut list = Vec::new();
    loop {
        parser.newlines()?;
        match parser.peek()? {
            Token::End => return Ok(list),
            Token::Reserved("function") => functions.push(parser.function()?),
            _ => list.push(parser.command()?),
        }
        // A line always has an end.
        if !parser.delimiter()? {
            return Err(parser.unexpected());
        }
    }
}

struct Parser<'a, 'b> {
    lexer: Lexer<'a, 'b>,
    next: Option<Token>,
    depth: usize,
}

impl Parser<'_, '_> {
    fn peek(&mut self) -> Result<&Token, SyntaxError> {
        if self.next.is_none() {
            self.next = Some(self.lexer.token()?);
        }
        Ok(self.next.get_or_insert(Token::End))
    }

    fn advance(&mut self) {
        self.next = None;
    }

    fn unexpected(&self) -> SyntaxError {
        let found = match &self.next {
            None | Some(Token::End) => "the end of the line".into(),
            Some(Token::Newline) => "the end of the line".into(),
            Some(Token::Semicolon) => ";".into(),
            Some(Token::Open) => "{".into(),
            Some(Token::Close) => "}".into(),
            Some(Token::Reserved(word)) => (*word).to_string(),
            Some(Token::Name(name)) => name.clone(),
            Some(Token::Word(_)) => "a word".into(),
        };
        self.lexer.error(found)
    }

    fn expect(&mut self, token: &Token) -> Result<(), SyntaxError> {
        if self.peek()? == token {
            self.advance();
            return Ok(());
        }
        Err(self.unexpected())
    }

    fn newlines(&mut self) -> Result<(), SyntaxError> {
        while *self.peek()? == Token::Newline {
            self.advance();
        }
        Ok(())
    }

    /// `;` or the end of a line, and empty lines. Whether there was one.
    fn delimiter(&mut self) -> Result<bool, SyntaxError> {
        if !matches!(self.peek()?, Token::Newline | Token::Semicolon) {
            return Ok(false);
        }
        self.advance();
        // At the outermost level a unit ends with its line.
        if self.lexer.open > 0 {
            self.newlines()?;
        }
        Ok(true)
    }

    /// Opens a construct, for which more lines are read.
    fn enter(&mut self) -> Result<(), SyntaxError> {
        self.advance();
        self.depth += 1;
        self.lexer.open += 1;
        if self.depth > DEPTH {
            return Err(self.lexer.error("a construct that is nested too deep"));
        }
        Ok(())
    }

    fn leave(&mut self) {
        self.advance();
        self.depth -= 1;
        self.lexer.open -= 1;
    }

    /// One command or more, and whether a delimiter is behind the last.
    fn commands(&mut self) -> Result<(List, bool), SyntaxError> {
        self.newlines()?;
        let mut list = vec![self.command()?];
        while self.delimiter()? {
            let starts = match self.peek()? {
                Token::Name(_) | Token::Word(_) => true,
                Token::Reserved(word) => matches!(*word, "if" | "for" | "while" | "until"),
                _ => false,
            };
            if !starts {
                return Ok((list, true));
            }
            list.push(self.command()?);
        }
        Ok((list, false))
    }

    /// Commands with a delimiter and then this word.
    fn commands_until(&mut self, word: &'static str) -> Result<List, SyntaxError> {
        let (list, delimited) = self.commands()?;
        if !delimited || *self.peek()? != Token::Reserved(word) {
            return Err(self.unexpected());
        }
        Ok(list)
    }

    fn command(&mut self) -> Result<Command, SyntaxError> {
        match self.peek()? {
            Token::Name(_) | Token::Word(_) => self.simple(),
            Token::Reserved("if") => self.condition(),
            Token::Reserved("for") => self.for_loop(),
            Token::Reserved("while") => self.loops(false),
            Token::Reserved("until") => self.loops(true),
            _ => Err(self.unexpected()),
        }
    }

    fn words(&mut self) -> Result<Vec<Word>, SyntaxError> {
        let mut words = Vec::new();
        loop {
            self.peek()?;
            match self.next.take() {
                Some(Token::Name(name)) => words.push(vec![Piece::Text(name)]),
                Some(Token::Reserved(word)) => words.push(vec![Piece::Text(word.into())]),
                Some(Token::Word(word)) => words.push(word),
                other => {
                    self.next = other;
                    return Ok(words);
                }
            }
        }
    }

    fn simple(&mut self) -> Result<Command, SyntaxError> {
        let words = self.words()?;
        let block = match self.peek()? {
            Token::Open => Some(self.block()?),
            _ => None,
        };
        Ok(Command::Simple { words, block })
    }

    /// A block, whose text is kept and read again when it is wanted.
    fn block(&mut self) -> Result<String, SyntaxError> {
        let from = self.lexer.position();
        self.enter()?;
        self.commands()?;
        self.peek()?;
        if self.next != Some(Token::Close) {
            return Err(self.unexpected());
        }
        let text = self.lexer.since(from);
        self.leave();
        Ok(text)
    }

    fn condition(&mut self) -> Result<Command, SyntaxError> {
        self.enter()?;
        let mut arms = Vec::new();
        loop {
            let condition = self.commands_until("then")?;
            self.advance();
            let (body, delimited) = self.commands()?;
            self.peek()?;
            match self.next {
                Some(Token::Reserved("elif")) if delimited => {
                    arms.push((condition, body));
                    self.advance();
                }
                Some(Token::Reserved("else")) if delimited => {
                    arms.push((condition, body));
                    self.advance();
                    let otherwise = self.commands_until("fi")?;
                    self.leave();
                    return Ok(Command::If { arms, otherwise });
                }
                Some(Token::Reserved("fi")) if delimited => {
                    arms.push((condition, body));
                    self.leave();
                    let otherwise = Vec::new();
                    return Ok(Command::If { arms, otherwise });
                }
                _ => return Err(self.unexpected()),
            }
        }
    }

    fn name(&mut self) -> Result<String, SyntaxError> {
        match self.peek()? {
            Token::Name(name) => Ok(name.clone()),
            _ => Err(self.unexpected()),
        }
    }

    fn for_loop(&mut self) -> Result<Command, SyntaxError> {
        self.advance();
        let name = self.name()?;
        self.enter()?;
        self.expect(&Token::Reserved("in"))?;
        let words = self.words()?;
        if !self.delimiter()? {
            return Err(self.unexpected());
        }
        self.expect(&Token::Reserved("do"))?;
        let body = self.commands_until("done")?;
        self.leave();
        Ok(Command::For { name, words, body })
    }

    fn loops(&mut self, until: bool) -> Result<Command, SyntaxError> {
        self.enter()?;
        let condition = self.commands_until("do")?;
        self.advance();
        let body = self.commands_until("done")?;
        self.leave();
        Ok(Command::While {
            until,
            condition,
            body,
        })
    }

    fn function(&mut self) -> Result<Function, SyntaxError> {
        self.advance();
        let name = self.name()?;
        self.enter()?;
        self.newlines()?;
        self.expect(&Token::Open)?;
        let (body, delimited) = self.commands()?;
        self.peek()?;
        if !delimited || self.next != Some(Token::Close) {
            return Err(self.unexpected());
        }
        self.leave();
        Ok(Function {
            name,
            body: Rc::new(body),
        })
    }
}
