// SPDX-License-Identifier: MIT OR Apache-2.0
//! Checksums of a content's chunks, computed while it is read.

use ondisk::lifeboat::record::Chunks;
use ondisk::sha256::{Sha256, Sha256Sum};
use std::io::{self, Read};

/// A reader that computes the checksum of each chunk of what it passes on.
pub(super) struct Summed<R> {
    inner: R,
    /// Bytes of a chunk.
    chunk: u64,
    /// Bytes that are missing to complete the current chunk.
    left: u64,
    hash: Sha256,
    sums: Vec<Sha256Sum>,
}

impl<R: Read> Summed<R> {
    /// A reader with chunks of `chunk` bytes, at least one.
    pub(super) fn new(inner: R, chunk: u64) -> Summed<R> {
        let chunk = chunk.max(1);
        Summed {
            inner,
            chunk,
            left: chunk,
            hash: Sha256::new(),
            sums: Vec::new(),
        }
    }

    fn end_chunk(&mut self) {
        self.sums.push(std::mem::take(&mut self.hash).finish());
        self.left = self.chunk;
    }

    /// The checksums of all that was read.
    pub(super) fn finish(mut self) -> Chunks {
        if self.left < self.chunk {
            self.end_chunk();
        }
        Chunks {
            bytes: self.chunk,
            sums: self.sums,
        }
    }
}

impl<R: Read> Read for Summed<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = usize::try_from(self.left).map_or(buffer.len(), |left| left.min(buffer.len()));
        let buffer = buffer.get_mut(..most).unwrap_or_default();
        let read = self.inner.read(buffer)?;
        self.hash.update(buffer.get(..read).unwrap_or_default());
        self.left = self.left.saturating_sub(read as u64);
        if self.left == 0 {
            self.end_chunk();
        }
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_chunk_has_its_own() {
        let bytes: Vec<u8> = (0..2500u32).map(|n| (n % 251) as u8).collect();
        for length in [0, 1, 999, 1000, 1001, 2000, 2500] {
            let bytes = &bytes[..length];
            for piece in [1, 7, 4096] {
                let mut reader = Summed::new(bytes, 1000);
                let (mut buffer, mut passed) = (vec![0; piece], Vec::new());
                loop {
                    match reader.read(&mut buffer).unwrap() {
                        0 => break,
                        read => passed.extend_from_slice(&buffer[..read]),
                    }
                }
                assert_eq!(passed, bytes);
                let chunks = reader.finish();
                let expected: Vec<_> = bytes.chunks(1000).map(Sha256Sum::of).collect();
                assert_eq!((chunks.bytes, chunks.sums), (1000, expected));
            }
        }
    }
}
