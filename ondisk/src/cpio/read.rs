// SPDX-License-Identifier: MIT OR Apache-2.0
//! Reading entries, as far as they go.

use std::borrow::Cow;

use super::{Error, NAME_MAX, TRAILER, TYPE_MASK, padding};

/// One entry of an archive; name and data are slices of the archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry<'a> {
    /// Byte offset of the header in the archive.
    pub offset: usize,
    /// Name without its NUL, as it is written (`./a`, `/a` and `a` are one file).
    pub name: &'a [u8],
    /// File type and permission bits.
    pub mode: u32,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Number of names of this inode.
    pub links: u32,
    /// Seconds since 1970.
    pub mtime: u32,
    /// Inode number; two entries with the same one (and `device`) and more
    /// than one link are one file, and its data stands in the last.
    pub inode: u32,
    /// Device that holds the inode, major and minor.
    pub device: (u32, u32),
    /// What a device node stands for, major and minor.
    pub node: (u32, u32),
    /// Content; the target of a symbolic link.
    pub data: &'a [u8],
}

impl<'a> Entry<'a> {
    /// The file type bits of the mode.
    pub fn kind(&self) -> u32 {
        self.mode & TYPE_MASK
    }

    /// The path from the root, without `/` and `.` at its front; bytes that
    /// are not UTF-8 become U+FFFD.
    pub fn path(&self) -> Cow<'a, str> {
        let mut name = self.name;
        loop {
            name = match name {
                [b'/', rest @ ..] | [b'.', b'/', rest @ ..] => rest,
                b"." => &[],
                _ => break,
            };
        }
        String::from_utf8_lossy(name)
    }
}

/// Iterates over the entries of one or more archives that follow each other
/// uncompressed, zero bytes between them skipped as the kernel does it.
///
/// It stops at the end of the bytes, or where something other than an archive
/// begins (a compressed segment, or a missing trailer): see [`Reader::position`].
/// After an error it ends.
#[derive(Debug, Clone)]
pub struct Reader<'a> {
    bytes: &'a [u8],
    position: usize,
    failed: bool,
    archives: usize,
}

impl<'a> Reader<'a> {
    /// Reads from the start of `bytes`, which must lie at a multiple of 4 of
    /// what the kernel gets.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self {
            bytes,
            position: 0,
            failed: false,
            archives: 0,
        }
    }

    /// Byte offset behind the last entry and the zeros that follow it.
    pub fn position(&self) -> usize {
        self.position
    }

    /// Number of trailers passed so far; hard links do not reach over one.
    pub fn archives(&self) -> usize {
        self.archives
    }

    fn entry(&mut self) -> Result<Option<Entry<'a>>, Error> {
        loop {
            while self.bytes.get(self.position) == Some(&0) {
                self.position += 1;
            }
            // The kernel takes no entry whose header is not aligned to 4.
            if self.bytes.get(self.position) != Some(&b'0') || !self.position.is_multiple_of(4) {
                return Ok(None);
            }
            let entry = self.parse()?;
            if entry.name != TRAILER.as_bytes() {
                return Ok(Some(entry));
            }
            self.archives += 1;
        }
    }

    fn parse(&mut self) -> Result<Entry<'a>, Error> {
        let offset = self.position;
        let mut at = offset;
        let magic = take(self.bytes, &mut at, 6, "header", offset)?;
        if magic != b"070701" && magic != b"070702" {
            let found = String::from_utf8_lossy(magic).into_owned();
            return Err(Error::Magic { offset, found });
        }
        let mut field = |name| {
            let digits = take(self.bytes, &mut at, 8, "header", offset)?;
            number(digits).ok_or(Error::Number {
                offset,
                field: name,
            })
        };
        let inode = field("ino")?;
        let mode = field("mode")?;
        let uid = field("uid")?;
        let gid = field("gid")?;
        let links = field("nlink")?;
        let mtime = field("mtime")?;
        let size = field("filesize")?;
        let device = (field("devmajor")?, field("devminor")?);
        let node = (field("rdevmajor")?, field("rdevminor")?);
        let name_size = field("namesize")? as usize;
        let expected = field("check")?;

        if name_size == 0 || name_size > NAME_MAX {
            return Err(Error::Name {
                offset,
                length: name_size,
            });
        }
        let name = take(self.bytes, &mut at, name_size, "name", offset)?;
        // A name may be padded with more than one NUL.
        let end = name.iter().position(|byte| *byte == 0);
        let name = end.and_then(|end| name.get(..end));
        let name = name.ok_or(Error::Name {
            offset,
            length: name_size,
        })?;
        at = skip_padding(self.bytes, at, offset);
        let data = take(self.bytes, &mut at, size as usize, "data", offset)?;
        at = skip_padding(self.bytes, at, offset);

        if magic == b"070702" {
            let found = data
                .iter()
                .fold(0u32, |sum, byte| sum.wrapping_add(u32::from(*byte)));
            if found != expected {
                let name = String::from_utf8_lossy(name).into_owned();
                return Err(Error::Checksum {
                    name,
                    offset,
                    expected,
                    found,
                });
            }
        }
        self.position = at;
        Ok(Entry {
            offset,
            name,
            mode,
            uid,
            gid,
            links,
            mtime,
            inode,
            device,
            node,
            data,
        })
    }
}

impl<'a> Iterator for Reader<'a> {
    type Item = Result<Entry<'a>, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed {
            return None;
        }
        let entry = self.entry();
        self.failed = entry.is_err();
        entry.transpose()
    }
}

fn take<'a>(
    bytes: &'a [u8],
    at: &mut usize,
    length: usize,
    what: &'static str,
    offset: usize,
) -> Result<&'a [u8], Error> {
    let end = at.checked_add(length);
    let slice = end.and_then(|end| bytes.get(*at..end));
    let slice = slice.ok_or(Error::Truncated { what, offset })?;
    *at += length;
    Ok(slice)
}

/// Padding counts from the entry's header; at the very end it may be missing.
fn skip_padding(bytes: &[u8], at: usize, offset: usize) -> usize {
    (at + padding(at - offset)).min(bytes.len())
}

fn number(digits: &[u8]) -> Option<u32> {
    digits.iter().try_fold(0u32, |value, digit| {
        let digit = char::from(*digit).to_digit(16)?;
        Some(value << 4 | digit)
    })
}
