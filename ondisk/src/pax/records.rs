// SPDX-License-Identifier: MIT OR Apache-2.0
//! The records of pax headers: `LENGTH KEYWORD=VALUE\n`, the value any bytes.
use super::number::{decimal, time};
use super::sparse;
use super::{Error, MAX_XATTRS, Name, Time, Xattr};

/// What pax headers say about the next member; a field that no record names
/// is `None`.
#[derive(Debug, Clone, Default)]
pub(super) struct Overrides {
    pub path: Option<Vec<u8>>,
    pub linkpath: Option<Vec<u8>>,
    pub size: Option<u64>,
    pub uid: Option<u64>,
    pub gid: Option<u64>,
    pub mtime: Option<Time>,
    pub atime: Option<Time>,
    pub xattrs: Vec<Xattr>,
    /// `security.selinux` as `tar --selinux` writes it.
    pub selinux: Option<Vec<u8>>,
    /// ACLs in text form as `tar --acls` writes them.
    pub acl_access: Option<Vec<u8>>,
    pub acl_default: Option<Vec<u8>>,
    pub sparse: sparse::Records,
}

impl Overrides {
    /// Takes the records of one header, in order; a later record of the same
    /// keyword wins, an empty value takes an earlier one back (POSIX).
    /// `at` is the header's byte offset.
    pub(super) fn apply(&mut self, mut bytes: &[u8], at: u64) -> Result<(), Error> {
        while !bytes.is_empty() {
            let record = split(bytes).map_err(|reason| Error::Records { at, reason })?;
            self.set(record.keyword, record.value, at)?;
            bytes = record.rest;
        }
        Ok(())
    }

    fn set(&mut self, keyword: &[u8], value: &[u8], at: u64) -> Result<(), Error> {
        let bad = |field: &'static str| Error::Number {
            at,
            name: Name::new(b"pax header"),
            field,
            text: Name::new(value),
        };
        let bytes = || (!value.is_empty()).then(|| value.to_vec());
        let number = |field| match value {
            [] => Ok(None),
            _ => decimal(value).map(Some).ok_or_else(|| bad(field)),
        };
        let moment = |field| match value {
            [] => Ok(None),
            _ => time(value).map(Some).ok_or_else(|| bad(field)),
        };
        match keyword {
            b"path" => self.path = bytes(),
            b"linkpath" => self.linkpath = bytes(),
            b"size" => self.size = number("size")?,
            b"uid" => self.uid = number("uid")?,
            b"gid" => self.gid = number("gid")?,
            b"mtime" => self.mtime = moment("mtime")?,
            b"atime" => self.atime = moment("atime")?,
            b"RHT.security.selinux" => self.selinux = bytes(),
            b"SCHILY.acl.access" => self.acl_access = bytes(),
            b"SCHILY.acl.default" => self.acl_default = bytes(),
            _ => {
                if let Some(name) = keyword.strip_prefix(b"SCHILY.xattr.") {
                    self.xattr(unescape(name), value, at)?;
                } else if let Some(name) = keyword.strip_prefix(b"GNU.sparse.") {
                    self.sparse.set(name, value).map_err(bad)?;
                }
                // Everything else is a comment, a character set, a user's
                // name (numeric owners are used) or a vendor's own.
            }
        }
        Ok(())
    }

    fn xattr(&mut self, name: Vec<u8>, value: &[u8], at: u64) -> Result<(), Error> {
        if name.is_empty() || name.contains(&0) {
            return Err(Error::Records {
                at,
                reason: "an extended attribute has no proper name",
            });
        }
        let value = value.to_vec();
        if let Some(xattr) = self.xattrs.iter_mut().find(|xattr| xattr.name == name) {
            xattr.value = value;
            return Ok(());
        }
        if self.xattrs.len() >= MAX_XATTRS {
            return Err(Error::Records {
                at,
                reason: "it has more than 1024 extended attributes",
            });
        }
        self.xattrs.push(Xattr { name, value });
        Ok(())
    }
}

/// A record, and the bytes after it.
struct Record<'a> {
    keyword: &'a [u8],
    value: &'a [u8],
    rest: &'a [u8],
}

