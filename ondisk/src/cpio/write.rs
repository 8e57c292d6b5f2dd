// SPDX-License-Identifier: MIT OR Apache-2.0
//! Writing an archive: same content, same bytes.

use std::collections::BTreeMap;

use super::{
    CHARACTER_DEVICE, DIRECTORY, Error, HEADER_LEN, NAME_MAX, REGULAR, SYMLINK, TRAILER, TYPE_MASK,
    padding,
};

/// Archives end at a multiple of this, as cpio's do.
const BLOCK: usize = 512;

#[derive(Debug)]
struct Item {
    mode: u32,
    data: Vec<u8>,
    device: (u32, u32),
}

/// Collects files and writes them as one newc archive.
///
/// The output depends on the content alone: entries are sorted by path (so a
/// directory stands before what is in it, without which the kernel skips the
/// file silently), times and owners are 0, inode numbers count from 1.
/// Directories above a path are made with mode 0755 when nobody gives them.
#[derive(Debug, Default)]
pub struct Builder {
    items: BTreeMap<String, Item>,
    last: Option<(String, Item)>,
}

impl Builder {
    /// An empty archive.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a directory. `mode` is the permission bits; one given twice keeps
    /// the later mode.
    pub fn directory(&mut self, path: &str, mode: u32) -> Result<(), Error> {
        self.parents(path)?;
        if let Some(item) = self.items.get_mut(path) {
            if item.mode & TYPE_MASK != DIRECTORY {
                return Err(Error::Twice {
                    path: path.to_owned(),
                });
            }
            item.mode = DIRECTORY | mode & 0o7777;
            return Ok(());
        }
        self.add(path, DIRECTORY | mode & 0o7777, Vec::new(), (0, 0))
    }

    /// Adds a regular file. `mode` is the permission bits.
    pub fn file(&mut self, path: &str, mode: u32, data: Vec<u8>) -> Result<(), Error> {
        self.parents(path)?;
        check_length(path, &data)?;
        self.add(path, REGULAR | mode & 0o7777, data, (0, 0))
    }

    /// Adds a symbolic link to `target`.
    pub fn symlink(&mut self, path: &str, target: &str) -> Result<(), Error> {
        self.parents(path)?;
        if target.is_empty() || target.len() >= NAME_MAX || target.contains('\0') {
            return Err(Error::Path {
                path: target.to_owned(),
                why: "a link's target has 1 to 4095 bytes and no NUL",
            });
        }
        self.add(path, SYMLINK | 0o777, target.as_bytes().to_vec(), (0, 0))
    }

    /// Adds a character device `major`:`minor`. `mode` is the permission bits.
    pub fn character_device(
        &mut self,
        path: &str,
        mode: u32,
        major: u32,
        minor: u32,
    ) -> Result<(), Error> {
        self.parents(path)?;
        self.add(
            path,
            CHARACTER_DEVICE | mode & 0o7777,
            Vec::new(),
            (major, minor),
        )
    }

    /// Adds the one regular file that stands last, whatever its name sorts to.
    pub fn last_file(&mut self, path: &str, mode: u32, data: Vec<u8>) -> Result<(), Error> {
        self.parents(path)?;
        check_length(path, &data)?;
        if self.items.contains_key(path) || self.last.is_some() {
            return Err(Error::Twice {
                path: path.to_owned(),
            });
        }
        let item = Item {
            mode: REGULAR | mode & 0o7777,
            data,
            device: (0, 0),
        };
        self.last = Some((path.to_owned(), item));
        Ok(())
    }

    /// The archive with its trailer, padded with zeros to 512 bytes.
    pub fn build(&self) -> Vec<u8> {
        let mut out = Vec::new();
        let mut inode = 0u32;
        let last = self.last.iter().map(|(path, item)| (path, item));
        for (path, item) in self.items.iter().chain(last) {
            inode = inode.wrapping_add(1);
            let links = if item.mode & TYPE_MASK == DIRECTORY {
                2
            } else {
                1
            };
            entry(&mut out, path, item, inode, links);
        }
        let trailer = Item {
            mode: 0,
            data: Vec::new(),
            device: (0, 0),
        };
        entry(&mut out, TRAILER, &trailer, 0, 1);
        out.resize(out.len().next_multiple_of(BLOCK), 0);
        out
    }

    fn add(
        &mut self,
        path: &str,
        mode: u32,
        data: Vec<u8>,
        device: (u32, u32),
    ) -> Result<(), Error> {
        let taken = self.last.as_ref().is_some_and(|(last, _)| last == path);
        if taken || self.items.contains_key(path) {
            return Err(Error::Twice {
                path: path.to_owned(),
            });
        }
        self.items
            .insert(path.to_owned(), Item { mode, data, device });
        Ok(())
    }

    /// Checks `path` and adds the directories above it.
    fn parents(&mut self, path: &str) -> Result<(), Error> {
        let wrong = |why| {
            Err(Error::Path {
                path: path.to_owned(),
                why,
            })
        };
        if path.is_empty() || path == TRAILER {
            return wrong("it names nothing");
        }
        if path.len() >= NAME_MAX || path.contains('\0') {
            return wrong("a path has at most 4095 bytes and no NUL");
        }
        if path.split('/').any(|part| matches!(part, "" | "." | "..")) {
            return wrong("it must be relative, without empty parts, `.` and `..`");
        }
        for (at, _) in path.match_indices('/') {
            let Some(parent) = path.get(..at) else {
                continue;
            };
            match self.items.get(parent) {
                Some(item) if item.mode & TYPE_MASK == DIRECTORY => {}
                Some(_) => return wrong("what stands above it is no directory"),
                None => self.add(parent, DIRECTORY | 0o755, Vec::new(), (0, 0))?,
            }
        }
        Ok(())
    }
}

fn check_length(path: &str, data: &[u8]) -> Result<(), Error> {
    match u32::try_from(data.len()) {
        Ok(_) => Ok(()),
        Err(_) => Err(Error::TooBig {
            path: path.to_owned(),
            length: data.len(),
        }),
    }
}

fn entry(out: &mut Vec<u8>, name: &str, item: &Item, inode: u32, links: u32) {
    let (major, minor) = item.device;
    // ino mode uid gid nlink mtime filesize devmajor devminor rdevmajor rdevminor namesize check
    let fields = [
        inode,
        item.mode,
        0,
        0,
        links,
        0,
        // Checked when it was added.
        item.data.len() as u32,
        0,
        0,
        major,
        minor,
        name.len() as u32 + 1,
        0,
    ];
    out.reserve(HEADER_LEN + name.len() + item.data.len() + 8);
    out.extend_from_slice(b"070701");
    for field in fields {
        out.extend_from_slice(format!("{field:08x}").as_bytes());
    }
    out.extend_from_slice(name.as_bytes());
    out.push(0);
    pad(out);
    out.extend_from_slice(&item.data);
    pad(out);
}

fn pad(out: &mut Vec<u8>) {
    out.resize(out.len() + padding(out.len()), 0);
}
