// SPDX-License-Identifier: MIT OR Apache-2.0
//! A member, put together from its header and what came before it.
use super::header::Raw;
use super::records::Overrides;
use super::sparse::{self, Layout};
use super::{Entry, Error, Extent, Kind, Name, Time, Xattr, acl, path};

/// What headers in front of a member said about it.
pub(super) struct Described {
    pub overrides: Overrides,
    pub long_name: Option<Vec<u8>>,
    pub long_link: Option<Vec<u8>>,
}

/// A member, as far as its header tells.
pub(super) enum Member {
    /// All is known; so many bytes of data follow.
    Whole(Entry, u64),
    /// A sparse file; all is known.
    Mapped(Pending),
    /// An old GNU sparse file; blocks with the rest of the map follow.
    Extended(Pending),
    /// A sparse file of format 1.0; blocks with the map follow.
    Ahead(Pending),
}

/// A sparse file of which the map is not yet checked.
pub(super) struct Pending {
    pub entry: Entry,
    pub map: Vec<Extent>,
    /// Bytes of the file, holes included.
    pub size: u64,
    /// Bytes that the archive still holds for it.
    pub stored: u64,
}

impl Pending {
    /// The member with its map, if that is in order.
    pub(super) fn finish(self) -> Result<(Entry, Vec<Extent>), Error> {
        if i64::try_from(self.size).is_err() {
            return Err(self.bad("the file is too big"));
        }
        let map = sparse::checked(&self.map, self.size, self.stored)
            .map_err(|reason| self.bad(reason))?;
        let mut entry = self.entry;
        entry.kind = Kind::File {
            size: self.size,
            sparse: Some(map.clone()),
        };
        Ok((entry, map))
    }

    pub(super) fn bad(&self, reason: &'static str) -> Error {
        Error::Sparse {
            at: self.entry.offset,
            name: self.entry.name(),
            reason,
        }
    }
}

/// Reads the header of a member. `at` is its byte offset in the archive.
pub(super) fn read(raw: &Raw<'_>, at: u64, described: Described) -> Result<Member, Error> {
    let Described {
        overrides,
        long_name,
        long_link,
    } = described;
    // A record beats a long name, and that the header's own name.
    let full_name = (overrides.sparse.name.clone())
        .or(overrides.path.clone())
        .or(long_name)
        .unwrap_or_else(|| raw.name());
    let path = path::below_root(&full_name).map_err(|reason| Error::Path {
        at,
        name: Name::new(&full_name),
        reason,
    })?;
    let bad = |field, value: u64| Error::Number {
        at,
        name: Name::new(&path),
        field,
        text: Name::new(value.to_string().as_bytes()),
    };
    let owner = |field, record: Option<u64>, header: Result<u64, Error>| {
        let id = match record {
            Some(id) => id,
            None => header?,
        };
        // The last number means "leave it" to the kernel.
        u32::try_from(id)
            .ok()
            .filter(|id| *id != u32::MAX)
            .ok_or_else(|| bad(field, id))
    };
    let stored = match overrides.size {
        Some(size) => size,
        None => raw.size()?,
    };
    if i64::try_from(stored).is_err() {
        return Err(bad("size", stored));
    }
    let mut entry = Entry {
        kind: kind(
            raw,
            at,
            &full_name,
            &path,
            overrides.linkpath.clone().or(long_link),
        )?,
        mode: raw.mode()?,
        uid: owner("uid", overrides.uid, raw.uid())?,
        gid: owner("gid", overrides.gid, raw.gid())?,
        mtime: match overrides.mtime {
            Some(time) => time,
            None => Time {
                seconds: raw.mtime()?,
                nanoseconds: 0,
            },
        },
        atime: overrides.atime,
        xattrs: Vec::new(),
        offset: at,
        path,
    };
    let layout = match (&entry.kind, raw.flag()) {
        (Kind::File { .. }, b'S') => {
            let ((map, more), size) = raw.sparse()?;
            let pending = Pending {
                entry: with_xattrs(entry, overrides)?,
                map,
                size,
                stored,
            };
            return Ok(match more {
                true => Member::Extended(pending),
                false => Member::Mapped(pending),
            });
        }
        (Kind::File { .. }, _) => overrides.sparse.layout().map_err(|reason| Error::Sparse {
            at,
            name: entry.name(),
            reason,
        })?,
        // Some tars write the file's size here, none its data.
        (Kind::HardLink { .. }, _) => return Ok(Member::Whole(with_xattrs(entry, overrides)?, 0)),
        _ => Layout::Whole,
    };
    if let Kind::File { size, .. } = &mut entry.kind {
        *size = stored;
    }
    let entry = with_xattrs(entry, overrides)?;
    Ok(match layout {
        Layout::Whole => Member::Whole(entry, stored),
        Layout::Map(map, size) => Member::Mapped(Pending {
            entry,
            map,
            size,
            stored,
        }),
        Layout::Ahead(size) => Member::Ahead(Pending {
            entry,
            map: Vec::new(),
            size,
            stored,
        }),
    })
}