/// The first record of a header.
fn split(bytes: &[u8]) -> Result<Record<'_>, &'static str> {
    let blank = bytes
        .iter()
        .take(20)
        .position(|byte| *byte == b' ')
        .ok_or("a record does not begin with its length")?;
    let (digits, _) = bytes.split_at_checked(blank).unwrap_or((bytes, b""));
    let length = decimal(digits)
        .and_then(|length| usize::try_from(length).ok())
        .ok_or("a record does not begin with its length")?;
    let (record, rest) = bytes
        .split_at_checked(length)
        .ok_or("a record is longer than the header")?;
    let body = record
        .get(blank..)
        .and_then(|body| body.strip_prefix(b" "))
        .and_then(|body| body.strip_suffix(b"\n"))
        .ok_or("a record does not end where its length says")?;
    let equals = body
        .iter()
        .position(|byte| *byte == b'=')
        .ok_or("a record has no '='")?;
    let (keyword, value) = body.split_at_checked(equals).unwrap_or((body, b""));
    if keyword.is_empty() {
        return Err("a record has no keyword");
    }
    let value = value.strip_prefix(b"=").unwrap_or(value);
    Ok(Record {
        keyword,
        value,
        rest,
    })
}

/// GNU tar writes `%3D` and `%25` for `=` and `%` in an attribute's name.
fn unescape(name: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(name.len());
    let mut rest = name;
    while let Some((&first, tail)) = rest.split_first() {
        let (byte, after) = match rest.get(..3) {
            Some(b"%3D") => (b'=', rest.get(3..)),
            Some(b"%25") => (b'%', rest.get(3..)),
            _ => (first, Some(tail)),
        };
        out.push(byte);
        rest = after.unwrap_or_default();
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(keyword: &str, value: &[u8]) -> Vec<u8> {
        let body = keyword.len() + value.len() + 3;
        let mut length = body + body.to_string().len();
        length = body + length.to_string().len();
        let mut out = format!("{length} {keyword}=").into_bytes();
        out.extend_from_slice(value);
        out.push(b'\n');
        assert_eq!(out.len(), length);
        out
    }

    fn parse(bytes: &[u8]) -> Result<Overrides, Error> {
        let mut overrides = Overrides::default();
        overrides.apply(bytes, 512)?;
        Ok(overrides)
    }

    #[test]
    fn values_may_hold_any_byte() {
        let mut bytes = record("SCHILY.xattr.user.a%3Db%25%3d", b"x\n30 path=evil\n\0=");
        bytes.extend(record("SCHILY.xattr.user.empty", b""));
        bytes.extend(record("path", b"new\nline"));
        let got = parse(&bytes).unwrap();
        assert_eq!(got.xattrs[0].name, b"user.a=b%%3d");
        assert_eq!(got.xattrs[0].value, b"x\n30 path=evil\n\0=");
        assert_eq!(got.xattrs[1].value, b"");
        assert_eq!(got.path.as_deref(), Some(&b"new\nline"[..]));
    }

    #[test]
    fn a_later_record_wins_and_an_empty_one_takes_back() {
        let mut bytes = record("uid", b"5");
        bytes.extend(record("uid", b"6"));
        bytes.extend(record("gid", b"7"));
        bytes.extend(record("gid", b""));
        bytes.extend(record("SCHILY.xattr.user.a", b"1"));
        bytes.extend(record("SCHILY.xattr.user.a", b"2"));
        let got = parse(&bytes).unwrap();
        assert_eq!((got.uid, got.gid, got.xattrs.len()), (Some(6), None, 1));
        assert_eq!(got.xattrs[0].value, b"2");
    }

    #[test]
    fn attributes_are_bounded() {
        let many = |n: usize| -> Vec<u8> {
            let names = (0..n).map(|i| format!("SCHILY.xattr.user.{i}"));
            names.flat_map(|name| record(&name, b"")).collect()
        };
        assert_eq!(parse(&many(MAX_XATTRS)).unwrap().xattrs.len(), MAX_XATTRS);
        let error = parse(&many(MAX_XATTRS + 1)).unwrap_err().to_string();
        assert!(
            error.contains("more than 1024 extended attributes"),
            "{error}"
        );
    }

    #[test]
    fn damage_is_named() {
        for bad in [
            &b"x"[..],
            b"5 a=b",
            b"6 a=b",
            b"60 a=b\n",
            b"0 a=b\n",
            b"2 a=b\n",
            b"5 ab\n",
            b"5 =b\n",
            b"-6 a=b\n",
            b"18446744073709551617 a=b\n",
            b" 6 a=b\n",
            b"6 a=b\n\0",
        ] {
            assert!(parse(bad).is_err(), "{bad:?}");
        }
        assert!(matches!(
            parse(&record("uid", b"-1")),
            Err(Error::Number { field: "uid", .. })
        ));
        assert!(parse(&record("mtime", b"soon")).is_err());
        assert!(parse(&record("SCHILY.xattr.", b"x")).is_err());
    }
}
