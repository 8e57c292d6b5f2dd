// SPDX-License-Identifier: MIT OR Apache-2.0
//! Taking bytes from the input: blocks, runs of data, padding.
use super::{BLOCK, Extent};

/// Where the next byte of data goes.
pub(super) struct Cursor {
    /// Extents still to come, the last one first.
    rest: Vec<Extent>,
    pub(super) current: Extent,
    pub(super) padding: u64,
}

impl Cursor {
    /// A file of `size` bytes without holes.
    pub(super) fn whole(size: u64) -> Cursor {
        let whole = Extent {
            offset: 0,
            length: size,
        };
        Cursor::new(vec![whole], size)
    }

    /// The data of `map`, `stored` bytes in all.
    pub(super) fn new(mut map: Vec<Extent>, stored: u64) -> Cursor {
        map.reverse();
        Cursor {
            rest: map,
            current: Extent {
                offset: 0,
                length: 0,
            },
            padding: padding(stored),
        }
    }

    /// The next run of data in `input`: its offset in the file, and its bytes.
    pub(super) fn data<'a>(
        &mut self,
        input: &mut &'a [u8],
        at: &mut u64,
    ) -> Option<(u64, &'a [u8])> {
        while self.current.length == 0 {
            self.current = self.rest.pop()?;
        }
        let offset = self.current.offset;
        let bytes = take(input, &mut self.current.length, at);
        self.current.offset = offset.saturating_add(bytes.len() as u64);
        (!bytes.is_empty()).then_some((offset, bytes))
    }
}

/// A block that is being filled.
pub(super) struct Block {
    bytes: [u8; BLOCK],
    filled: usize,
}

impl Default for Block {
    fn default() -> Block {
        Block {
            bytes: [0; BLOCK],
            filled: 0,
        }
    }
}

impl Block {
    /// Bytes of the block that have come.
    pub(super) fn filled(&self) -> u64 {
        self.filled as u64
    }

    /// The whole block, once enough input has come.
    pub(super) fn fill(&mut self, input: &mut &[u8], at: &mut u64) -> Option<[u8; BLOCK]> {
        let room = self.bytes.get_mut(self.filled..).unwrap_or_default();
        let bytes = take(input, &mut (room.len() as u64), at);
        for (to, from) in room.iter_mut().zip(bytes) {
            *to = *from;
        }
        self.filled += bytes.len();
        if self.filled < BLOCK {
            return None;
        }
        self.filled = 0;
        Some(self.bytes)
    }
}

/// Takes up to `left` bytes from the front of `input`.
pub(super) fn take<'a>(input: &mut &'a [u8], left: &mut u64, at: &mut u64) -> &'a [u8] {
    let length = usize::try_from(*left)
        .unwrap_or(usize::MAX)
        .min(input.len());
    let (bytes, rest) = input.split_at_checked(length).unwrap_or((input, &[]));
    *input = rest;
    *left = left.saturating_sub(length as u64);
    *at = at.saturating_add(length as u64);
    bytes
}

/// Bytes from `size` to the next whole block.
pub(super) fn padding(size: u64) -> u64 {
    let over = size % BLOCK as u64;
    if over == 0 { 0 } else { BLOCK as u64 - over }
}
