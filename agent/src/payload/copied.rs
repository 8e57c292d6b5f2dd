// SPDX-License-Identifier: MIT OR Apache-2.0
//! Another copy of one of the record's files: each chunk is verified before a
//! byte of it is used, as it is on the disk.

use super::runs::Invalid;
use ondisk::lifeboat::record::Pinned;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The copy, and the record's checksums.
#[derive(Debug)]
pub struct Copied {
    name: PathBuf,
    file: File,
    record: Pinned,
}

/// A chunk of the copy that is not what the record says.
#[derive(Debug, thiserror::Error)]
#[error(
    "{} is not what was staged, in bytes {from} to {to}; take another copy of it: migrate --payload DEVICE:PATH",
    name.display()
)]
pub struct Differs {
    name: PathBuf,
    from: u64,
    to: u64,
}

impl Copied {
    /// A copy of this file of the record. `name` is what messages call it.
    ///
    /// # Errors
    /// When the record has no checksums of its chunks.
    pub fn new(name: impl Into<PathBuf>, file: File, record: Pinned) -> Result<Copied, Invalid> {
        let name = name.into();
        match &record.chunks {
            Some(chunks) if chunks.are_of(record.bytes) => Ok(Copied { name, file, record }),
            _ => Err(Invalid {
                disk: name.clone(),
                name,
                why: "no checksums of its chunks".into(),
            }),
        }
    }

    /// What messages call it.
    pub(super) fn name(&self) -> &Path {
        &self.name
    }

    /// Bytes that the record says.
    pub(super) fn size(&self) -> u64 {
        self.record.bytes
    }

    /// A reader of all of it.
    pub(super) fn open(self: &Arc<Self>) -> Reader {
        Reader {
            copied: Arc::clone(self),
            next: 0,
            chunk: Vec::new(),
            used: 0,
        }
    }
}

/// The copy from its first byte on.
pub(super) struct Reader {
    copied: Arc<Copied>,
    /// Index of the next chunk.
    next: u64,
    /// A verified chunk, and how much of it has been handed out.
    chunk: Vec<u8>,
    used: usize,
}

impl Reader {
    /// Reads the next chunk; returns whether there was one.
    fn advance(&mut self) -> io::Result<bool> {
        let Copied { name, file, record } = &*self.copied;
        let Some((from, bytes)) = record.chunk(self.next) else {
            return Ok(false);
        };
        (self.chunk, self.used) = (Vec::new(), 0);
        // At most MAX_CHUNK.
        let mut chunk = vec![0; usize::try_from(bytes).unwrap_or_default()];
        file.read_exact_at(&mut chunk, from)?;
        if record.checked(self.next, &chunk).is_err() {
            let to = from.saturating_add(bytes);
            let name = name.clone();
            return Err(io::Error::other(Differs { name, from, to }));
        }
        self.next = self.next.saturating_add(1);
        self.chunk = chunk;
        Ok(true)
    }
}

impl Read for Reader {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if !out.is_empty() && self.used >= self.chunk.len() && !self.advance()? {
            return Ok(0);
        }
        let rest = self.chunk.get(self.used..).unwrap_or_default();
        let count = rest.len().min(out.len());
        if let (Some(to), Some(from)) = (out.get_mut(..count), rest.get(..count)) {
            to.copy_from_slice(from);
        }
        self.used = self.used.saturating_add(count);
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ondisk::lifeboat::Role;
    use ondisk::lifeboat::record::Chunks;
    use ondisk::sha256::Sha256Sum;

    const CHUNK: usize = 1024;

    fn content() -> Vec<u8> {
        (0..5001u32).map(|n| (n / 3 % 251) as u8).collect()
    }

    fn copied(there: &[u8]) -> Arc<Copied> {
        let content = content();
        let file = tempfile::tempfile().unwrap();
        file.write_all_at(there, 0).unwrap();
        let record = Pinned {
            role: Role::Payload,
            bytes: content.len() as u64,
            sum: Some(Sha256Sum::of(&content)),
            runs: Vec::new(),
            chunks: Some(Chunks {
                bytes: CHUNK as u64,
                sums: content.chunks(CHUNK).map(Sha256Sum::of).collect(),
            }),
        };
        Arc::new(Copied::new("/dev/sdb1:/va.tar.xz", file, record).unwrap())
    }

    #[test]
    fn the_same_bytes_are_handed_out() {
        for more in [0, 1, 5000] {
            let there = [content(), vec![7; more]].concat();
            let mut read = Vec::new();
            copied(&there).open().read_to_end(&mut read).unwrap();
            assert!(read == content());
        }
        let mut reader = copied(&content()).open();
        assert_eq!(reader.read(&mut []).unwrap(), 0);
        let mut some = [0; 1500];
        assert_eq!(reader.read(&mut some).unwrap(), CHUNK);
        assert_eq!(reader.read(&mut some).unwrap(), CHUNK);
    }

    #[test]
    fn of_a_chunk_that_is_another_nothing_is_used() {
        let content = content();
        for at in [0, 1, CHUNK, 3 * CHUNK - 1, content.len() - 1] {
            let mut there = content.clone();
            there[at] ^= 1;
            let mut reader = copied(&there).open();
            let mut read = Vec::new();
            let error = reader.read_to_end(&mut read).unwrap_err();
            assert_eq!(read.len(), at / CHUNK * CHUNK);
            let from = read.len();
            let to = (from + CHUNK).min(content.len());
            let words = format!(
                "/dev/sdb1:/va.tar.xz is not what was staged, in bytes {from} to {to}; take"
            );
            assert!(error.to_string().starts_with(&words), "{error}");
            assert!(!crate::payload::source::may_pass(&error));
            // And for ever.
            reader.read(&mut [0; 10]).unwrap_err();
        }
        let mut read = Vec::new();
        let short = copied(&content[..4000]);
        short.open().read_to_end(&mut read).unwrap_err();
        assert_eq!(read.len(), 3 * CHUNK);
    }

    #[test]
    fn without_sums_it_is_none() {
        let whole = copied(&content());
        let record = Pinned {
            chunks: None,
            ..whole.record.clone()
        };
        let file = tempfile::tempfile().unwrap();
        Copied::new("x", file, record).unwrap_err();
    }
}
