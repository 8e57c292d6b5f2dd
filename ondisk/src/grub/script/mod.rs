// SPDX-License-Identifier: MIT OR Apache-2.0
//! The language of grub.cfg.
//!
//! GRUB reads a script by units: a line, and as many more as an open block,
//! `if`, loop, function or quotation needs. A unit that is not valid is
//! reported and left out as a whole; the next line starts a new one.

mod lexer;
mod parser;

pub(super) use lexer::{Source, variable_name};
pub(super) use parser::parse;

use std::rc::Rc;

/// Part of a word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Piece {
    /// Unquoted, its backslashes still there.
    Text(String),
    /// Quoted, as it is meant.
    Quoted(String),
    /// An unquoted variable: its value is split into words.
    Variable(String),
    /// A variable in double quotes.
    QuotedVariable(String),
    /// A string that may be translated: variables in it are replaced late.
    Translated(String),
}

/// Becomes none, one or several arguments.
pub(super) type Word = Vec<Piece>;

/// Commands that follow one another.
pub(super) type List = Vec<Command>;

/// A command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Command {
    /// A name and its arguments, with a block's source text.
    Simple {
        /// The name is the first.
        words: Vec<Word>,
        /// The text between braces.
        block: Option<String>,
    },
    /// `if`, `elif` ... and `else`.
    If {
        /// Condition and what is done then.
        arms: Vec<(List, List)>,
        /// `else`.
        otherwise: List,
    },
    /// `for`.
    For {
        name: String,
        words: Vec<Word>,
        body: List,
    },
    /// `while` and `until`.
    While {
        /// Ends when this is true, not false.
        until: bool,
        condition: List,
        body: List,
    },
}

/// A function, which exists from the moment that it was read.
pub(super) struct Function {
    pub name: String,
    pub body: Rc<List>,
}

/// A unit of a script that is not valid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SyntaxError {
    /// The number of the line, from 1.
    pub line: usize,
    pub found: String,
}
