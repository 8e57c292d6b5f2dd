// SPDX-License-Identifier: MIT OR Apache-2.0
//! A directory's files as members, in the order of their names.

use super::Archive;
use super::choice::{Choice, Fate};
use crate::file::At;
use crate::stop;
use anyhow::{Result, bail};
use indicatif::ProgressBar;
use ondisk::pax::{Entry, Extent, Kind, Time, Xattr};
use rustix::fs::{SeekFrom, lgetxattr, llistxattr, seek};
use rustix::io::Errno;
use std::collections::BTreeMap;
use std::fs::{File, Metadata};
use std::io::{Read, Seek, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;

/// Largest value of an extended attribute (XATTR_SIZE_MAX), and of the list of
/// their names.
const XATTR_BYTES: usize = 64 << 10;

/// Adds the contents of `root` to the archive. Returns warnings.
pub fn walk<W: Write>(
    root: &Path,
    choice: &mut Choice,
    archive: &mut Archive<W>,
    bar: &ProgressBar,
) -> Result<Vec<String>> {
    if root.join("proc/self").symlink_metadata().is_ok() {
        bail!(
            "{}: a proc file system is mounted in it; unmount what the kernel mounts there (proc, sys, dev, run)",
            root.display()
        );
    }
    let mut walk = Walk {
        choice,
        archive,
        bar,
        links: BTreeMap::new(),
        warnings: Vec::new(),
        buffer: vec![0; 1 << 20],
    };
    walk.member(root, b"")?;
    Ok(walk.warnings)
}

/// Bytes of all files below a directory, as far as they can be looked at.
pub fn apparent(root: &Path) -> u64 {
    let entries = std::fs::read_dir(root).into_iter().flatten().flatten();
    let size = |entry: std::fs::DirEntry| match entry.metadata() {
        Ok(metadata) if metadata.is_dir() => apparent(&entry.path()),
        Ok(metadata) if metadata.is_file() => metadata.len().min(metadata.blocks() << 9),
        _ => 0,
    };
    entries.map(size).fold(0, u64::saturating_add)
}

struct Walk<'a, W> {
    choice: &'a mut Choice,
    archive: &'a mut Archive<W>,
    bar: &'a ProgressBar,
    /// Device and inode of files with several names, and the first name.
    links: BTreeMap<(u64, u64), Vec<u8>>,
    warnings: Vec<String>,
    buffer: Vec<u8>,
}

impl<W: Write> Walk<'_, W> {
    /// Adds what is at `place`, whose path below the root is `path`.
    fn member(&mut self, place: &Path, path: &[u8]) -> Result<()> {
        stop::check()?;
        let metadata = place.symlink_metadata().at(place)?;
        let fate = match path {
            b"" => Fate::Keep,
            path => self.choice.fate(path, metadata.is_file()),
        };
        if fate == Fate::LeaveOut {
            return Ok(());
        }
        if metadata.file_type().is_socket() {
            self.warnings.push(format!(
                "{}: a socket, which is left out: a program makes it when it starts",
                place.display()
            ));
            return Ok(());
        }
        let mut entry = describe(place, path, &metadata)?;
        if fate == Fate::Empty {
            entry.kind = Kind::File {
                size: 0,
                sparse: None,
            };
        } else if metadata.nlink() > 1 && !metadata.is_dir() {
            let first = self.links.entry((metadata.dev(), metadata.ino()));
            let first = first.or_insert_with(|| path.to_vec());
            if first != path {
                entry.kind = Kind::HardLink {
                    target: first.clone(),
                };
            }
        }
        match &mut entry.kind {
            Kind::File { size, sparse } if *size != 0 => {
                let mut file = File::open(place).at(place)?;
                // Fewer blocks than bytes: there are holes.
                if metadata.blocks() << 9 < *size {
                    *sparse = extents(&file, *size).at(place)?;
                }
                self.archive.begin(&mut entry).at(place)?;
                self.content(&mut file, &entry).at(place)?;
            }
            _ => self.archive.begin(&mut entry).at(place)?,
        }
        self.archive.end().at(place)?;
        if !metadata.is_dir() {
            return Ok(());
        }
        let mut names = Vec::new();
        for entry in std::fs::read_dir(place).at(place)? {
            names.push(entry.at(place)?.file_name());
        }
        names.sort();
        for name in names {
            let below = match path {
                b"" => name.as_bytes().to_vec(),
                path => [path, b"/", name.as_bytes()].concat(),
            };
            self.member(&place.join(&name), &below)?;
        }
        Ok(())
    }

    fn content(&mut self, file: &mut File, entry: &Entry) -> Result<()> {
        let Kind::File { size, sparse } = &entry.kind else {
            return Ok(());
        };
        let whole = [Extent {
            offset: 0,
            length: *size,
        }];
        for extent in sparse.as_deref().unwrap_or(&whole) {
            file.seek(std::io::SeekFrom::Start(extent.offset))?;
            let mut left = extent.length;
            while left != 0 {
                stop::check()?;
                let length = self
                    .buffer
                    .len()
                    .min(usize::try_from(left).unwrap_or(usize::MAX));
                let room = self.buffer.get_mut(..length).unwrap_or_default();
                let read = file.read(room)?;
                if read == 0 {
                    break;
                }
                self.archive
                    .data(self.buffer.get(..read).unwrap_or_default())?;
                self.bar.inc(read as u64);
                left = left.saturating_sub(read as u64);
            }
        }
        Ok(())
    }
}