/// What the member is; a file's size is filled in later.
fn kind(
    raw: &Raw<'_>,
    at: u64,
    full_name: &[u8],
    path: &[u8],
    link: Option<Vec<u8>>,
) -> Result<Kind, Error> {
    let refuse = |reason| Error::Path {
        at,
        name: Name::new(full_name),
        reason,
    };
    let link = || link.unwrap_or_else(|| raw.link_name().to_vec());
    let flag = raw.flag();
    let kind = match flag {
        // An old convention: a file with a slash at the end is a directory.
        0 | b'0' | b'7' if full_name.ends_with(b"/") => Kind::Directory,
        0 | b'0' | b'7' | b'S' => Kind::File {
            size: 0,
            sparse: None,
        },
        b'1' => Kind::HardLink {
            target: path::below_root(&link())
                .ok()
                .filter(|target| !target.is_empty())
                .ok_or_else(|| refuse("it is a hard link to something outside of the new root"))?,
        },
        b'2' => {
            let target = link();
            if target.is_empty() || target.contains(&0) {
                return Err(refuse("it is a symbolic link to nothing"));
            }
            Kind::Symlink { target }
        }
        b'3' => {
            let (major, minor) = raw.device()?;
            Kind::CharDevice { major, minor }
        }
        b'4' => {
            let (major, minor) = raw.device()?;
            Kind::BlockDevice { major, minor }
        }
        b'5' => Kind::Directory,
        b'6' => Kind::Fifo,
        _ => {
            return Err(Error::Type {
                at,
                name: Name::new(full_name),
                flag: char::from(flag),
                what: type_name(flag),
            });
        }
    };
    if path.is_empty() && kind != Kind::Directory {
        return Err(refuse("it has no name but is no directory"));
    }
    Ok(kind)
}

/// Adds the attributes: what GNU tar's --xattrs wrote, and what only
/// --selinux or --acls wrote.
fn with_xattrs(mut entry: Entry, overrides: Overrides) -> Result<Entry, Error> {
    let mut xattrs = overrides.xattrs;
    let absent = |xattrs: &[Xattr], name: &[u8]| !xattrs.iter().any(|xattr| xattr.name == name);
    let label = &b"security.selinux"[..];
    if let Some(mut value) = overrides.selinux.filter(|_| absent(&xattrs, label)) {
        // The text is the label; what is stored ends with a NUL.
        value.push(0);
        xattrs.push(Xattr {
            name: label.to_vec(),
            value,
        });
    }
    let acls = [
        (&b"system.posix_acl_access"[..], overrides.acl_access),
        (b"system.posix_acl_default", overrides.acl_default),
    ];
    for (name, text) in acls {
        if let Some(text) = text.filter(|_| absent(&xattrs, name)) {
            let value = acl::binary(&text).map_err(|text| Error::Acl {
                at: entry.offset,
                name: entry.name(),
                text: Name::new(text),
            })?;
            xattrs.push(Xattr {
                name: name.to_vec(),
                value,
            });
        }
    }
    entry.xattrs = xattrs;
    Ok(entry)
}

fn type_name(flag: u8) -> &'static str {
    match flag {
        b'D' => "directory of an incremental archive",
        b'M' => "continuation from another volume",
        b'N' => "long name of an old GNU tar",
        b'A' => "Solaris ACL",
        b'E' => "Solaris extended attribute",
        b'I' => "inode only",
        b's' => "socket",
        _ => "member of unknown type",
    }
}
