// SPDX-License-Identifier: MIT OR Apache-2.0
//! TOML documents as values: [`crate::manifest`] and every record of replant.
//!
//! A reader that serde derives is compiled for each kind of value that a
//! deserializer may hand to it. The one here hands over the kind that was asked
//! for and refuses all else itself, which makes a third of the code.

mod writer;

pub use toml::ser::Error as WriteError;
pub use writer::write;

use serde::de::value::{MapDeserializer, SeqDeserializer, StrDeserializer};
use serde::de::{
    DeserializeOwned, Expected, IntoDeserializer, MapAccess, SeqAccess, Unexpected, Visitor,
};
use serde::{Deserializer, forward_to_deserialize_any};
use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

/// Why a text is not the document that it should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {what}")]
pub struct Error {
    /// Number of the line that is meant, the first is 1.
    pub line: usize,
    /// What is wrong there, on one line. It may quote the document.
    pub what: String,
}

impl Error {
    fn new(text: &str, at: Option<usize>, what: &str) -> Error {
        let before = at.and_then(|at| text.get(..at)).unwrap_or_default();
        Error {
            line: before.bytes().filter(|b| *b == b'\n').count() + 1,
            what: what.replace('\n', " "),
        }
    }
}

/// Reads a document.
///
/// # Errors
/// [`Error`]: not TOML, or not the keys and values of `T`.
pub fn read<T: DeserializeOwned>(text: &str) -> Result<T, Error> {
    let root = DeTable::parse(text)
        .map_err(|e| Error::new(text, e.span().map(|span| span.start), e.message()))?;
    let root = Spanned::new(root.span(), DeValue::Table(root.into_inner()));
    T::deserialize(Node::Value(&root)).map_err(|Fault(said)| Error::new(text, said.at, &said.what))
}

/// The error of a type about a value. It is boxed, because every field of every
/// type passes it on, and a pointer makes less code.
#[derive(Debug, thiserror::Error)]
#[error("{}", .0.what)]
struct Fault(Box<Said>);

#[derive(Debug)]
struct Said {
    /// Where the value is in the text, in bytes.
    at: Option<usize>,
    what: String,
}

impl serde::de::Error for Fault {
    fn custom<T: std::fmt::Display>(what: T) -> Fault {
        let what = what.to_string();
        Fault(Box::new(Said { at: None, what }))
    }
}

/// A node of the document, from which a type can be read.
#[derive(Clone, Copy)]
enum Node<'a> {
    Key(&'a Spanned<DeString<'a>>),
    Value(&'a Spanned<DeValue<'a>>),
}

impl<'a> Node<'a> {
    /// Names the place of a fault; that of the innermost node is meant.
    fn place(self, mut fault: Fault) -> Fault {
        let start = match self {
            Node::Key(key) => key.span().start,
            Node::Value(value) => value.span().start,
        };
        fault.0.at.get_or_insert(start);
        fault
    }

    fn refuse(self, expected: &dyn Expected) -> Fault {
        let text;
        let found = match self {
            Node::Key(key) => Unexpected::Str(key.get_ref()),
            Node::Value(value) => match value.get_ref() {
                DeValue::String(value) => Unexpected::Str(value),
                DeValue::Boolean(value) => Unexpected::Bool(*value),
                DeValue::Array(_) => Unexpected::Seq,
                DeValue::Table(_) => Unexpected::Map,
                DeValue::Datetime(_) => Unexpected::Other("date or time"),
                DeValue::Integer(value) => {
                    text = format!("integer `{value}`");
                    Unexpected::Other(&text)
                }
                DeValue::Float(value) => {
                    text = format!("floating point `{value}`");
                    Unexpected::Other(&text)
                }
            },
        };
        self.place(serde::de::Error::invalid_type(found, expected))
    }

    fn text(self) -> Option<&'a str> {
        match self {
            Node::Key(key) => Some(key.get_ref()),
            Node::Value(value) => value.get_ref().as_str(),
        }
    }

    fn name(self) -> Option<StrDeserializer<'a, Fault>> {
        self.text().map(StrDeserializer::new)
    }

    fn value(self) -> Option<&'a DeValue<'a>> {
        match self {
            Node::Key(_) => None,
            Node::Value(value) => Some(value.get_ref()),
        }
    }

    fn flag(self) -> Option<bool> {
        self.value()?.as_bool()
    }

    fn number(self) -> Option<u64> {
        let number = self.value()?.as_integer()?;
        u64::from_str_radix(number.as_str(), number.radix()).ok()
    }

    fn list(self) -> Option<impl SeqAccess<'a, Error = Fault>> {
        let values = self.value()?.as_array()?.iter();
        Some(SeqDeserializer::new(values.map(Node::Value)))
    }

    fn table(self) -> Option<impl MapAccess<'a, Error = Fault>> {
        let entries = self.value()?.as_table()?.iter();
        Some(MapDeserializer::new(
            entries.map(|(key, value)| (Node::Key(key), Node::Value(value))),
        ))
    }
}

