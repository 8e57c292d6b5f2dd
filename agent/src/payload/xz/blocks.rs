// SPDX-License-Identifier: MIT OR Apache-2.0
//! Which block lies where. The decoder reads far ahead of what it has
//! decoded, so its position says little about where damage is; the blocks
//! whose headers have their sizes do.
use super::header;
use std::collections::VecDeque;

/// Watches the compressed bytes of one stream pass.
#[derive(Debug)]
pub(super) struct Blocks {
    state: State,
    /// Bytes seen.
    at: u64,
    /// Bytes of the check behind each block.
    check: u64,
    /// Where the output of the next block begins.
    output: u64,
    /// Blocks that are not yet decoded, and the last one that is.
    known: VecDeque<Block>,
}

#[derive(Debug)]
enum State {
    Skip(u64),
    Header(Vec<u8>),
    /// A block without sizes, the index or nonsense: nothing more to know.
    Lost,
}

#[derive(Debug, Clone, Copy)]
struct Block {
    /// In compressed bytes of the stream.
    start: u64,
    end: u64,
    /// In decoded bytes of the stream.
    output_start: u64,
    output_end: u64,
}

impl Blocks {
    /// At the beginning of a stream whose blocks have checks of `check` bytes.
    pub(super) fn new(check: u64) -> Blocks {
        Blocks {
            state: State::Skip(header::SIZE as u64),
            at: 0,
            check,
            output: 0,
            known: VecDeque::new(),
        }
    }

    /// Bytes that the decoder took; it has decoded `output` bytes in all.
    pub(super) fn pass(&mut self, mut bytes: &[u8], output: u64) {
        while self
            .known
            .get(1)
            .is_some_and(|next| next.output_start < output)
        {
            self.known.pop_front();
        }
        while !bytes.is_empty() {
            match &mut self.state {
                State::Skip(left) => {
                    let length = usize::try_from(*left)
                        .unwrap_or(usize::MAX)
                        .min(bytes.len());
                    bytes = bytes.get(length..).unwrap_or_default();
                    self.at = self.at.saturating_add(length as u64);
                    *left = left.saturating_sub(length as u64);
                    if *left == 0 {
                        self.state = State::Header(Vec::new());
                    }
                }
                State::Header(head) => {
                    // The first byte says how long the header is; 0 is the index.
                    let size = head
                        .first()
                        .or(bytes.first())
                        .map_or(0, |byte| usize::from(*byte));
                    let want = size.saturating_add(1).saturating_mul(4);
                    let take = want.saturating_sub(head.len()).min(bytes.len());
                    let (now, rest) = bytes.split_at_checked(take).unwrap_or((bytes, &[]));
                    head.extend_from_slice(now);
                    bytes = rest;
                    self.at = self.at.saturating_add(take as u64);
                    if size == 0 {
                        self.state = State::Lost;
                    } else if head.len() == want {
                        let head = std::mem::take(head);
                        self.state = self.block(&head).map_or(State::Lost, State::Skip);
                    }
                }
                State::Lost => {
                    self.at = self.at.saturating_add(bytes.len() as u64);
                    return;
                }
            }
        }
    }

    /// Where in the stream the damage is, if it was found after `output`
    /// decoded bytes: the part from the block of the last good byte to the
    /// end of the one that was to give the next. A block whose check is wrong
    /// may have given all its bytes, so at a border both count.
    pub(super) fn damaged(&self, output: u64) -> (u64, u64) {
        let touching = |block: &&Block| block.output_start <= output && output <= block.output_end;
        let mut blocks = self.known.iter().filter(touching);
        let first = blocks.next();
        let last = blocks.next_back().or(first);
        let from = first.map_or(0, |block| block.start);
        let to = match last {
            Some(last) if output < last.output_end => last.end,
            _ => self.at,
        };
        (from, to)
    }

