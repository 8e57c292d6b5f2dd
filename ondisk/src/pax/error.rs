// SPDX-License-Identifier: MIT OR Apache-2.0
//! What can be wrong with an archive.

use std::fmt;

/// Why an archive cannot be read. `at` is the byte offset in the unpacked
/// archive of the header or the block that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A header's checksum does not match its bytes.
    #[error(
        "tar: the header at byte {at} is not a tar header or is damaged (checksum); make the archive again"
    )]
    Checksum {
        /// Byte offset of the header.
        at: u64,
    },
    /// A number in a header cannot be read or does not fit.
    #[error(
        "tar: {name}: {field} '{text}' at byte {at} is not a number that fits; make the archive again"
    )]
    Number {
        /// Byte offset of the header.
        at: u64,
        /// The member.
        name: Name,
        /// The field of the header or the keyword of the record.
        field: &'static str,
        /// What stands there.
        text: Name,
    },
    /// A member of a type that cannot be unpacked.
    #[error(
        "tar: {name} at byte {at} is a {what} (type '{flag}'), which cannot be unpacked; make the archive with GNU tar, without this member"
    )]
    Type {
        /// Byte offset of the header.
        at: u64,
        /// The member.
        name: Name,
        /// The type's letter.
        flag: char,
        /// What the letter means, as far as known.
        what: &'static str,
    },
    /// A pax header is not a list of records.
    #[error("tar: the pax header at byte {at} is damaged ({reason}); make the archive again")]
    Records {
        /// Byte offset of the header.
        at: u64,
        /// What is wrong.
        reason: &'static str,
    },
    /// A header that describes the next member is longer than allowed.
    #[error("tar: the {what} at byte {at} has {size} bytes, more than the allowed {limit}")]
    TooLong {
        /// Byte offset of the header.
        at: u64,
        /// Which part.
        what: &'static str,
        /// Bytes (or extents) that it claims.
        size: u64,
        /// Bytes (or extents) that are allowed.
        limit: u64,
    },
    /// A name that must not be used.
    #[error("tar: {name} at byte {at}: {reason}; make the archive without it")]
    Path {
        /// Byte offset of the header.
        at: u64,
        /// The member, as it stands in the archive.
        name: Name,
        /// What is wrong.
        reason: &'static str,
    },
    /// A sparse file's map is wrong.
    #[error(
        "tar: {name} at byte {at}: the map of the sparse file is damaged ({reason}); make the archive again"
    )]
    Sparse {
        /// Byte offset of the header.
        at: u64,
        /// The member.
        name: Name,
        /// What is wrong.
        reason: &'static str,
    },
    /// An ACL in text form that cannot be carried over.
    #[error(
        "tar: {name} at byte {at}: ACL entry '{text}' is not numeric; make the archive with --xattrs --xattrs-include='*' --numeric-owner"
    )]
    Acl {
        /// Byte offset of the header.
        at: u64,
        /// The member.
        name: Name,
        /// The entry.
        text: Name,
    },
    /// Bytes other than zero follow the end of the archive.
    #[error(
        "tar: there is data after the end of the archive at byte {at}; make the archive again, as one"
    )]
    Trailing {
        /// Byte offset of the first such byte.
        at: u64,
    },
    /// The bytes end before the archive does.
    #[error(
        "tar: the archive ends at byte {at}, before its end mark: it was cut; copy or make it again"
    )]
    Truncated {
        /// Bytes seen.
        at: u64,
    },
}

/// Bytes from an archive, printed so that a terminal survives them.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Name(Vec<u8>);

impl Name {
    /// The bytes as they are; at most 4096 are kept.
    pub fn new(bytes: &[u8]) -> Name {
        Name(bytes.get(..4096).unwrap_or(bytes).to_vec())
    }

    /// The bytes as they are.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str(".");
        }
        for chunk in self.0.utf8_chunks() {
            for c in chunk.valid().chars() {
                if c.is_control() {
                    write!(f, "{}", c.escape_default())?;
                } else {
                    write!(f, "{c}")?;
                }
            }
            for byte in chunk.invalid() {
                write!(f, "\\x{byte:02x}")?;
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{self}\"")
    }
}

impl From<&[u8]> for Name {
    fn from(bytes: &[u8]) -> Name {
        Name::new(bytes)
    }
}
