// SPDX-License-Identifier: MIT OR Apache-2.0
//! Reading and writing past the page cache (O_DIRECT).

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind};
use std::ops::{Deref, DerefMut};
use std::os::fd::AsRawFd;
use std::os::unix::fs::{FileExt, OpenOptionsExt};

use rustix::fs::OFlags;

/// Alignment in bytes of memory, place and length: enough for every block size
/// in use.
pub(crate) const ALIGN: usize = 4096;

/// Memory that begins at a multiple of [`ALIGN`].
pub(crate) struct Aligned {
    memory: Vec<u8>,
    lead: usize,
    length: usize,
}

impl Aligned {
    /// `length` bytes, all zero.
    pub(crate) fn new(length: usize) -> Aligned {
        // Safe code cannot allocate aligned memory, but it can find an aligned
        // part of more memory.
        let memory = vec![0; length.saturating_add(ALIGN)];
        Aligned {
            lead: memory.as_ptr().align_offset(ALIGN),
            memory,
            length,
        }
    }
}

impl Deref for Aligned {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        let end = self.lead.saturating_add(self.length);
        self.memory.get(self.lead..end).unwrap_or_default()
    }
}

impl DerefMut for Aligned {
    fn deref_mut(&mut self) -> &mut [u8] {
        let end = self.lead.saturating_add(self.length);
        self.memory.get_mut(self.lead..end).unwrap_or_default()
    }
}

/// A disk or an image file that is read past the cache by a descriptor of its
/// own, so that the original descriptor can still use the cache.
pub(crate) struct Direct {
    file: File,
    /// `false` for an image file on a file system without O_DIRECT (a tmpfs of
    /// older kernels). It has one cache only, and is read through it.
    has_cache: bool,
    /// The alignment that offset, length and memory need, as far as known.
    block: usize,
}

impl Direct {
    /// Opens the same file or device again, by its descriptor, because its name
    /// may mean another one by now. `block` is its logical block size in bytes.
    pub(crate) fn of(file: &File, block: u32) -> io::Result<Direct> {
        let (file, has_cache) = again(file, OpenOptions::new().read(true))?;
        Ok(Direct {
            file,
            has_cache,
            block: usize::try_from(block).map_or(ALIGN, |block| block.clamp(1, ALIGN)),
        })
    }

    /// Fills `bytes` from a byte offset: straight where place, length and
    /// memory are aligned, otherwise by reading more and copying.
    ///
    /// # Errors
    /// The kernel's error; [`ErrorKind::UnexpectedEof`] where the file ends
    /// before.
    pub(crate) fn read(&self, offset: u64, bytes: &mut [u8]) -> io::Result<()> {
        #[cfg(test)]
        super::rot::read(&self.file, offset, bytes.len())?;
        if self.has_cache {
            return self.file.read_exact_at(bytes, offset);
        }
        let is_aligned = offset.is_multiple_of(self.block as u64)
            && bytes.len().is_multiple_of(self.block)
            && bytes.as_ptr().align_offset(self.block) == 0;
        if is_aligned {
            match self.fill(offset, bytes, bytes.len()) {
                // An image on a disk of bigger blocks, or a driver that wants
                // more of the memory.
                Err(error) if error.kind() == ErrorKind::InvalidInput => {}
                done => return done,
            }
        }
        let skip = (offset % ALIGN as u64) as usize;
        let least = skip.saturating_add(bytes.len());
        let mut window = Aligned::new(least.next_multiple_of(ALIGN));
        self.fill(offset - skip as u64, &mut window, least)?;
        bytes.copy_from_slice(window.get(skip..least).unwrap_or_default());
        Ok(())
    }

    /// Reads until at least `least` bytes of the buffer are filled.
    fn fill(&self, offset: u64, buffer: &mut [u8], least: usize) -> io::Result<()> {
        let mut have = 0;
        while have < least {
            let rest = buffer.get_mut(have..).unwrap_or_default();
            match self.file.read_at(rest, offset.saturating_add(have as u64)) {
                Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
                Ok(n) => have = have.saturating_add(n),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

/// Reads `length` bytes from the medium.
pub(super) fn read(file: &File, offset: u64, length: usize) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; length];
    Direct::of(file, ALIGN as u32)?.read(offset, &mut bytes)?;
    Ok(bytes)
}

/// Writes `bytes` with one request, which the kernel turns into one command where
/// the disk takes that much. Offset and length must be whole blocks of the disk.
/// The data is on the medium only after a flush.
pub(super) fn write(file: &File, offset: u64, bytes: &[u8]) -> io::Result<()> {
    #[cfg(test)]
    {
        let (done, result) = super::cut::take(offset, bytes);
        if result.is_err() {
            file.write_all_at(done, offset)?;
            return result;
        }
        super::rot::written(file, offset, bytes.len())?;
    }
    let (file, has_cache) = again(file, OpenOptions::new().write(true))?;
    if has_cache {
        return file.write_all_at(bytes, offset);
    }
    let mut aligned = Aligned::new(bytes.len());
    aligned.copy_from_slice(bytes);
    loop {
        match file.write_at(&aligned, offset) {
            Ok(n) if n == bytes.len() => return Ok(()),
            Ok(_) => return Err(ErrorKind::WriteZero.into()),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// Opens the same file with O_DIRECT, by its descriptor. Also returns whether
/// O_DIRECT is not possible, and the descriptor is an ordinary one.
fn again(file: &File, options: &mut OpenOptions) -> io::Result<(File, bool)> {
    let path = format!("/proc/self/fd/{}", file.as_raw_fd());
    match options
        .custom_flags(OFlags::DIRECT.bits() as i32)
        .open(path)
    {
        Err(error) if error.kind() == ErrorKind::InvalidInput => Ok((file.try_clone()?, true)),
        opened => Ok((opened?, false)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_place_and_length() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let data: Vec<u8> = (0..10_240u32).map(|i| (i % 251) as u8).collect();
        std::fs::write(file.path(), &data).unwrap();
        let places = [(0, 1), (511, 2), (4095, 4098), (10_239, 1), (0, 10_240)];
        for (offset, length) in places {
            let found = read(file.as_file(), offset, length).unwrap();
            assert_eq!(found, data[offset as usize..][..length]);
        }
        for (offset, length) in [(10_000, 1000), (20_000, 1)] {
            let error = read(file.as_file(), offset, length).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::UnexpectedEof);
        }
    }
}