/// A member without its data.
fn describe(place: &Path, path: &[u8], metadata: &Metadata) -> Result<Entry> {
    let kind = metadata.file_type();
    let device = metadata.rdev();
    let (major, minor) = (rustix::fs::major(device), rustix::fs::minor(device));
    let kind = if kind.is_dir() {
        Kind::Directory
    } else if kind.is_symlink() {
        let target = std::fs::read_link(place).at(place)?;
        Kind::Symlink {
            target: target.as_os_str().as_bytes().to_vec(),
        }
    } else if kind.is_char_device() {
        Kind::CharDevice { major, minor }
    } else if kind.is_block_device() {
        Kind::BlockDevice { major, minor }
    } else if kind.is_fifo() {
        Kind::Fifo
    } else {
        Kind::File {
            size: metadata.len(),
            sparse: None,
        }
    };
    Ok(Entry {
        path: path.to_vec(),
        kind,
        mode: metadata.mode() & 0o7777,
        uid: metadata.uid(),
        gid: metadata.gid(),
        mtime: Time {
            seconds: metadata.mtime(),
            nanoseconds: u32::try_from(metadata.mtime_nsec()).unwrap_or_default(),
        },
        atime: None,
        xattrs: xattrs(place).at(place)?,
        offset: 0,
    })
}

/// Extended attributes, ACLs among them, by their names.
fn xattrs(place: &Path) -> Result<Vec<Xattr>, Errno> {
    let mut buffer = vec![0; XATTR_BYTES];
    let length = match llistxattr(place, &mut buffer[..]) {
        Ok(length) => length,
        Err(Errno::NOTSUP | Errno::NOSYS) => 0,
        Err(error) => return Err(error),
    };
    let names = buffer.get(..length).unwrap_or_default().to_vec();
    let mut found = Vec::new();
    for name in names
        .split(|byte| *byte == 0)
        .filter(|name| !name.is_empty())
    {
        let length = match lgetxattr(place, name, &mut buffer[..]) {
            Ok(length) => length,
            // The attribute is gone, or only the kernel may read it.
            Err(Errno::NODATA | Errno::NOTSUP) => continue,
            Err(error) => return Err(error),
        };
        found.push(Xattr {
            name: name.to_vec(),
            value: buffer.get(..length).unwrap_or_default().to_vec(),
        });
    }
    found.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(found)
}

/// The extents with data; `None` if the file has no holes, or if they cannot be
/// determined.
fn extents(file: &File, size: u64) -> Result<Option<Vec<Extent>>, Errno> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < size {
        let start = match seek(file, SeekFrom::Data(at)) {
            Ok(start) => start,
            Err(Errno::NXIO) => break,
            Err(Errno::INVAL | Errno::NOTSUP) => return Ok(None),
            Err(error) => return Err(error),
        };
        let end = seek(file, SeekFrom::Hole(start))?.min(size);
        if start >= end {
            break;
        }
        found.push(Extent {
            offset: start,
            length: end.saturating_sub(start),
        });
        at = end;
    }
    let whole = found
        .first()
        .is_some_and(|e| e.offset == 0 && e.length == size);
    Ok((!whole).then_some(found))
}
