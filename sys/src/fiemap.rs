// SPDX-License-Identifier: MIT OR Apache-2.0
//! Where a file lies on its device (`linux/fiemap.h`,
//! Documentation/filesystems/fiemap.rst).

use std::os::fd::AsFd;

use rustix::{
    io::{Errno, Result},
    ioctl::{Opcode, Updater, ioctl},
};

const FIEMAP: Opcode = 0xc020_660b;

/// The file is written out before it is looked at.
const SYNC: u32 = 1;
/// Extents of one request: 14 KiB.
const BATCH: usize = 256;

/// A piece of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[repr(C)]
pub struct Extent {
    /// Its first byte in the file.
    pub logical: u64,
    /// Its first byte on the device that the file system is on. It means
    /// something only where no flag says otherwise.
    pub physical: u64,
    /// Bytes; the last extent may end after the file.
    pub length: u64,
    reserved: [u64; 2],
    /// `FIEMAP_EXTENT_*`.
    pub flags: u32,
    reserved_too: [u32; 3],
}

impl Extent {
    /// The file's last extent.
    pub const LAST: u32 = 1;
    /// It is not known where the data lie.
    pub const UNKNOWN: u32 = 2;
    /// They have no place yet.
    pub const DELALLOC: u32 = 4;
    /// They are compressed or the like.
    pub const ENCODED: u32 = 8;
    /// They are encrypted.
    pub const ENCRYPTED: u32 = 0x80;
    /// They do not begin or end with a block.
    pub const NOT_ALIGNED: u32 = 0x100;
    /// They lie among the metadata.
    pub const INLINE: u32 = 0x200;
    /// They share a block with other files.
    pub const TAIL: u32 = 0x400;
    /// The place is reserved, and reads as zeros whatever lies there.
    pub const UNWRITTEN: u32 = 0x800;
    /// The file system has no extents; this is made of several blocks.
    pub const MERGED: u32 = 0x1000;
    /// Other files have this place, too.
    pub const SHARED: u32 = 0x2000;

    /// An extent.
    #[must_use]
    pub const fn new(logical: u64, physical: u64, length: u64, flags: u32) -> Extent {
        Extent {
            logical,
            physical,
            length,
            reserved: [0; 2],
            flags,
            reserved_too: [0; 3],
        }
    }
}

/// `struct fiemap`.
#[repr(C)]
struct Request {
    start: u64,
    length: u64,
    flags: u32,
    mapped: u32,
    count: u32,
    reserved: u32,
    extents: [Extent; BATCH],
}

/// All extents of a file, in order, after it was written out. What lies between
/// two of them is a hole. `EOPNOTSUPP` where the file system cannot say it;
/// `EIO` where its answer leads nowhere.
pub fn extents(file: impl AsFd) -> Result<Vec<Extent>> {
    let mut found: Vec<Extent> = Vec::new();
    loop {
        let end = |extent: &Extent| extent.logical.saturating_add(extent.length);
        let at = found.last().map_or(0, end);
        let mut request = Box::new(Request {
            start: at,
            length: u64::MAX - at,
            flags: SYNC,
            mapped: 0,
            count: BATCH as u32,
            reserved: 0,
            extents: [Extent::default(); BATCH],
        });
        // SAFETY: the kernel reads and writes a `struct fiemap` with as many
        // extents behind it as its `count` says; that is what `Request` is,
        // and it lives until the call returns.
        unsafe { ioctl(&file, Updater::<FIEMAP, Request>::new(&mut request)) }?;
        let mapped = request.extents.get(..request.mapped as usize);
        let mapped = mapped.ok_or(Errno::IO)?;
        let Some(last) = mapped.last() else {
            return Ok(found);
        };
        found.extend(mapped);
        if last.flags & Extent::LAST != 0 {
            return Ok(found);
        }
        if end(last) <= at {
            return Err(Errno::IO);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::File;
    use std::os::unix::fs::FileExt;
    use testkit::{Loop, Mount, sparse, tool};

    #[test]
    fn structures_have_the_kernel_s_sizes() {
        assert_eq!(size_of::<Extent>(), 56);
        assert_eq!(std::mem::offset_of!(Extent, flags), 40);
        assert_eq!(std::mem::offset_of!(Request, extents), 32);
    }

    /// More extents than one request holds, a hole after each.
    #[test]
    fn all_extents_of_a_file() {
        testkit::needs!("root", "mke2fs");
        let dir = tempfile::tempdir().unwrap();
        let image = sparse(dir.path().join("image"), 64 << 20);
        tool("mke2fs", &["-q", "-t", "ext4", image.to_str().unwrap()]);
        let device = Loop::new(&image);
        let mount = Mount::new(&device.0, dir.path().join("mnt"), "rw");
        let file = File::create(mount.0.join("file")).unwrap();
        assert_eq!(extents(&file).unwrap(), []);
        let count = 600;
        for n in 0..count {
            file.write_all_at(&[n as u8; 4096], n * 8192).unwrap();
        }
        // Nothing was flushed: the request does it.
        let found = extents(&file).unwrap();
        assert_eq!(found.len(), count as usize);
        for (n, extent) in (0..count).zip(&found) {
            assert_eq!((extent.logical, extent.length), (n * 8192, 4096));
            let mut block = [0; 4096];
            let disk = File::open(&image).unwrap();
            disk.read_exact_at(&mut block, extent.physical).unwrap();
            let flags = extent.flags & !Extent::LAST;
            assert_eq!((flags, block), (0, [n as u8; 4096]));
        }
    }

    #[test]
    fn a_file_system_that_cannot_say_it() {
        let file = File::open("/proc/self/stat").unwrap();
        assert_eq!(extents(&file), Err(Errno::OPNOTSUPP));
    }
}
