// SPDX-License-Identifier: MIT OR Apache-2.0
//! Writes the archive's members, one after the other.

use super::Summary;
use super::attributes;
use super::directories::Directories;
use super::error::{Context, Error, Lost};
use super::root::Root;
use ondisk::inventory::LONGEST_PATH;
use ondisk::pax::{Entry, Event, Kind, Name, Totals};
use rustix::fs::{self, AtFlags, FileType, Mode, OFlags};
use rustix::io::Errno;
use std::os::fd::OwnedFd;
use std::path::Path;

/// Writes the members of one archive.
pub(super) struct Writer {
    root: Root,
    directories: Directories,
    at_most: Option<Totals>,
    totals: Totals,
    lost: Vec<Lost>,
    /// The regular file that is being written.
    current: Option<(OwnedFd, Entry)>,
}

impl Writer {
    pub(super) fn new(root: &Path, at_most: Option<Totals>) -> Result<Writer, Error> {
        Ok(Writer {
            root: Root::new(root)?,
            directories: Directories::default(),
            at_most,
            totals: Totals::default(),
            lost: Vec::new(),
            current: None,
        })
    }

    pub(super) fn event(&mut self, event: Event<'_>) -> Result<(), Error> {
        match event {
            Event::Entry(entry) => self.entry(*entry),
            Event::Data { offset, bytes } => match &self.current {
                Some((file, entry)) => write(file, entry, offset, bytes),
                None => Ok(()),
            },
            Event::EntryEnd => match self.current.take() {
                Some((file, entry)) => attributes::set_open(&file, &entry, &mut self.lost),
                None => Ok(()),
            },
            Event::End => Ok(()),
        }
    }

    /// The archive is complete: directories get what they were to get, and
    /// everything goes to the disk.
    pub(super) fn finish(mut self) -> Result<Summary, Error> {
        self.directories.finish(&mut self.root, &mut self.lost)?;
        self.root.sync()?;
        Ok(Summary {
            totals: self.totals,
            lost: self.lost,
        })
    }

    fn entry(&mut self, entry: Entry) -> Result<(), Error> {
        self.count(&entry)?;
        let target = match &entry.kind {
            Kind::HardLink { target } => target.len(),
            _ => 0,
        };
        let length = entry.path.len().max(target);
        if length > LONGEST_PATH {
            let (name, limit) = (short(&entry), LONGEST_PATH);
            return Err(Error::LongPath {
                name,
                length,
                limit,
            });
        }
        match &entry.kind {
            Kind::Directory => self.directory(entry),
            Kind::File { .. } => self.file(entry),
            Kind::HardLink { target } => self.hard_link(&entry, target),
            Kind::Symlink { target } => self.symlink(&entry, target),
            Kind::CharDevice { major, minor } => {
                self.device(&entry, FileType::CharacterDevice, *major, *minor)
            }
            Kind::BlockDevice { major, minor } => {
                self.device(&entry, FileType::BlockDevice, *major, *minor)
            }
            Kind::Fifo => self.device(&entry, FileType::Fifo, 0, 0),
        }
    }

    fn count(&mut self, entry: &Entry) -> Result<(), Error> {
        self.totals.add(entry);
        let Some(at_most) = self.at_most else {
            return Ok(());
        };
        for (what, found, limit) in [
            ("files", self.totals.entries, at_most.entries),
            ("bytes", self.totals.bytes, at_most.bytes),
        ] {
            if found > limit {
                return Err(Error::TooMuch {
                    name: entry.name(),
                    what,
                    limit,
                });
            }
        }
        Ok(())
    }

    fn directory(&mut self, entry: Entry) -> Result<(), Error> {
        let existed = if entry.path.is_empty() {
            true
        } else {
            let (dir, name) = self.root.parent(&entry.path)?;
            self.root.make_directory(&dir, name, &entry.path)?
        };
        if existed {
            let dir = self.root.directory(&entry.path)?;
            attributes::clear(&dir, &entry.path)?;
        }
        self.directories.push(entry);
        Ok(())
    }

