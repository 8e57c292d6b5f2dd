// SPDX-License-Identifier: MIT OR Apache-2.0
//! A device, read and written past the page cache.

use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::fs::{self, FileType, Mode, OFlags, SeekFrom};
use rustix::io::{self, Errno};

use super::error::LvmError;

/// Alignment that O_DIRECT asks for, of memory and, at most, of offsets.
const ALIGN: usize = 4096;

/// An open device (or an image file, in tests).
pub(super) struct Direct {
    fd: OwnedFd,
    name: String,
    /// Bytes of a logical sector: offsets and lengths of writes are multiples.
    sector: u64,
    size: u64,
}

impl Direct {
    /// Opens for reading.
    pub(super) fn open(path: &Path) -> Result<Self, LvmError> {
        Self::open_with(path, OFlags::RDONLY)
    }

    /// Opens for writing; fails while a block device is mounted or another one
    /// stands on it.
    pub(super) fn open_exclusive(path: &Path) -> Result<Self, LvmError> {
        Self::open_with(path, OFlags::RDWR | OFlags::EXCL)
    }

    fn open_with(path: &Path, flags: OFlags) -> Result<Self, LvmError> {
        let name = path.display().to_string();
        let wrong = |action, errno| LvmError::Io {
            action,
            device: name.clone(),
            offset: 0,
            errno,
        };
        let flags = flags | OFlags::CLOEXEC;
        let fd = match fs::open(path, flags | OFlags::DIRECT, Mode::empty()) {
            // Some file systems have no O_DIRECT; a file has one page cache.
            Err(Errno::INVAL) => {
                let fd = fs::open(path, flags, Mode::empty()).map_err(|e| wrong("open", e))?;
                let kind = fs::fstat(&fd).map_err(|e| wrong("examine", e))?.st_mode;
                if FileType::from_raw_mode(kind) != FileType::RegularFile {
                    return Err(wrong("open past the page cache", Errno::INVAL));
                }
                fd
            }
            other => other.map_err(|e| wrong("open", e))?,
        };
        let kind = fs::fstat(&fd).map_err(|e| wrong("examine", e))?.st_mode;
        let sector = match FileType::from_raw_mode(kind) {
            FileType::BlockDevice => {
                fs::ioctl_blksszget(&fd).map_err(|e| wrong("get the sector size of", e))?
            }
            _ => 512,
        };
        let size = fs::seek(&fd, SeekFrom::End(0)).map_err(|e| wrong("get the size of", e))?;
        Ok(Self {
            fd,
            name,
            sector: u64::from(sector.max(512)),
            size,
        })
    }

    /// Bytes of the device.
    pub(super) fn size(&self) -> u64 {
        self.size
    }

    fn io(&self, action: &'static str, offset: u64, errno: Errno) -> LvmError {
        LvmError::Io {
            action,
            device: self.name.clone(),
            offset,
            errno,
        }
    }

    /// Reads; fewer than `len` bytes only where the device ends.
    pub(super) fn read_at(&self, offset: u64, len: usize) -> Result<Vec<u8>, LvmError> {
        let end = offset.saturating_add(len as u64).min(self.size);
        if offset >= end {
            return Ok(Vec::new());
        }
        let align = ALIGN as u64;
        let first = offset - offset % align;
        let last = end.next_multiple_of(align);
        let window =
            usize::try_from(last - first).map_err(|_| self.io("read", offset, Errno::FBIG))?;
        let mut buffer = Aligned::new(window);
        let mut done = 0;
        while let Some(rest) = buffer.bytes().get_mut(done..).filter(|r| !r.is_empty()) {
            let at = first + done as u64;
            match io::pread(&self.fd, rest, at) {
                Ok(0) => break,
                Ok(n) => done += n,
                Err(Errno::INTR) => {}
                Err(e) => return Err(self.io("read", at, e)),
            }
            // A short read that leaves the alignment is the device's end.
            if !done.is_multiple_of(self.sector as usize) {
                break;
            }
        }
        if first + (done as u64) < end {
            let device = self.name.clone();
            return Err(LvmError::End {
                action: "read",
                device,
                offset: first + done as u64,
            });
        }
        let range = (offset - first) as usize..(end - first) as usize;
        Ok(buffer.bytes().get(range).unwrap_or_default().to_vec())
    }

