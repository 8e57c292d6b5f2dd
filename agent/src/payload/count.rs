// SPDX-License-Identifier: MIT OR Apache-2.0
//! Counts the bytes that pass a reader.

use std::io::{self, Read};

/// A reader that tells how many bytes have passed, after every read.
pub struct Count<R, F> {
    inner: R,
    passed: u64,
    tell: F,
}

impl<R: Read, F: FnMut(u64)> Count<R, F> {
    /// `tell` gets the number of all bytes so far.
    pub fn new(inner: R, tell: F) -> Count<R, F> {
        Count {
            inner,
            passed: 0,
            tell,
        }
    }

    /// Bytes that have passed.
    pub fn passed(&self) -> u64 {
        self.passed
    }
}

impl<R: Read, F: FnMut(u64)> Read for Count<R, F> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.passed = self.passed.saturating_add(read as u64);
        (self.tell)(self.passed);
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_read_is_reported() {
        let mut seen = Vec::new();
        let mut reader = Count::new(&b"abcde"[..], |passed| seen.push(passed));
        let mut buffer = [0; 2];
        while reader.read(&mut buffer).unwrap() > 0 {}
        assert_eq!(reader.passed(), 5);
        assert_eq!(seen, [2, 4, 5, 5]);
    }

    #[test]
    fn nothing_is_nothing() {
        let mut reader = Count::new(io::empty(), |_| {});
        assert_eq!(reader.read(&mut [0; 8]).unwrap(), 0);
        assert_eq!(reader.passed(), 0);
    }
}
