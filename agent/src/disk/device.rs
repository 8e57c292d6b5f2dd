// SPDX-License-Identifier: MIT OR Apache-2.0
//! A whole disk, or an image file in its place.

use std::{
    fs::{File, OpenOptions},
    io,
    ops::Range,
    os::unix::fs::{FileExt, FileTypeExt, MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use ondisk::lifeboat::Protected;
use rustix::fs::OFlags;

use super::{Error, Guard};
use crate::block::{DevNo, SYS, by_number, name_of, partition_node, partitions, users_of_disk};

/// An open disk.
#[derive(Debug)]
pub struct Disk {
    file: File,
    path: PathBuf,
    bytes: u64,
    block_size: u32,
    physical_block: u32,
    kernel_name: Option<String>,
    dev: Option<DevNo>,
    /// Whether a machine could start from its sector 0.
    has_sector_0: bool,
    guard: Option<Guard>,
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

    /// As [`Disk::open_writable`], but fails if the disk or a partition of it is
    /// in use, and keeps others from using them as long as it is open. For image
    /// files this is not known.
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
                    holders: users_of_disk(&name_of(Path::new(SYS), meta.rdev().into())?)?,
                })
            }
            (result, _) => result,
        }
    }

    fn writable(path: &Path, options: &OpenOptions) -> Result<Disk, Error> {
        let disk = Disk::open_as(path, options)?;
        if disk.is_write_protected()? {
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
                physical_block: 512,
                kernel_name: None,
                dev: None,
                has_sector_0: true,
                guard: None,
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
        let physical_block = sys::block::physical_block_size(&file)
            .map_err(ioctl("ask for its physical block size"))?;
        let dev = DevNo::from(meta.rdev());
        let device = by_number(Path::new(SYS), dev)?;
        Ok(Disk {
            file,
            path,
            bytes,
            block_size,
            physical_block,
            has_sector_0: device.partition.is_none() && device.dm_name.is_none(),
            kernel_name: Some(device.name),
            dev: Some(dev),
            guard: None,
        })
    }

    /// An image file as a disk with other logical blocks than 512 bytes.
    #[must_use]
    pub fn with_block_size(self, block_size: u32) -> Disk {
        Disk { block_size, ..self }
    }

    /// Treats a file or a whole device as a partition or volume: its first sector
    /// is ordinary content, for no machine starts from it.
    #[must_use]
    pub fn as_volume(self) -> Disk {
        Disk {
            has_sector_0: false,
            ..self
        }
    }

    /// Refuses from now on every write to protected ranges of the disk that this
    /// is, or lies on.
    ///
    /// # Errors
    /// When it is not known where on the disk it lies.
    pub fn guarded(self, protected: &Protected) -> Result<Disk, Error> {
        if protected.ranges().is_empty() {
            return Ok(self);
        }
        let guard = Guard::of(protected, &self.path, self.dev, self.bytes)?;
        Ok(self.with_guard(guard))
    }

    pub(super) fn with_guard(self, guard: Guard) -> Disk {
        Disk {
            guard: Some(guard),
            ..self
        }
    }

    /// The path by which it was opened.
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

    /// Physical block size in bytes as the disk claims it: its unit of writing.
    pub fn physical_block(&self) -> u32 {
        self.physical_block
    }

    /// Whether its first sector is sector 0 of a disk, and not of a partition or
    /// volume.
    pub(super) fn has_sector_0(&self) -> bool {
        self.has_sector_0
    }

    /// The kernel's name, as `sda`; `None` for an image file.
    pub fn kernel_name(&self) -> Option<&str> {
        self.kernel_name.as_deref()
    }

    /// Its number; `None` for an image file. As long as this is open, no other
    /// device gets it.
    pub fn dev(&self) -> Option<DevNo> {
        self.dev
    }

    /// The node of one of its partitions, as `/dev/sda3`; `None` for an image
    /// file.
    pub fn partition_node(&self, number: u32) -> Option<PathBuf> {
        Some(partition_node(self.kernel_name()?, number))
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

    /// Refuses a write to these bytes, which `what` names in the error, if one of
    /// them is protected.
    ///
    /// # Errors
    /// [`Error::Protected`] names the place.
    pub fn check(&self, what: &str, bytes: Range<u64>) -> Result<(), Error> {
        match &self.guard {
            Some(guard) => guard.check(&self.path, what, &bytes),
            None => Ok(()),
        }
    }

    /// The parts of this range that are not protected, in order.
    ///
    /// # Errors
    /// When it is not known where on the disk they lie.
    pub fn unprotected(&self, bytes: &Range<u64>) -> Result<Vec<Range<u64>>, Error> {
        match &self.guard {
            Some(guard) => guard.outside(&self.path, bytes),
            None => Ok(vec![bytes.clone()]),
        }
    }

    /// Refuses a write to protected ranges and to sector 0.
    pub(super) fn may_write(&self, what: &'static str, bytes: Range<u64>) -> Result<(), Error> {
        let sector_0 = self.has_sector_0 && bytes.start < u64::from(self.block_size);
        if sector_0 && !bytes.is_empty() {
            return Err(Error::Sector0 {
                path: self.path.clone(),
                what,
                offset: bytes.start,
            });
        }
        self.check(what, bytes)
    }

    /// Writes `bytes` at a byte offset, into the cache; `what` names them in
    /// the error. Never makes an image file longer.
    ///
    /// # Errors
    /// [`Error::Sector0`] for sector 0 of a disk, which
    /// [`super::sector_0::write`] writes; [`Error::Protected`].
    pub fn write_at(&self, what: &'static str, offset: u64, bytes: &[u8]) -> Result<(), Error> {
        let error = |source| Error::Write {
            path: self.path.clone(),
            what,
            offset,
            source,
        };
        let end = offset.checked_add(bytes.len() as u64);
        let Some(end) = end.filter(|end| *end <= self.bytes) else {
            return Err(error(io::ErrorKind::UnexpectedEof.into()));
        };
        self.may_write(what, offset..end)?;
        #[cfg(test)]
        {
            let (done, result) = super::cut::take(offset, bytes);
            if result.is_err() {
                self.file.write_all_at(done, offset).map_err(error)?;
                return result.map_err(error);
            }
        }
        self.file.write_all_at(bytes, offset).map_err(error)
    }

    /// Flushes all that was written to the medium. Does not drop any cache.
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
        if self.kernel_name.is_none() {
            return self.sync("the cache");
        }
        for (node, file) in self.partition_files()? {
            sys::block::flush_cache(&file).map_err(|source| Error::Ioctl {
                path: node,
                what: "flush its cache",
                source,
            })?;
        }
        sys::block::flush_cache(&self.file)
            .map_err(|source| self.ioctl_error("flush its cache", source))
    }

    /// The nodes of its partitions, opened for reading. A partition without a
    /// node is skipped: nobody can have it open.
    fn partition_files(&self) -> Result<Vec<(PathBuf, File)>, Error> {
        let Some(name) = self.kernel_name() else {
            return Ok(Vec::new());
        };
        let mut files = Vec::new();
        for partition in partitions(Path::new(SYS), name)? {
            let node = partition_node(name, partition.number);
            match File::open(&node) {
                Ok(file) => files.push((node, file)),
                Err(e) if e.kind() == io::ErrorKind::NotFound => {}
                Err(source) => return Err(Error::Open { path: node, source }),
            }
        }
        Ok(files)
    }

    /// Makes the kernel refuse (or accept again) writes through the nodes of the
    /// disk and its partitions, also for descriptors that are open already.
    /// Mounted file systems and device-mapper can still write (Linux 6.1). Image
    /// files have no such state.
    ///
    /// # Errors
    /// The first error; the other nodes are switched all the same.
    pub fn write_protect(&self, on: bool) -> Result<(), Error> {
        const WHAT: &str = "switch its write protection";
        if self.kernel_name.is_none() {
            return Ok(());
        }
        let mut result = sys::block::set_read_only(&self.file, on)
            .map_err(|source| self.ioctl_error(WHAT, source));
        for (path, file) in self.partition_files()? {
            let switched = sys::block::set_read_only(&file, on);
            let failed = |source| Error::Ioctl {
                path,
                what: WHAT,
                source,
            };
            result = result.and(switched.map_err(failed));
        }
        result
    }

    /// Whether the kernel refuses writes through its node.
    ///
    /// # Errors
    /// The kernel's error.
    pub fn is_write_protected(&self) -> Result<bool, Error> {
        if self.kernel_name.is_none() {
            return Ok(false);
        }
        sys::block::is_read_only(&self.file)
            .map_err(|source| self.ioctl_error("ask whether it is read-only", source))
    }

    /// Reads from the medium, past the cache.
    pub fn read_fresh(&self, offset: u64, len: usize) -> Result<Vec<u8>, Error> {
        super::direct::read(&self.file, offset, len).map_err(|source| Error::Read {
            path: self.path.clone(),
            offset,
            len,
            source,
        })
    }
}
