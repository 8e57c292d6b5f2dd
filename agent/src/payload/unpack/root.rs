// SPDX-License-Identifier: MIT OR Apache-2.0
//! Directories below the new root, reached without leaving it.
use super::error::{Context, Error};
use ondisk::pax::Name;
use rootdir::beneath;
use rustix::fs::{self, AtFlags, FileType, Mode, OFlags};
use rustix::io::Errno;
use std::collections::BTreeMap;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::rc::Rc;

/// Directories that are kept open; an archive goes through a tree one
/// directory after the other.
const OPEN: usize = 32;

/// The new root.
pub(super) struct Root {
    top: Rc<OwnedFd>,
    /// The directories used last, the very last one at the end.
    open: Vec<(Vec<u8>, Rc<OwnedFd>)>,
    /// One directory of every file system seen, by device number.
    devices: BTreeMap<u64, Rc<OwnedFd>>,
}

impl Root {
    pub(super) fn new(path: &Path) -> Result<Root, Error> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let top = fs::open(path, flags, Mode::empty()).map_err(|errno| Error::Root {
            path: path.to_path_buf(),
            errno,
        })?;
        // Tells an old kernel apart from every other failure later on.
        match beneath(&top, b".") {
            Ok(_) => {}
            Err(Errno::NOSYS) => return Err(Error::OldKernel),
            Err(errno) => {
                return Err(Error::Root {
                    path: path.to_path_buf(),
                    errno,
                });
            }
        }
        let mut root = Root {
            top: Rc::new(top),
            open: Vec::new(),
            devices: BTreeMap::new(),
        };
        root.note_device(&root.top.clone())?;
        Ok(root)
    }

    /// The directory that holds `path`, made if it is missing, and the last
    /// component. `path` is a member's path (`pax::Entry::path`), not empty.
    pub(super) fn parent<'a>(&mut self, path: &'a [u8]) -> Result<(Rc<OwnedFd>, &'a [u8]), Error> {
        match self.find(path) {
            Err(Error::Entry {
                errno: Errno::NOENT,
                ..
            }) => {
                let (parent, name) = split(path);
                Ok((self.make(parent)?, name))
            }
            found => found,
        }
    }

    /// The existing directory that should hold `path`, and the last component.
    pub(super) fn find<'a>(&mut self, path: &'a [u8]) -> Result<(Rc<OwnedFd>, &'a [u8]), Error> {
        let (parent, name) = split(path);
        match self.directory(parent) {
            Ok(dir) => Ok((dir, name)),
            // The member is what its user knows, not where it was to go.
            Err(Error::Blocked { .. }) => Err(Error::Blocked {
                name: Name::new(path),
            }),
            Err(error) => Err(error),
        }
    }

    /// An existing directory.
    pub(super) fn directory(&mut self, path: &[u8]) -> Result<Rc<OwnedFd>, Error> {
        if path.is_empty() {
            return Ok(self.top.clone());
        }
        if let Some(i) = self.open.iter().rposition(|(open, _)| open == path) {
            let kept = self.open.remove(i);
            let dir = kept.1.clone();
            self.open.push(kept);
            return Ok(dir);
        }
        let dir = beneath(&self.top, path).map_err(|errno| blocked(path, errno))?;
        let dir = Rc::new(dir);
        self.note_device(&dir)?;
        if self.open.len() >= OPEN {
            self.open.remove(0);
        }
        self.open.push((path.to_vec(), dir.clone()));
        Ok(dir)
    }

    /// Makes a directory for which the archive has no member of its own, with
    /// those above it.
    fn make(&mut self, path: &[u8]) -> Result<Rc<OwnedFd>, Error> {
        let mode = Mode::from_raw_mode(0o755);
        for (i, _) in path.iter().enumerate().filter(|(_, byte)| **byte == b'/') {
            let above = path.get(..i).unwrap_or_default();
            self.make_one(above, mode)?;
        }
        self.make_one(path, mode)?;
        self.directory(path)
    }

    fn make_one(&mut self, path: &[u8], mode: Mode) -> Result<(), Error> {
        let (parent, name) = split(path);
        let parent = self.directory(parent)?;
        match fs::mkdirat(&*parent, name, mode) {
            // mkdir's mode is subject to the umask.
            Ok(()) => fs::chmodat(&*parent, name, mode, AtFlags::empty())
                .during(path, "set the mode of a directory"),
            Err(Errno::EXIST) => Ok(()),
            Err(errno) => Err(errno).during(path, "make a directory"),
        }
    }

    /// Removes what stands at `name`, which something else must replace.
    /// Says whether it was a directory (an empty one).
    pub(super) fn remove(
        &mut self,
        dir: &OwnedFd,
        name: &[u8],
        path: &[u8],
    ) -> Result<bool, Error> {
        match fs::unlinkat(dir, name, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => return Ok(false),
            Err(Errno::ISDIR) => {}
            Err(errno) => return Err(errno).during(path, "remove what was there"),
        }
        match fs::unlinkat(dir, name, AtFlags::REMOVEDIR) {
            Ok(()) => {
                self.open.retain(|(open, _)| open != path);
                Ok(true)
            }
            Err(Errno::NOTEMPTY | Errno::BUSY) => Err(Error::InTheWay {
                name: Name::new(path),
            }),
            Err(errno) => Err(errno).during(path, "remove what was there"),
        }
    }

    /// Makes `name` a directory, whatever stands there; says whether one was
    /// there already.
    pub(super) fn make_directory(
        &mut self,
        dir: &OwnedFd,
        name: &[u8],
        path: &[u8],
    ) -> Result<bool, Error> {
        // Closed to all until its owner and mode are set, at the end.
        let mode = Mode::from_raw_mode(0o700);
        match fs::mkdirat(dir, name, mode) {
            Ok(()) => return Ok(false),
            Err(Errno::EXIST) => {}
            Err(errno) => return Err(errno).during(path, "make the directory"),
        }
        let there = fs::statat(dir, name, AtFlags::SYMLINK_NOFOLLOW)
            .during(path, "look at what is there")?;
        if FileType::from_raw_mode(there.st_mode) == FileType::Directory {
            return Ok(true);
        }
        self.remove(dir, name, path)?;
        fs::mkdirat(dir, name, mode).during(path, "make the directory")?;
        Ok(false)
    }

    /// Waits until all that was written is on the disks. Errors of writes
    /// that the kernel did later come out here.
    pub(super) fn sync(&self) -> Result<(), Error> {
        for dir in self.devices.values() {
            fs::syncfs(&**dir).map_err(|errno| Error::Sync { errno })?;
        }
        Ok(())
    }

    fn note_device(&mut self, dir: &Rc<OwnedFd>) -> Result<(), Error> {
        let stat = fs::fstat(&**dir).during(b"", "look at a directory")?;
        self.devices
            .entry(stat.st_dev)
            .or_insert_with(|| dir.clone());
        Ok(())
    }
}

fn blocked(path: &[u8], errno: Errno) -> Error {
    let name = Name::new(path);
    match errno {
        Errno::LOOP | Errno::XDEV | Errno::NOTDIR => Error::Blocked { name },
        _ => Error::Entry {
            name,
            step: "open the directory",
            errno,
        },
    }
}

/// The path above the last component, and that.
fn split(path: &[u8]) -> (&[u8], &[u8]) {
    match path.iter().rposition(|byte| *byte == b'/') {
        Some(slash) => {
            let (parent, name) = path.split_at_checked(slash).unwrap_or((path, b""));
            (parent, name.strip_prefix(b"/").unwrap_or(name))
        }
        None => (b"", path),
    }
}
