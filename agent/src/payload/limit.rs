// SPDX-License-Identifier: MIT OR Apache-2.0
//! A reader that fails where there is more than expected.

use std::io::{self, Read};

/// A reader that fails where more than `limit` bytes would come, and says
/// nothing where exactly so many do. (`Read::take` ends quietly instead, so
/// that a file that is too long would pass for one of the right length.)
#[derive(Debug)]
pub struct Limit<R> {
    inner: R,
    left: u64,
}

impl<R: Read> Limit<R> {
    /// Lets `limit` bytes of `inner` pass.
    pub fn new(inner: R, limit: u64) -> Limit<R> {
        Limit { inner, left: limit }
    }
}

impl<R: Read> Read for Limit<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.left = self.left.checked_sub(read as u64).ok_or_else(|| {
            io::Error::new(
                io::ErrorKind::FileTooLarge,
                "there are more bytes than expected",
            )
        })?;
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8], limit: u64) -> io::Result<Vec<u8>> {
        let mut out = Vec::new();
        Limit::new(bytes, limit).read_to_end(&mut out)?;
        Ok(out)
    }

    #[test]
    fn up_to_the_limit_passes_and_one_more_fails() {
        assert_eq!(read(b"", 0).unwrap(), b"");
        assert_eq!(read(b"abc", 4).unwrap(), b"abc");
        assert_eq!(read(b"abc", 3).unwrap(), b"abc");
        assert_eq!(
            read(b"abc", 2).unwrap_err().kind(),
            io::ErrorKind::FileTooLarge
        );
        assert_eq!(
            read(b"a", 0).unwrap_err().kind(),
            io::ErrorKind::FileTooLarge
        );
    }

    #[test]
    fn the_limit_holds_over_several_reads() {
        let mut reader = Limit::new(&b"abcdef"[..], 5);
        let mut two = [0; 2];
        assert_eq!(reader.read(&mut two).unwrap(), 2);
        assert_eq!(reader.read(&mut two).unwrap(), 2);
        assert!(reader.read(&mut two).is_err());
    }
}
