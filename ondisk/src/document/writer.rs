// SPDX-License-Identifier: MIT OR Apache-2.0
//! Values as documents.
//!
//! toml's own writer is compiled four times for each type: as a table, as a
//! value, as one of several tables, and to find out which of them it is. Here a
//! type becomes a tree, and toml writes trees.

use serde::ser::{
    Error as _, Impossible, SerializeMap, SerializeSeq, SerializeStruct, SerializeTuple,
};
use serde::{Serialize, Serializer};
use toml::ser::Error;

/// The text of a document.
///
/// # Errors
/// toml's: the value is no table, or holds what TOML has not or
/// [`read`](super::read) does not read.
pub fn write<T: Serialize>(value: &T) -> Result<String, Error> {
    toml::to_string(&value.serialize(Writer)?)
}

/// A value as toml is given it.
enum Tree {
    Nothing,
    Flag(bool),
    Number(u64),
    Text(String),
    List(Vec<Tree>),
    Table(Vec<(String, Tree)>),
}

impl Serialize for Tree {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Tree::Nothing => serializer.serialize_none(),
            Tree::Flag(value) => serializer.serialize_bool(*value),
            Tree::Number(value) => serializer.serialize_u64(*value),
            Tree::Text(value) => serializer.serialize_str(value),
            Tree::List(values) => serializer.collect_seq(values),
            Tree::Table(entries) => serializer.collect_map(entries.iter().map(|(k, v)| (k, v))),
        }
    }
}

/// Makes a tree of a value.
struct Writer;

/// A list so far.
struct List(Vec<Tree>);

/// A table so far, and the key whose value comes next.
struct Table(Vec<(String, Tree)>, String);

/// Methods for kinds of values that no document of ours has.
macro_rules! refuse {
    ($($method:ident($($more:ty),*) -> $made:ty;)+) => {$(
        fn $method(self, $(_: $more),*) -> Result<$made, Error> {
            Err(Error::custom(concat!("no document has what needs ", stringify!($method))))
        }
    )+};
}

impl Serializer for Writer {
    type Ok = Tree;
    type Error = Error;
    type SerializeSeq = List;
    type SerializeTuple = List;
    type SerializeTupleStruct = Impossible<Tree, Error>;
    type SerializeTupleVariant = Impossible<Tree, Error>;
    type SerializeMap = Table;
    type SerializeStruct = Table;
    type SerializeStructVariant = Impossible<Tree, Error>;

    fn serialize_bool(self, value: bool) -> Result<Tree, Error> {
        Ok(Tree::Flag(value))
    }

    fn serialize_u8(self, value: u8) -> Result<Tree, Error> {
        Ok(Tree::Number(value.into()))
    }

    fn serialize_u16(self, value: u16) -> Result<Tree, Error> {
        Ok(Tree::Number(value.into()))
    }

    fn serialize_u32(self, value: u32) -> Result<Tree, Error> {
        Ok(Tree::Number(value.into()))
    }

    fn serialize_u64(self, value: u64) -> Result<Tree, Error> {
        Ok(Tree::Number(value))
    }

    fn serialize_str(self, value: &str) -> Result<Tree, Error> {
        Ok(Tree::Text(value.to_owned()))
    }

    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<Tree, Error> {
        Ok(Tree::Text(variant.to_owned()))
    }

