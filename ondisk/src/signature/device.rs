// SPDX-License-Identifier: MIT OR Apache-2.0
//! The parts of a device that were read.

use std::ops::Range;

/// From where a region's offset counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Anchor {
    /// The first byte of the device.
    Start,
    /// One past the last byte; offsets go backwards.
    End,
}

/// A part of every device where signatures may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Region {
    /// Where `offset` counts from.
    pub anchor: Anchor,
    /// Distance of the region's first byte in bytes.
    pub offset: u64,
    /// Length in bytes.
    pub length: u64,
}

const fn start(offset: u64, length: u64) -> Region {
    Region {
        anchor: Anchor::Start,
        offset,
        length,
    }
}

/// What must be read of a device, 2 MiB and some pages: both ends; the places
/// of LUKS2's second header, and of the copies of a btrfs superblock.
pub const REGIONS: [Region; 7] = [
    start(0, 1 << 20),
    start(1 << 20, 4096),
    start(2 << 20, 4096),
    start(4 << 20, 4096),
    start(64 << 20, 4096),
    start(256 << 30, 4096),
    Region {
        anchor: Anchor::End,
        offset: 1 << 20,
        length: 1 << 20,
    },
];

/// The ranges of bytes that [`REGIONS`] are on a device of `size` bytes: cut at
/// its ends, sorted, apart from each other.
#[must_use]
pub fn regions(size: u64) -> Vec<Range<u64>> {
    let mut ranges: Vec<Range<u64>> = REGIONS
        .iter()
        .map(|region| {
            let start = match region.anchor {
                Anchor::Start => region.offset.min(size),
                Anchor::End => size.saturating_sub(region.offset),
            };
            start..start.saturating_add(region.length).min(size)
        })
        .filter(|range| !range.is_empty())
        .collect();
    ranges.sort_unstable_by_key(|range| range.start);
    let mut merged: Vec<Range<u64>> = Vec::new();
    for range in ranges {
        match merged.last_mut() {
            Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
            _ => merged.push(range),
        }
    }
    merged
}

/// A device of which some regions were read.
#[derive(Debug, Clone)]
pub struct Device<'a> {
    size: u64,
    pieces: Vec<(u64, &'a [u8])>,
}

impl<'a> Device<'a> {
    /// A device of `size` bytes; `pieces` are byte offsets and what was read
    /// there.
    #[must_use]
    pub fn new(size: u64, pieces: impl IntoIterator<Item = (u64, &'a [u8])>) -> Self {
        Self {
            size,
            pieces: pieces.into_iter().collect(),
        }
    }

    /// Size in bytes.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// `length` bytes from `offset` on, if they were read.
    pub(super) fn bytes(&self, offset: u64, length: usize) -> Option<&'a [u8]> {
        self.pieces.iter().find_map(|&(start, piece)| {
            let from = usize::try_from(offset.checked_sub(start)?).ok()?;
            piece.get(from..from.checked_add(length)?)
        })
    }

    /// Whether these bytes are at `offset`.
    pub(super) fn has(&self, offset: u64, magic: &[u8]) -> bool {
        self.bytes(offset, magic.len()) == Some(magic)
    }

    /// The byte at `offset`.
    pub(super) fn byte(&self, offset: u64) -> Option<u8> {
        self.bytes(offset, 1)?.first().copied()
    }

    /// The bytes at `offset`, as many as the caller's array has.
    pub(super) fn array<const N: usize>(&self, offset: u64) -> Option<[u8; N]> {
        self.bytes(offset, N)?.try_into().ok()
    }

    /// The little-endian number at `offset`.
    pub(super) fn u16(&self, offset: u64) -> Option<u16> {
        self.array(offset).map(u16::from_le_bytes)
    }

    /// The little-endian number at `offset`.
    pub(super) fn u32(&self, offset: u64) -> Option<u32> {
        self.array(offset).map(u32::from_le_bytes)
    }

    /// The little-endian number at `offset`.
    pub(super) fn u64(&self, offset: u64) -> Option<u64> {
        self.array(offset).map(u64::from_le_bytes)
    }
}