    fn file(&mut self, entry: Entry) -> Result<(), Error> {
        let file = self.place(&entry.path, "make the file", |dir, name| {
            // Nobody else may read it until its owner and mode are set.
            let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
            let mode = Mode::from_raw_mode(0o600);
            fs::openat(dir, name, flags | OFlags::NOFOLLOW, mode)
        })?;
        if let Kind::File {
            size,
            sparse: Some(_),
        } = entry.kind
        {
            fs::ftruncate(&file, size).during(&entry.path, "set the size")?;
        }
        self.current = Some((file, entry));
        Ok(())
    }

    fn hard_link(&mut self, entry: &Entry, target: &[u8]) -> Result<(), Error> {
        let missing = || Error::NoTarget {
            name: entry.name(),
            target: Name::new(target),
        };
        let (from, from_name) = match self.root.find(target) {
            Err(Error::Entry {
                errno: Errno::NOENT,
                ..
            }) => return Err(missing()),
            found => found?,
        };
        let old = match fs::statat(&*from, from_name, AtFlags::SYMLINK_NOFOLLOW) {
            Err(Errno::NOENT) => return Err(missing()),
            old => old.during(target, "look at the file that is linked to")?,
        };
        // What is there may be that very file; removing it could remove the
        // last of its names.
        let (dir, name) = self.root.parent(&entry.path)?;
        match fs::statat(&*dir, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(new) if (new.st_dev, new.st_ino) == (old.st_dev, old.st_ino) => return Ok(()),
            _ => {}
        }
        // Without AT_SYMLINK_FOLLOW a link to a symbolic link is just that.
        self.place(&entry.path, "make the hard link", |dir, name| {
            fs::linkat(&*from, from_name, dir, name, AtFlags::empty())
        })
    }

    fn symlink(&mut self, entry: &Entry, target: &[u8]) -> Result<(), Error> {
        self.place(&entry.path, "make the symbolic link", |dir, name| {
            fs::symlinkat(target, dir, name)
        })?;
        let (dir, name) = self.root.parent(&entry.path)?;
        attributes::set_named(&dir, name, entry, true, &mut self.lost)
    }

    fn device(
        &mut self,
        entry: &Entry,
        kind: FileType,
        major: u32,
        minor: u32,
    ) -> Result<(), Error> {
        let mode = Mode::from_raw_mode(0o600);
        let device = fs::makedev(major, minor);
        self.place(&entry.path, "make the device or pipe", |dir, name| {
            fs::mknodat(dir, name, kind, mode, device)
        })?;
        let (dir, name) = self.root.parent(&entry.path)?;
        attributes::set_named(&dir, name, entry, false, &mut self.lost)
    }

    /// Makes something that must not exist yet, and for that removes what is
    /// there.
    fn place<T>(
        &mut self,
        path: &[u8],
        step: &'static str,
        make: impl Fn(&OwnedFd, &[u8]) -> Result<T, Errno>,
    ) -> Result<T, Error> {
        let (dir, name) = self.root.parent(path)?;
        match make(&dir, name) {
            Err(Errno::EXIST) => {}
            made => return made.during(path, step),
        }
        if self.root.remove(&dir, name, path)? {
            self.directories.forget(path);
        }
        make(&dir, name).during(path, step)
    }
}

/// The beginning of a path that is too long for a message.
fn short(entry: &Entry) -> Name {
    Name::new(entry.path.get(..80).unwrap_or(&entry.path))
}

/// Writes a run of data where it belongs.
fn write(file: &OwnedFd, entry: &Entry, mut offset: u64, mut bytes: &[u8]) -> Result<(), Error> {
    while !bytes.is_empty() {
        match rustix::io::pwrite(file, bytes, offset) {
            Ok(0) => return Err(Errno::IO).during(&entry.path, "write the file"),
            Ok(length) => {
                bytes = bytes.get(length..).unwrap_or_default();
                offset = offset.saturating_add(length as u64);
            }
            Err(Errno::INTR) => {}
            Err(errno) => return Err(errno).during(&entry.path, "write the file"),
        }
    }
    Ok(())
}
