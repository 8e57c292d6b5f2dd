// SPDX-License-Identifier: MIT OR Apache-2.0
//! A whole disk, or an image file in its place.

use std::{
    fs::{File, OpenOptions},
    io,
    os::unix::fs::{FileExt, FileTypeExt, MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use rustix::fs::OFlags;

use super::Error;

/// Alignment in bytes of memory, place and length of reads without a cache:
/// enough for every block size in use.
const DIRECT_ALIGN: usize = 4096;

/// An open disk.
#[derive(Debug)]
pub struct Disk {
    file: File,
    path: PathBuf,
    bytes: u64,
    block_size: u32,
    kernel_name: Option<String>,
}

/// The kernel's name of a partition: `sda` 3 is `sda3`; after a digit there
/// is a `p`, as in `nvme0n1p3` and `mmcblk0p1`.
pub fn partition_name(disk: &str, number: u32) -> String {
    let p = if disk.ends_with(|c: char| c.is_ascii_digit()) {
        "p"
    } else {
        ""
    };
    format!("{disk}{p}{number}")
}

/// Who uses a disk or one of its partitions, in words.
fn users(name: &str) -> Result<Vec<String>, Error> {
    let mut found = super::holders::of(name);
    for partition in super::kernel::partitions(name)? {
        let part = partition_name(name, partition.number);
        let of = |user| format!("{part} {user}");
        found.extend(super::holders::of(&part).into_iter().map(of));
    }
    Ok(found)
}

impl Disk {
    /// Opens a disk or an image file for reading.
    pub fn open(path: impl AsRef<Path>) -> Result<Disk, Error> {
        Disk::open_as(path.as_ref(), OpenOptions::new().read(true))
    }

    /// Opens it for reading and writing; [`Error::ReadOnly`] if that cannot be.
    pub fn open_writable(path: impl AsRef<Path>) -> Result<Disk, Error> {
        Disk::writable(path.as_ref(), OpenOptions::new().read(true).write(true))
    }

    /// The same, while nobody else uses the disk or a partition of it, and
    /// nobody can begin to as long as it is open. Of image files that is not
    /// known.
    ///
    /// # Errors
    /// [`Error::Busy`] names who uses it: a mount, a device-mapper map, swap.
    pub fn open_exclusive(path: impl AsRef<Path>) -> Result<Disk, Error> {
        let path = path.as_ref();
        let mut options = OpenOptions::new();
        options.read(true).write(true);
        // O_EXCL without O_CREAT means something for block devices only.
        let device = std::fs::metadata(path)
            .ok()
            .filter(|meta| meta.file_type().is_block_device());
        if device.is_some() {
            options.custom_flags(OFlags::EXCL.bits() as i32);
        }
        match (Disk::writable(path, &options), device) {
            (Err(Error::Open { source, .. }), Some(meta))
                if source.kind() == io::ErrorKind::ResourceBusy =>
            {
                Err(Error::Busy {
                    partition: path.into(),
                    holders: users(&super::kernel::name_of(meta.rdev())?)?,
                })
            }
            (result, _) => result,
        }
    }

    fn writable(path: &Path, options: &OpenOptions) -> Result<Disk, Error> {
        let disk = Disk::open_as(path, options)?;
        if disk.kernel_name.is_some()
            && sys::block::is_read_only(&disk.file)
                .map_err(|source| disk.ioctl_error("ask whether it is read-only", source))?
        {
            return Err(Error::ReadOnly { path: disk.path });
        }
        Ok(disk)
    }

    fn open_as(path: &Path, options: &OpenOptions) -> Result<Disk, Error> {
        let error = |source| Error::Open {
            path: path.to_owned(),
            source,
        };
        let file = options.open(path).map_err(error)?;
        let meta = file.metadata().map_err(error)?;
        let path = path.to_owned();
        if meta.file_type().is_file() {
            return Ok(Disk {
                bytes: meta.len(),
                file,
                path,
                block_size: 512,
                kernel_name: None,
            });
        }
        if !meta.file_type().is_block_device() {
            return Err(Error::NotADisk { path });
        }
        let ioctl = |what| {
            let path = path.clone();
            move |source| Error::Ioctl { path, what, source }
        };
        let bytes = sys::block::size(&file).map_err(ioctl("ask for its size"))?;
        let block_size =
            sys::block::logical_block_size(&file).map_err(ioctl("ask for its block size"))?;
        let kernel_name = Some(super::kernel::name_of(meta.rdev())?);
        Ok(Disk {
            file,
            path,
            bytes,
            block_size,
            kernel_name,
        })
    }

    /// An image file as a disk with other logical blocks than 512 bytes.
    #[must_use]
    pub fn with_block_size(self, block_size: u32) -> Disk {
        Disk { block_size, ..self }
    }

    /// The path that it was opened by.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Size in bytes.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Logical block size in bytes.
    pub fn block_size(&self) -> u32 {
        self.block_size
    }

    /// The kernel's name, as `sda`; `None` for an image file.
    pub fn kernel_name(&self) -> Option<&str> {
        self.kernel_name.as_deref()
    }

    /// The node of one of its partitions, as `/dev/sda3`; `None` for an image
    /// file.
    pub fn partition_node(&self, number: u32) -> Option<PathBuf> {
        Some(crate::device::node(&partition_name(
            self.kernel_name()?,
            number,
        )))
    }

    /// The open file, for ioctls.
    pub fn file(&self) -> &File {
        &self.file
    }

    pub(super) fn ioctl_error(&self, what: &'static str, source: rustix::io::Errno) -> Error {
        Error::Ioctl {
            path: self.path.clone(),
            what,
            source,
        }
    }

    /// Fills `bytes` from a byte offset, through the cache.
    pub fn read_at(&self, offset: u64, bytes: &mut [u8]) -> Result<(), Error> {
        self.file
            .read_exact_at(bytes, offset)
            .map_err(|source| Error::Read {
                path: self.path.clone(),
                offset,
                len: bytes.len(),
                source,
            })
    }

    /// Writes `bytes` at a byte offset, into the cache; `what` names them in
    /// the error. Never makes an image file longer.
    pub fn write_at(&self, what: &'static str, offset: u64, bytes: &[u8]) -> Result<(), Error> {
        let error = |source| Error::Write {
            path: self.path.clone(),
            what,
            offset,
            source,
        };
        if offset
            .checked_add(bytes.len() as u64)
            .is_none_or(|end| end > self.bytes)
        {
            return Err(error(io::ErrorKind::UnexpectedEof.into()));
        }
        self.file.write_all_at(bytes, offset).map_err(error)
    }

    /// Returns when all that was written is on the medium. Does not drop any
    /// cache.
    pub fn sync(&self, what: &'static str) -> Result<(), Error> {
        self.file.sync_all().map_err(|source| Error::Write {
            path: self.path.clone(),
            what,
            offset: 0,
            source,
        })
    }

    /// Writes out and drops what the kernel has cached of the disk and of
    /// each of its partitions.
    pub fn flush(&self) -> Result<(), Error> {
        let Some(name) = self.kernel_name() else {
            return self.sync("the cache");
        };
        for partition in super::kernel::partitions(name)? {
            let Some(node) = self.partition_node(partition.number) else {
                continue;
            };
            let file = match File::open(&node) {
                Ok(file) => file,
                // Without a node nobody can have it open.
                Err(e) if e.kind() == io::ErrorKind::NotFound => continue,
                Err(source) => return Err(Error::Open { path: node, source }),
            };
            sys::block::flush_cache(&file).map_err(|source| Error::Ioctl {
                path: node,
                what: "flush its cache",
                source,
            })?;
        }
        sys::block::flush_cache(&self.file)
            .map_err(|source| self.ioctl_error("flush its cache", source))
    }

    /// Reads from the medium and not from a cache, through a descriptor of its
    /// own. An image file on a filesystem that knows no O_DIRECT (a tmpfs of
    /// older kernels) is read through the cache.
    pub fn read_fresh(&self, offset: u64, len: usize) -> Result<Vec<u8>, Error> {
        let error = |source| Error::Read {
            path: self.path.clone(),
            offset,
            len,
            source,
        };
        let direct = OFlags::DIRECT.bits() as i32;
        let file = match OpenOptions::new()
            .read(true)
            .custom_flags(direct)
            .open(&self.path)
        {
            Err(e) if e.kind() == io::ErrorKind::InvalidInput => {
                let mut bytes = vec![0; len];
                self.read_at(offset, &mut bytes)?;
                return Ok(bytes);
            }
            Err(source) => {
                return Err(Error::Open {
                    path: self.path.clone(),
                    source,
                });
            }
            Ok(file) => file,
        };
        let align = DIRECT_ALIGN.max(self.block_size as usize);
        let skip = (offset % align as u64) as usize;
        let start = offset - skip as u64;
        let length = (skip + len).next_multiple_of(align);
        // Safe code cannot ask for aligned memory, but can look for it.
        let mut memory = vec![0; length + align];
        let lead = memory.as_ptr().align_offset(align);
        let buffer = memory.get_mut(lead..lead + length).unwrap_or_default();
        let mut have = 0;
        while have < skip + len {
            let rest = buffer.get_mut(have..).unwrap_or_default();
            match file.read_at(rest, start + have as u64) {
                Ok(0) => return Err(error(io::ErrorKind::UnexpectedEof.into())),
                Ok(n) => have += n,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(error(e)),
            }
        }
        Ok(buffer.get(skip..skip + len).unwrap_or_default().to_vec())
    }
}