    /// Notes the block with this header; how many bytes follow it.
    fn block(&mut self, head: &[u8]) -> Option<u64> {
        let (flags, sizes) = match head {
            [_, flags, sizes @ ..] => (*flags, sizes),
            _ => return None,
        };
        if flags & 0xc0 != 0xc0 {
            return None;
        }
        let (compressed, rest) = integer(sizes)?;
        let (decoded, _) = integer(rest)?;
        let body = compressed
            .checked_next_multiple_of(4)?
            .checked_add(self.check)?;
        let block = Block {
            start: self.at.checked_sub(head.len() as u64)?,
            end: self.at.checked_add(body)?,
            output_start: self.output,
            output_end: self.output.checked_add(decoded)?,
        };
        self.output = block.output_end;
        // Empty blocks give nothing, so they would never be forgotten.
        if decoded > 0 {
            self.known.push_back(block);
        }
        Some(body)
    }
}

/// A number of seven bits a byte, lowest first (format, section 1.2).
fn integer(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let mut value = 0u64;
    for (i, &byte) in bytes.iter().take(9).enumerate() {
        value |= u64::from(byte & 0x7f) << (7 * i);
        if byte & 0x80 == 0 {
            return Some((value, bytes.get(i.saturating_add(1)..)?));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use testkit::Random;

    /// A stream's header and two blocks: 12 bytes of header, body, 8 of check.
    fn stream() -> Vec<u8> {
        let mut bytes = vec![0; 12];
        for (compressed, decoded) in [(10u8, 100u8), (20, 50)] {
            bytes.extend([2, 0xc0, compressed, decoded]);
            bytes.extend([0; 8]);
            bytes.extend(vec![9; usize::from(compressed).next_multiple_of(4) + 8]);
        }
        bytes.extend([0; 20]);
        bytes
    }

    #[test]
    fn damage_is_within_its_block() {
        // Block 1 is bytes 12 to 44, block 2 is 44 to 84; the index follows.
        for piece in [1, 3, 200] {
            let mut blocks = Blocks::new(8);
            for bytes in stream().chunks(piece) {
                blocks.pass(bytes, 0);
            }
            assert_eq!(blocks.damaged(0), (12, 44));
            assert_eq!(blocks.damaged(99), (12, 44));
            assert_eq!(blocks.damaged(100), (12, 84));
            assert_eq!(blocks.damaged(101), (44, 84));
            assert_eq!(blocks.damaged(150), (44, 104));
            blocks.pass(&[], 120);
            assert_eq!(blocks.known.len(), 1);
            assert_eq!(blocks.damaged(120), (44, 84));
        }
    }

    #[test]
    fn a_block_without_sizes_is_not_guessed() {
        let mut blocks = Blocks::new(8);
        blocks.pass(&[0; 12], 0);
        blocks.pass(&[2, 0, 0x21, 1, 0x16, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3], 0);
        assert_eq!(blocks.damaged(5), (0, 27));
    }

    #[test]
    fn empty_blocks_take_no_memory() {
        let mut blocks = Blocks::new(4);
        blocks.pass(&[0; 12], 0);
        for _ in 0..10_000 {
            blocks.pass(&[2, 0xc0, 1, 0, 0x21, 1, 0x16, 0, 0, 0, 0, 0], 0);
            blocks.pass(&[0; 8], 0);
        }
        assert!(blocks.known.is_empty());
        assert_eq!(blocks.damaged(0), (0, 12 + 10_000 * 20));
    }

    #[test]
    fn any_bytes_are_taken() {
        let mut random = Random(1);
        for _ in 0..2_000 {
            let mut blocks = Blocks::new(8);
            let mut bytes = stream();
            for _ in 0..4 {
                let at = random.below(bytes.len());
                // Sizes of up to 2^63 are likely.
                bytes[at] = [0xff, 0xc0, 0, random.next() as u8][random.below(4)];
            }
            for piece in bytes.chunks(1 + random.below(40)) {
                blocks.pass(piece, random.below(200));
                let (from, to) = blocks.damaged(random.next());
                assert!(from <= to.max(blocks.at), "{blocks:?}");
            }
            assert_eq!(blocks.at, bytes.len() as u64);
        }
    }

    #[test]
    fn numbers_of_seven_bits() {
        assert_eq!(integer(&[0x7f, 9]), Some((127, &[9][..])));
        assert_eq!(integer(&[0x80, 1]), Some((128, &[][..])));
        assert_eq!(integer(&[0xff; 9]), None);
        assert_eq!(integer(&[]), None);
    }
}
