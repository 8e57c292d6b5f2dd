// SPDX-License-Identifier: MIT OR Apache-2.0
//! The 512-byte header: its layout is the tar crate's, the numbers are ours,
//! for times may be negative.
use super::number;
use super::{BLOCK, Error, Extent, Name};
use tar::{GnuExtSparseHeader, GnuSparseHeader, Header};

/// A header block with its position in the archive.
pub(super) struct Raw<'a> {
    header: &'a Header,
    at: u64,
}

/// One block of a sparse file's map: the extents, and whether another block
/// follows.
pub(super) type MapBlock = (Vec<Extent>, bool);

impl<'a> Raw<'a> {
    /// Checks the checksum. `at` is the block's byte offset in the archive.
    pub(super) fn new(block: &'a [u8; BLOCK], at: u64) -> Result<Raw<'a>, Error> {
        let header = Header::from_byte_slice(block);
        let stored = number::field(&header.as_old().cksum).ok_or(Error::Checksum { at })?;
        // The checksum's own field counts as blanks. Old tars summed signed
        // bytes, and GNU tar takes both.
        let (mut unsigned, mut signed) = (0i64, 0i64);
        for (i, &byte) in block.iter().enumerate() {
            let byte = if (148..156).contains(&i) { b' ' } else { byte };
            unsigned += i64::from(byte);
            signed += i64::from(byte.cast_signed());
        }
        if stored != unsigned && stored != signed {
            return Err(Error::Checksum { at });
        }
        Ok(Raw { header, at })
    }

    /// The type's letter.
    pub(super) fn flag(&self) -> u8 {
        self.header.as_old().linkflag[0]
    }

    /// The name, with the prefix of the POSIX layout.
    pub(super) fn name(&self) -> Vec<u8> {
        let name = until_nul(&self.header.as_old().name);
        match self.header.as_ustar() {
            Some(posix) if posix.prefix[0] != 0 => [until_nul(&posix.prefix), b"/", name].concat(),
            _ => name.to_vec(),
        }
    }

    pub(super) fn link_name(&self) -> &[u8] {
        until_nul(&self.header.as_old().linkname)
    }

    /// Bytes of data that follow in the archive.
    pub(super) fn size(&self) -> Result<u64, Error> {
        self.unsigned("size", &self.header.as_old().size)
    }

    pub(super) fn mode(&self) -> Result<u32, Error> {
        // Old archives have the file type in the upper bits.
        self.unsigned("mode", &self.header.as_old().mode)
            .map(|mode| (mode & 0o7777) as u32)
    }

    pub(super) fn uid(&self) -> Result<u64, Error> {
        self.unsigned("uid", &self.header.as_old().uid)
    }

    pub(super) fn gid(&self) -> Result<u64, Error> {
        self.unsigned("gid", &self.header.as_old().gid)
    }

    /// Seconds since 1970.
    pub(super) fn mtime(&self) -> Result<i64, Error> {
        self.number("mtime", &self.header.as_old().mtime)
    }

    /// Major and minor number.
    pub(super) fn device(&self) -> Result<(u32, u32), Error> {
        let (major, minor) = if let Some(gnu) = self.header.as_gnu() {
            (&gnu.dev_major, &gnu.dev_minor)
        } else if let Some(posix) = self.header.as_ustar() {
            (&posix.dev_major, &posix.dev_minor)
        } else {
            return Ok((0, 0));
        };
        let major_number = self.unsigned("device major", major)?;
        let minor_number = self.unsigned("device minor", minor)?;
        Ok((
            u32::try_from(major_number).map_err(|_| self.bad("device major", major))?,
            u32::try_from(minor_number).map_err(|_| self.bad("device minor", minor))?,
        ))
    }

    /// The first part of an old GNU sparse map, and the file's full size.
    pub(super) fn sparse(&self) -> Result<(MapBlock, u64), Error> {
        let Some(gnu) = self.header.as_gnu() else {
            return Err(Error::Sparse {
                at: self.at,
                name: Name::new(&self.name()),
                reason: "the header is not GNU tar's",
            });
        };
        let size = self.unsigned("real size", &gnu.realsize)?;
        let map = self.extents(&gnu.sparse, gnu.is_extended())?;
        Ok((map, size))
    }

    fn extents(&self, slots: &[GnuSparseHeader], more: bool) -> Result<MapBlock, Error> {
        let mut map = Vec::new();
        for slot in slots {
            if slot.numbytes[0] == 0 {
                return Ok((map, false));
            }
            map.push(Extent {
                offset: self.unsigned("sparse offset", &slot.offset)?,
                length: self.unsigned("sparse length", &slot.numbytes)?,
            });
        }
        Ok((map, more))
    }

    fn unsigned(&self, field: &'static str, bytes: &[u8]) -> Result<u64, Error> {
        u64::try_from(self.number(field, bytes)?).map_err(|_| self.bad(field, bytes))
    }

    fn number(&self, field: &'static str, bytes: &[u8]) -> Result<i64, Error> {
        number::field(bytes).ok_or_else(|| self.bad(field, bytes))
    }

    fn bad(&self, field: &'static str, bytes: &[u8]) -> Error {
        Error::Number {
            at: self.at,
            name: Name::new(&self.name()),
            field,
            text: Name::new(bytes),
        }
    }
}

/// A block that goes on with an old GNU sparse map. `at` is the byte offset
/// of the member's header, `name` its name, for errors.
pub(super) fn extension(block: &[u8; BLOCK], at: u64, name: &[u8]) -> Result<MapBlock, Error> {
    // The crate has no view of foreign bytes as an extension block, only one
    // of its own.
    let mut view = GnuExtSparseHeader::new();
    view.as_mut_bytes().copy_from_slice(block);
    let mut map = Vec::new();
    for slot in view.sparse() {
        if slot.numbytes[0] == 0 {
            return Ok((map, false));
        }
        let number = |bytes: &[u8]| {
            number::field(bytes)
                .and_then(|value| u64::try_from(value).ok())
                .ok_or_else(|| Error::Sparse {
                    at,
                    name: Name::new(name),
                    reason: "an extension block holds something else than numbers",
                })
        };
        map.push(Extent {
            offset: number(&slot.offset)?,
            length: number(&slot.numbytes)?,
        });
    }
    Ok((map, view.is_extended()))
}

fn until_nul(bytes: &[u8]) -> &[u8] {
    bytes.split(|byte| *byte == 0).next().unwrap_or(bytes)
}