    fn serialize_none(self) -> Result<Tree, Error> {
        Ok(Tree::Nothing)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<Tree, Error> {
        value.serialize(self)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<Tree, Error> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: &T,
    ) -> Result<Tree, Error> {
        Err(Error::custom(format_args!(
            "no document has {variant} with a value"
        )))
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<List, Error> {
        Ok(List(Vec::new()))
    }

    fn serialize_tuple(self, _: usize) -> Result<List, Error> {
        Ok(List(Vec::new()))
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Table, Error> {
        Ok(Table(Vec::new(), String::new()))
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Table, Error> {
        self.serialize_map(None)
    }

    refuse! {
        serialize_i8(i8) -> Tree;
        serialize_i16(i16) -> Tree;
        serialize_i32(i32) -> Tree;
        serialize_i64(i64) -> Tree;
        serialize_f32(f32) -> Tree;
        serialize_f64(f64) -> Tree;
        serialize_char(char) -> Tree;
        serialize_bytes(&[u8]) -> Tree;
        serialize_unit() -> Tree;
        serialize_unit_struct(&'static str) -> Tree;
        serialize_tuple_struct(&'static str, usize) -> Impossible<Tree, Error>;
        serialize_tuple_variant(&'static str, u32, &'static str, usize) -> Impossible<Tree, Error>;
        serialize_struct_variant(&'static str, u32, &'static str, usize) -> Impossible<Tree, Error>;
    }
}

impl SerializeSeq for List {
    type Ok = Tree;
    type Error = Error;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        self.0.push(value.serialize(Writer)?);
        Ok(())
    }

    fn end(self) -> Result<Tree, Error> {
        Ok(Tree::List(self.0))
    }
}

impl SerializeTuple for List {
    type Ok = Tree;
    type Error = Error;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        SerializeSeq::serialize_element(self, value)
    }

    fn end(self) -> Result<Tree, Error> {
        SerializeSeq::end(self)
    }
}

impl SerializeMap for Table {
    type Ok = Tree;
    type Error = Error;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Error> {
        match key.serialize(Writer)? {
            Tree::Text(key) => self.1 = key,
            _ => return Err(Error::custom("a key is a text")),
        }
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        let key = std::mem::take(&mut self.1);
        self.0.push((key, value.serialize(Writer)?));
        Ok(())
    }

    fn end(self) -> Result<Tree, Error> {
        Ok(Tree::Table(self.0))
    }
}

impl SerializeStruct for Table {
    type Ok = Tree;
    type Error = Error;

    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        key: &'static str,
        value: &T,
    ) -> Result<(), Error> {
        self.0.push((key.to_owned(), value.serialize(Writer)?));
        Ok(())
    }

    fn end(self) -> Result<Tree, Error> {
        SerializeMap::end(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;
    use std::net::IpAddr;

    #[derive(Serialize)]
    struct Sample {
        flag: bool,
        small: u8,
        none: Option<String>,
        some: Option<u64>,
        address: IpAddr,
        wrapped: Wrapped,
        pairs: Vec<(u32, u16)>,
        words: Vec<&'static str>,
        empty: Vec<Kind>,
        table: BTreeMap<&'static str, BTreeMap<&'static str, u64>>,
        kinds: Vec<Kind>,
        list: Vec<Vec<Kind>>,
        erase: crate::manifest::Erase,
    }

    #[derive(Serialize)]
    struct Wrapped(&'static str);

    #[derive(Serialize, Clone)]
    #[serde(tag = "type", rename_all = "lowercase")]
    enum Kind {
        Plain,
        Tagged {
            id: u16,
            below: BTreeMap<&'static str, Vec<u8>>,
        },
    }

    #[derive(Serialize)]
    struct Pair<T>(T, T);

    fn sample() -> Sample {
        let tagged = Kind::Tagged {
            id: 7,
            below: BTreeMap::from([("a", vec![]), ("b c", vec![1])]),
        };
        Sample {
            flag: true,
            small: 255,
            none: None,
            some: Some(1 << 60),
            address: "::1".parse().unwrap(),
            wrapped: Wrapped("a\n\"'\\\u{1}ä"),
            pairs: vec![(1, 2), (3, 4)],
            words: vec!["", "x"],
            empty: vec![],
            table: BTreeMap::from([
                ("", BTreeMap::new()),
                ("é", BTreeMap::from([("x.y", 0), ("z", 1)])),
            ]),
            kinds: vec![Kind::Plain, tagged.clone()],
            list: vec![vec![tagged.clone()], vec![]],
            erase: crate::manifest::Erase::Free,
        }
    }

    /// Byte for byte.
    #[test]
    fn writes_as_toml_does() {
        let text = write(&sample()).unwrap();
        assert_eq!(text, toml::to_string(&sample()).unwrap());
        assert!(text.contains("[[kinds]]") && text.contains("[table.\"é\"]"));
    }

    /// What toml refuses, and what the reader would not take.
    #[test]
    fn refuses_what_no_document_has() {
        assert!(write(&1).is_err());
        assert!(write(&[true]).is_err());
        assert!(write(&BTreeMap::from([("a", vec![None::<u8>])])).is_err());
        assert!(write(&BTreeMap::from([(1, "a")])).is_err());
        assert!(write(&BTreeMap::from([("a", -1)])).is_err());
        assert!(write(&BTreeMap::from([("a", Pair(1u8, 2))])).is_err());
    }
}
