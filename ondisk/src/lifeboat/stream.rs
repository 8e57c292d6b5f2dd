// SPDX-License-Identifier: MIT OR Apache-2.0
//! Reproducible random values: all of a plan's, from the seed in its record.

use crate::sha256::Sha256;

/// An endless stream of bytes: block n is SHA-256 of the seed and of n, 8 bytes
/// little-endian. Not for secrets: the record is readable on the disk.
#[derive(Clone)]
pub struct Stream {
    seed: [u8; 32],
    counter: u64,
    block: [u8; 32],
    /// Bytes of `block` that were given out.
    used: usize,
}

impl Stream {
    /// The stream of this seed, from its first byte.
    #[must_use]
    pub fn new(seed: [u8; 32]) -> Stream {
        Stream {
            seed,
            counter: 0,
            block: [0; 32],
            used: 32,
        }
    }

    /// The next bytes of the stream, as many as the buffer has. The pieces in
    /// which it is read make no difference.
    pub fn fill(&mut self, buffer: &mut [u8]) {
        for to in buffer {
            if self.used >= self.block.len() {
                let mut hash = Sha256::new();
                hash.update(&self.seed);
                hash.update(&self.counter.to_le_bytes());
                self.block = hash.finish().0;
                self.counter = self.counter.wrapping_add(1);
                self.used = 0;
            }
            *to = self.block.get(self.used).copied().unwrap_or_default();
            self.used = self.used.saturating_add(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Against bytes that a few lines of Python made.
    #[test]
    fn the_bytes_are_those_of_the_definition() {
        let golden = include_bytes!("../../tests/fixtures/lifeboat/stream.bin");
        let mut bytes = [0; 128];
        Stream::new(std::array::from_fn(|n| n as u8)).fill(&mut bytes);
        assert_eq!(bytes, *golden);
    }

    #[test]
    fn pieces_make_no_difference() {
        let whole = |length| {
            let mut bytes = vec![0; length];
            Stream::new([7; 32]).fill(&mut bytes);
            bytes
        };
        let expected = whole(200);
        for piece in [1, 3, 16, 31, 32, 33, 100] {
            let (mut stream, mut bytes) = (Stream::new([7; 32]), vec![0; 200]);
            bytes.chunks_mut(piece).for_each(|part| stream.fill(part));
            assert_eq!(bytes, expected, "{piece}");
        }
        assert_ne!(expected[..32], expected[32..64]);
    }
}