    /// Writes; what shares a sector with `bytes` is read and written back.
    pub(super) fn write_at(&self, offset: u64, bytes: &[u8]) -> Result<(), LvmError> {
        let end = offset.saturating_add(bytes.len() as u64);
        let first = offset - offset % self.sector;
        let last = end.next_multiple_of(self.sector);
        if last > self.size {
            let device = self.name.clone();
            return Err(LvmError::End {
                action: "write",
                device,
                offset: self.size,
            });
        }
        let window = (last - first) as usize;
        let mut buffer = Aligned::new(window);
        if first != offset || last != end {
            let old = self.read_at(first, window)?;
            for (to, from) in buffer.bytes().iter_mut().zip(old) {
                *to = from;
            }
        }
        for (to, from) in buffer
            .bytes()
            .iter_mut()
            .skip((offset - first) as usize)
            .zip(bytes)
        {
            *to = *from;
        }
        let mut done = 0;
        while let Some(rest) = buffer.bytes().get(done..).filter(|r| !r.is_empty()) {
            let at = first + done as u64;
            match io::pwrite(&self.fd, rest, at) {
                Ok(0) => return Err(self.io("write", at, Errno::NOSPC)),
                Ok(n) => done += n,
                Err(Errno::INTR) => {}
                Err(e) => return Err(self.io("write", at, e)),
            }
        }
        Ok(())
    }

    /// Waits until everything is on the medium, the drive's cache included.
    pub(super) fn flush(&self) -> Result<(), LvmError> {
        fs::fsync(&self.fd).map_err(|e| self.io("flush", 0, e))
    }
}

/// Memory whose address is a multiple of [`ALIGN`].
struct Aligned {
    memory: Vec<u8>,
    len: usize,
}

impl Aligned {
    fn new(len: usize) -> Self {
        Self {
            memory: vec![0; len.saturating_add(ALIGN)],
            len,
        }
    }

    fn bytes(&mut self) -> &mut [u8] {
        let start = self.memory.as_ptr().align_offset(ALIGN);
        self.memory
            .get_mut(start..start.saturating_add(self.len))
            .unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_offsets_and_ends_work() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let mut data: Vec<u8> = (0..10_240u32).map(|i| (i % 251) as u8).collect();
        std::fs::write(file.path(), &data).unwrap();
        let d = Direct::open_exclusive(file.path()).unwrap();
        assert_eq!(d.size(), 10_240);
        for (offset, len) in [(0, 1), (511, 2), (4095, 4098), (10_239, 1), (0, 10_240)] {
            assert_eq!(
                d.read_at(offset, len).unwrap(),
                data[offset as usize..offset as usize + len]
            );
        }
        assert_eq!(d.read_at(10_000, 1000).unwrap(), data[10_000..]);
        assert!(d.read_at(20_000, 1).unwrap().is_empty());
        for (offset, bytes) in [(700u64, &b"abc"[..]), (510, b"across"), (1024, &[7; 512])] {
            d.write_at(offset, bytes).unwrap();
            data[offset as usize..offset as usize + bytes.len()].copy_from_slice(bytes);
        }
        d.flush().unwrap();
        assert_eq!(std::fs::read(file.path()).unwrap(), data);
        assert!(matches!(
            d.write_at(10_239, b"xy"),
            Err(LvmError::End { .. })
        ));
    }

    #[test]
    fn an_error_names_the_device() {
        let e = Direct::open(Path::new("/nonexistent/disk")).err().unwrap();
        assert!(
            e.to_string().starts_with("cannot open /nonexistent/disk"),
            "{e}"
        );
    }
}
