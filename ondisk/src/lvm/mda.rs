// SPDX-License-Identifier: MIT OR Apache-2.0
//! The header of a metadata area: where in the ring the text stands.

use super::label::Cursor;
use crate::checksum::lvm2;

/// Bytes of the header; the ring begins after them.
pub(super) const HEADER: u64 = 512;
const MAGIC: &[u8; 16] = b" LVM2 x[5A%r0N*>";
const VERSION: u32 = 1;
const FLAG_IGNORED: u32 = 1;

/// A text's place in the ring (`raw_locn`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RawLocation {
    /// First byte, from the start of the metadata area; 0 where there is no text.
    pub offset: u64,
    /// Bytes, the trailing NUL included; the text may wrap.
    pub size: u64,
    /// Checksum of the text.
    pub crc: u32,
    /// Bit 0: the area is ignored, its text is kept elsewhere.
    pub flags: u32,
}

impl RawLocation {
    /// Whether the area is to be left out: it holds no text because others do.
    pub fn is_ignored(&self) -> bool {
        self.flags & FLAG_IGNORED != 0
    }

    /// Whether there is no text.
    pub fn is_empty(&self) -> bool {
        self.offset == 0 || self.size == 0
    }
}

/// A decoded `mda_header`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MdaHeader {
    /// First byte of the area, from the start of the device.
    pub start: u64,
    /// Bytes of the area, this header included.
    pub size: u64,
    /// Slot 0: the text in force.
    pub committed: RawLocation,
    /// Slot 1: the text that is about to be in force.
    pub precommitted: RawLocation,
}

/// What is wrong with a metadata area. Offsets are bytes from the start of the device.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MdaError {
    /// Fewer than 512 bytes.
    #[error("metadata area at byte {start}: its header is cut short")]
    Short {
        /// Start of the area.
        start: u64,
    },
    /// The header's checksum does not match.
    #[error(
        "metadata area at byte {start}: header checksum is {found:08x}, its contents give {computed:08x}"
    )]
    HeaderCrc {
        /// Start of the area.
        start: u64,
        /// The value that stands there.
        found: u32,
        /// The value computed.
        computed: u32,
    },
    /// Magic, version or the header's own place is wrong.
    #[error("metadata area at byte {start}: {what}")]
    Header {
        /// Start of the area.
        start: u64,
        /// What is wrong.
        what: &'static str,
    },
    /// The text cannot stand where the header says.
    #[error(
        "metadata area at byte {start}: text of {size} bytes at offset {offset} does not fit into the ring of an area of {area} bytes"
    )]
    Location {
        /// Start of the area.
        start: u64,
        /// Offset in the area.
        offset: u64,
        /// Bytes of text.
        size: u64,
        /// Bytes of the area.
        area: u64,
    },
    /// The text's checksum does not match.
    #[error(
        "metadata area at byte {start}: text checksum is {found:08x}, the text gives {computed:08x}"
    )]
    TextCrc {
        /// Start of the area.
        start: u64,
        /// The value in the header.
        found: u32,
        /// The value computed.
        computed: u32,
    },
    /// The text is whole, and is no volume group.
    #[error("metadata area at byte {start}: {source}")]
    Decode {
        /// Start of the area.
        start: u64,
        /// What is wrong with the text.
        source: super::decode::DecodeError,
    },
}

impl MdaHeader {
    /// Decodes and checks a header that was read at byte `start` of the device.
    pub fn decode(bytes: &[u8], start: u64) -> Result<Self, MdaError> {
        let short = MdaError::Short { start };
        let bytes = bytes.get(..HEADER as usize).ok_or_else(|| short.clone())?;
        let wrong = |what| MdaError::Header { start, what };
        let mut r = Cursor { bytes, at: 0 };
        let found = r.u32().ok_or_else(|| short.clone())?;
        let computed = lvm2(bytes.get(4..).ok_or_else(|| short.clone())?);
        if found != computed {
            return Err(MdaError::HeaderCrc {
                start,
                found,
                computed,
            });
        }
        if r.take(16) != Some(MAGIC) {
            return Err(wrong("the magic is not LVM2's"));
        }
        if r.u32() != Some(VERSION) {
            return Err(wrong("the version is not 1"));
        }
        if r.u64() != Some(start) {
            return Err(wrong("the header names another place as its own"));
        }
        let size = r.u64().ok_or_else(|| short.clone())?;
        if size <= HEADER || start.checked_add(size).is_none() {
            return Err(wrong("the area's size is impossible"));
        }
        let committed = slot(&mut r).ok_or_else(|| short.clone())?;
        // The list ends at the first slot with offset 0.
        let precommitted = if committed.offset == 0 {
            RawLocation::default()
        } else {
            slot(&mut r).ok_or(short)?
        };
        Ok(Self {
            start,
            size,
            committed,
            precommitted,
        })
    }

    /// The header's 512 bytes, checksum included.
    pub fn encode(&self) -> [u8; 512] {
        let mut body = Vec::with_capacity(512);
        body.extend_from_slice(MAGIC);
        body.extend_from_slice(&VERSION.to_le_bytes());
        body.extend_from_slice(&self.start.to_le_bytes());
        body.extend_from_slice(&self.size.to_le_bytes());
        for slot in [&self.committed, &self.precommitted] {
            body.extend_from_slice(&slot.offset.to_le_bytes());
            body.extend_from_slice(&slot.size.to_le_bytes());
            body.extend_from_slice(&slot.crc.to_le_bytes());
            body.extend_from_slice(&slot.flags.to_le_bytes());
        }
        body.resize(508, 0);
        let mut out = [0u8; 512];
        let sum = lvm2(&body).to_le_bytes();
        for (to, from) in out.iter_mut().zip(sum.iter().chain(&body)) {
            *to = *from;
        }
        out
    }
}

fn slot(r: &mut Cursor<'_>) -> Option<RawLocation> {
    Some(RawLocation {
        offset: r.u64()?,
        size: r.u64()?,
        crc: r.u32()?,
        flags: r.u32()?,
    })
}
