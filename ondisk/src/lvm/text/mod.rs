// SPDX-License-Identifier: MIT OR Apache-2.0
//! The text: sections, keys and values, as `libdm-config` reads them.

mod parser;

pub use parser::parse;

/// A scalar or a list of scalars.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// A whole number.
    Int(i64),
    /// A number with a point, as it was written.
    Float(String),
    /// A string.
    Text(String),
    /// A list; never nested.
    List(Vec<Value>),
}

/// What a name stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Item {
    /// `name = value`
    Value(Value),
    /// `name { … }`
    Section(Section),
}

/// Names with what they stand for, in the order of the text. A name occurs once.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Section {
    /// The entries.
    pub entries: Vec<(String, Item)>,
}

impl Section {
    /// The entry of that name.
    pub fn get(&self, name: &str) -> Option<&Item> {
        self.entries
            .iter()
            .find(|(n, _)| n == name)
            .map(|(_, item)| item)
    }

    /// The value of that name, `None` also where the name is a section's.
    pub fn value(&self, name: &str) -> Option<&Value> {
        match self.get(name) {
            Some(Item::Value(v)) => Some(v),
            _ => None,
        }
    }

    /// The section of that name.
    pub fn section(&self, name: &str) -> Option<&Section> {
        match self.get(name) {
            Some(Item::Section(s)) => Some(s),
            _ => None,
        }
    }

    /// The sections in order, with their names.
    pub fn sections(&self) -> impl Iterator<Item = (&str, &Section)> {
        self.entries.iter().filter_map(|(name, item)| match item {
            Item::Section(s) => Some((name.as_str(), s)),
            Item::Value(_) => None,
        })
    }
}

/// What is wrong with a text. Lines count from 1.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TextError {
    /// Something else stands where `expected` should.
    #[error("LVM text, line {line}: expected {expected}, found {found}")]
    Expected {
        /// The line.
        line: u32,
        /// What should stand there.
        expected: &'static str,
        /// What stands there.
        found: String,
    },
    /// A string has no end.
    #[error("LVM text, line {line}: a string that begins here has no end")]
    OpenString {
        /// The line.
        line: u32,
    },
    /// A number does not fit into 64 bits, or has digits that its base has not.
    #[error("LVM text, line {line}: \"{text}\" is not a number")]
    Number {
        /// The line.
        line: u32,
        /// The number.
        text: String,
    },
    /// More sections in sections than any volume group has.
    #[error("LVM text, line {line}: sections are nested more than {max} deep")]
    Depth {
        /// The line.
        line: u32,
        /// The bound.
        max: usize,
    },
    /// Two sections, or a section and a value, have one name.
    #[error("LVM text, line {line}: the section \"{name}\" is there twice")]
    DuplicateSection {
        /// The line of the second one.
        line: u32,
        /// The name.
        name: String,
    },
}

#[cfg(test)]
mod tests;
