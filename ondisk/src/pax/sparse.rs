// SPDX-License-Identifier: MIT OR Apache-2.0
//! Maps of sparse files: formats 0.0 and 0.1 in records, 1.0 in front of the
//! data, old GNU in header blocks. The GNU tar manual, "Storing Sparse Files".
use super::number::decimal;
use super::{BLOCK, Extent, MAX_EXTENTS};

/// What the `GNU.sparse.*` records of a member say.
#[derive(Debug, Clone, Default)]
pub(super) struct Records {
    major: Option<u64>,
    minor: Option<u64>,
    /// The member's own name; `path` then holds a made-up one.
    pub name: Option<Vec<u8>>,
    size: Option<u64>,
    map: Vec<Extent>,
    offset: Option<u64>,
    mapped: bool,
}

/// How a member is stored.
pub(super) enum Layout {
    /// Without holes.
    Whole,
    /// The map is known; the file's full size.
    Map(Vec<Extent>, u64),
    /// The map comes in front of the data; the file's full size.
    Ahead(u64),
}

impl Records {
    /// Takes one record, its keyword without `GNU.sparse.`; the error is the
    /// keyword whose value is no number.
    pub(super) fn set(&mut self, keyword: &[u8], value: &[u8]) -> Result<(), &'static str> {
        match keyword {
            b"major" => self.major = Some(decimal(value).ok_or("GNU.sparse.major")?),
            b"minor" => self.minor = Some(decimal(value).ok_or("GNU.sparse.minor")?),
            b"name" => self.name = (!value.is_empty()).then(|| value.to_vec()),
            b"size" | b"realsize" => {
                self.size = Some(decimal(value).ok_or("GNU.sparse.size")?);
            }
            b"numblocks" => self.mapped = true,
            b"offset" => self.offset = Some(decimal(value).ok_or("GNU.sparse.offset")?),
            b"numbytes" => {
                let length = decimal(value).ok_or("GNU.sparse.numbytes")?;
                let offset = self.offset.take().ok_or("GNU.sparse.numbytes")?;
                self.map.push(Extent { offset, length });
                self.mapped = true;
            }
            b"map" => {
                self.map.clear();
                self.mapped = true;
                let mut numbers = value.split(|byte| *byte == b',').map(decimal);
                while let Some(offset) = numbers.next() {
                    let (Some(offset), Some(Some(length))) = (offset, numbers.next()) else {
                        return Err("GNU.sparse.map");
                    };
                    self.map.push(Extent { offset, length });
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// How the member that these records belong to is stored.
    pub(super) fn layout(&self) -> Result<Layout, &'static str> {
        let size = self.size.ok_or("the file's size is missing");
        match (self.major, self.minor) {
            (Some(1), Some(0) | None) => Ok(Layout::Ahead(size?)),
            (None | Some(0), _) if self.mapped => Ok(Layout::Map(self.map.clone(), size?)),
            (None, None) if self.size.is_none() => Ok(Layout::Whole),
            (None | Some(0), _) => Err("the map is missing"),
            _ => Err("its format is newer than 1.0"),
        }
    }
}

/// Reads a map of format 1.0 from the blocks in front of a member's data:
/// decimal numbers, each ended by a newline; first how many extents, then
/// offset and length of each; padded to a whole block.
#[derive(Debug, Default)]
pub(super) struct MapReader {
    digits: Vec<u8>,
    count: Option<u64>,
    offset: Option<u64>,
    map: Vec<Extent>,
}

impl MapReader {
    /// Takes one block; the map, when it is complete.
    pub(super) fn block(
        &mut self,
        block: &[u8; BLOCK],
    ) -> Result<Option<Vec<Extent>>, &'static str> {
        for &byte in block {
            if byte != b'\n' {
                if self.digits.len() >= 20 {
                    return Err("a number is too long");
                }
                self.digits.push(byte);
                continue;
            }
            let number = decimal(&self.digits).ok_or("it holds something else than numbers")?;
            self.digits.clear();
            match (self.count, self.offset.take()) {
                (None, _) if number > MAX_EXTENTS => return Err("it has too many extents"),
                (None, _) => self.count = Some(number),
                (Some(_), None) => self.offset = Some(number),
                (Some(_), Some(offset)) => self.map.push(Extent {
                    offset,
                    length: number,
                }),
            }
            if self.count == Some(self.map.len() as u64) {
                return Ok(Some(std::mem::take(&mut self.map)));
            }
        }
        Ok(None)
    }
}

/// The map without its empty extents, if it is in order, lies within a file
/// of `size` bytes, and places exactly `stored` bytes.
pub(super) fn checked(map: &[Extent], size: u64, stored: u64) -> Result<Vec<Extent>, &'static str> {
    let (mut end, mut sum) = (0u64, 0u64);
    for extent in map {
        if extent.offset < end {
            return Err("its extents overlap or are out of order");
        }
        end = extent
            .offset
            .checked_add(extent.length)
            .filter(|end| *end <= size)
            .ok_or("an extent lies beyond the end of the file")?;
        sum = sum
            .checked_add(extent.length)
            .ok_or("it is longer than any file")?;
    }
    if sum != stored {
        return Err("it does not match the bytes stored");
    }
    Ok(map
        .iter()
        .copied()
        .filter(|extent| extent.length > 0)
        .collect())
}