impl<'a> IntoDeserializer<'a, Fault> for Node<'a> {
    type Deserializer = Node<'a>;

    fn into_deserializer(self) -> Node<'a> {
        self
    }
}

/// Methods, with what the type says beside the visitor, that hand over the first
/// thing that one of the accessors finds.
macro_rules! hand_over {
    ($($method:ident($($more:ty),*): $($accessor:ident $visit:ident),+;)+) => {$(
        fn $method<V: Visitor<'de>>(self, $(_: $more,)* visitor: V) -> Result<V::Value, Fault> {
            $(if let Some(found) = self.$accessor() {
                return visitor.$visit(found).map_err(|fault| self.place(fault));
            })+
            Err(self.refuse(&visitor))
        }
    )+};
}

impl<'de> Deserializer<'de> for Node<'de> {
    type Error = Fault;

    hand_over! {
        deserialize_bool(): flag visit_bool;
        deserialize_u8(): number visit_u64;
        deserialize_u16(): number visit_u64;
        deserialize_u32(): number visit_u64;
        deserialize_u64(): number visit_u64;
        deserialize_str(): text visit_str;
        deserialize_string(): text visit_str;
        deserialize_identifier(): text visit_str;
        deserialize_seq(): list visit_seq;
        deserialize_tuple(usize): list visit_seq;
        deserialize_map(): table visit_map;
        deserialize_struct(&'static str, &'static [&'static str]): table visit_map;
        deserialize_enum(&'static str, &'static [&'static str]): name visit_enum;
        deserialize_any():
            flag visit_bool, number visit_u64, text visit_str, list visit_seq, table visit_map;
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_some(self)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        i8 i16 i32 i64 i128 u128 f32 f64 char bytes byte_buf unit unit_struct newtype_struct tuple_struct
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;
    use std::collections::BTreeMap;
    use std::net::IpAddr;

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Sample {
        flag: bool,
        small: u8,
        #[serde(default)]
        text: Option<String>,
        address: IpAddr,
        pairs: Vec<(u32, u64)>,
        #[serde(default)]
        map: BTreeMap<String, String>,
        #[serde(default)]
        kinds: Vec<Kind>,
        erase: crate::manifest::Erase,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(tag = "type", rename_all = "lowercase")]
    enum Kind {
        Plain,
        Tagged { id: u16 },
    }

    const GOOD: &str = "flag = true\nsmall = 0xff\ntext = 'a'\naddress = \"::1\"\n\
        pairs = [[1, 2], [3, 18446744073709551615]]\nerase = \"free\"\n\
        map = { b = \"\"\"x\ny\"\"\" }\n[[kinds]]\ntype = \"plain\"\n\n\
        [[kinds]]\ntype = \"tagged\"\nid = 7\n";

    /// The value and the faults, with their lines, are those of toml's own reader.
    #[test]
    fn reads_as_toml_does() {
        let line = |text: &str, at: usize| text[..at].matches('\n').count() + 1;
        let both = |text: &str| {
            let theirs = toml::from_str::<Sample>(text).map_err(|e| Error {
                line: line(text, e.span().unwrap().start),
                what: e.message().replace('\n', " "),
            });
            assert_eq!(read::<Sample>(text), theirs, "{text}");
            theirs
        };
        assert_eq!(
            both(GOOD).unwrap().kinds,
            [Kind::Plain, Kind::Tagged { id: 7 }]
        );
        assert_eq!(
            both("").unwrap_err().to_string(),
            "line 1: missing field `flag`"
        );
        for (old, new) in [
            ("true", "1"),
            ("true", "'true'"),
            ("0xff", "0x100"),
            ("0xff", "-1.5"),
            ("0xff", "[]"),
            ("0xff", "{}"),
            ("'a'", "7"),
            ("'a'\n", "'a'\n\nb = 2\n"),
            ("'a'\n", "'a'\nb = \n"),
            ("'a'\n", "'a'\nflag = true\n"),
            ("::1", "::g"),
            ("[3, ", "\n[\n'3', "),
            ("\"free\"", "\n\n\"all\""),
            ("\"\"\"x\ny\"\"\"", "1"),
            ("tagged", "other"),
            ("id = 7", "id = 70000"),
            ("id = 7", "name = 7"),
            ("'a'", "\"\"\"\n\\z\"\"\""),
        ] {
            assert!(both(&GOOD.replace(old, new)).is_err(), "{new}");
        }
        // The rest is told in other words.
        let error = |old, new| read::<Sample>(&GOOD.replace(old, new)).unwrap_err();
        let told = error("0xff", "-1").to_string();
        assert_eq!(told, "line 2: invalid type: integer `-1`, expected u8");
        let told = error("\"free\"", "1979-05-27").to_string();
        assert_eq!(
            told,
            "line 6: invalid type: date or time, expected enum Erase"
        );
    }
}
