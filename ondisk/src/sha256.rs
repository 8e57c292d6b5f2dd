// SPDX-License-Identifier: MIT OR Apache-2.0
//! SHA-256: the checksum, its hexadecimal digits, and a reader that computes it.

use crate::hex::{self, Hex};
use sha2::Digest;
use std::fmt;
use std::io::{self, Read};

/// A SHA-256 checksum; printed as 64 lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Sha256Sum(pub [u8; 32]);

impl Sha256Sum {
    /// The checksum of these bytes.
    pub fn of(bytes: &[u8]) -> Sha256Sum {
        Sha256Sum(sha2::Sha256::digest(bytes).into())
    }
}

impl fmt::Display for Sha256Sum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Hex(&self.0).fmt(f)
    }
}

impl fmt::Debug for Sha256Sum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl std::str::FromStr for Sha256Sum {
    type Err = BadSum;

    /// Reads 64 hexadecimal digits.
    fn from_str(text: &str) -> Result<Sha256Sum, BadSum> {
        hex::decode(text.as_bytes()).map(Sha256Sum).ok_or(BadSum)
    }
}

/// The text is not a SHA-256 checksum.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("a SHA-256 checksum has 64 hexadecimal digits")]
pub struct BadSum;

/// A checksum being computed.
#[derive(Clone, Default)]
pub struct Sha256(sha2::Sha256);

impl Sha256 {
    /// The checksum of nothing yet.
    pub fn new() -> Sha256 {
        Sha256::default()
    }

    /// Adds bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The checksum of all bytes added.
    pub fn finish(self) -> Sha256Sum {
        Sha256Sum(self.0.finalize().into())
    }
}

/// A reader that computes the SHA-256 of what passes.
pub struct Hash<R> {
    inner: R,
    hash: Sha256,
}

impl<R: Read> Hash<R> {
    /// Nothing has passed yet.
    pub fn new(inner: R) -> Hash<R> {
        Hash {
            inner,
            hash: Sha256::new(),
        }
    }

    /// The checksum of the bytes that have passed.
    pub fn finish(self) -> Sha256Sum {
        self.hash.finish()
    }
}

impl<R: Read> Read for Hash<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.hash.update(buffer.get(..read).unwrap_or_default());
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // FIPS 180-2, appendix B, and the well-known sum of nothing.
    const EMPTY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    const ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    #[test]
    fn known_sums_in_any_pieces() {
        for (bytes, sum) in [(&b""[..], EMPTY), (b"abc", ABC)] {
            for piece in 1..4 {
                let mut reader = Hash::new(bytes);
                let mut buffer = vec![0; piece];
                while reader.read(&mut buffer).unwrap() > 0 {}
                assert_eq!(reader.finish().to_string(), sum);
            }
            assert_eq!(Sha256Sum::of(bytes).to_string(), sum);
        }
    }

    #[test]
    fn only_what_was_read_counts() {
        let mut reader = Hash::new(&b"abcd"[..]);
        reader.read_exact(&mut [0; 3]).unwrap();
        assert_eq!(reader.finish().to_string(), ABC);
    }

    #[test]
    fn text_and_back() {
        assert_eq!(ABC.parse::<Sha256Sum>().unwrap().to_string(), ABC);
        assert_eq!(
            ABC.to_uppercase().parse::<Sha256Sum>().unwrap().to_string(),
            ABC
        );
        for bad in [
            "",
            &ABC[1..],
            &format!("{ABC}0"),
            &ABC.replace('b', "g"),
            &"é".repeat(32),
        ] {
            assert_eq!(bad.parse::<Sha256Sum>(), Err(BadSum), "{bad}");
        }
    }
}
