// SPDX-License-Identifier: MIT OR Apache-2.0
//! One member of an archive, as whoever unpacks it wants it.

use super::Name;

/// A point in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Time {
    /// Seconds since 1970-01-01 UTC; negative before.
    pub seconds: i64,
    /// Nanoseconds after `seconds`, below 1,000,000,000.
    pub nanoseconds: u32,
}

/// A run of data in a sparse file, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extent {
    /// Offset in the file.
    pub offset: u64,
    /// Length; never 0.
    pub length: u64,
}

/// An extended attribute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Xattr {
    /// Full name with its name space: `user.x`, `security.capability`.
    pub name: Vec<u8>,
    /// The value, any bytes.
    pub value: Vec<u8>,
}

/// What a member is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// A regular file.
    File {
        /// Bytes of the file, holes included.
        size: u64,
        /// Where the data goes, in ascending order without overlaps; `None`
        /// for a file without holes.
        sparse: Option<Vec<Extent>>,
    },
    /// Another name of a member that came before.
    HardLink {
        /// That member's path, in the form of [`Entry::path`].
        target: Vec<u8>,
    },
    /// A symbolic link.
    Symlink {
        /// What it points to, as it stands in the archive.
        target: Vec<u8>,
    },
    /// A directory.
    Directory,
    /// A character device.
    CharDevice {
        /// Major number.
        major: u32,
        /// Minor number.
        minor: u32,
    },
    /// A block device.
    BlockDevice {
        /// Major number.
        major: u32,
        /// Minor number.
        minor: u32,
    },
    /// A named pipe.
    Fifo,
}

/// A member of the archive, with all that its headers say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Path below the root: components joined by single slashes, none of
    /// them empty, `.` or `..`, no slash at either end. Empty for the root
    /// itself.
    pub path: Vec<u8>,
    /// What it is.
    pub kind: Kind,
    /// Permission bits, 0 to 0o7777.
    pub mode: u32,
    /// Numeric owner; never 0xffff_ffff.
    pub uid: u32,
    /// Numeric group; never 0xffff_ffff.
    pub gid: u32,
    /// Time of the last change of the content.
    pub mtime: Time,
    /// Time of the last access, if the archive has it.
    pub atime: Option<Time>,
    /// Extended attributes in the order of the archive, no name twice.
    pub xattrs: Vec<Xattr>,
    /// Byte offset of the member's own header in the archive.
    pub offset: u64,
}

impl Entry {
    /// The path, for messages.
    pub fn name(&self) -> Name {
        Name::new(&self.path)
    }

    /// Bytes of data that the archive holds for this member: a file's size
    /// without its holes, 0 for everything else.
    pub fn stored(&self) -> u64 {
        match &self.kind {
            Kind::File {
                sparse: Some(map), ..
            } => map
                .iter()
                .fold(0, |sum, extent| sum.saturating_add(extent.length)),
            Kind::File { size, sparse: None } => *size,
            _ => 0,
        }
    }
}

/// What an archive holds in all. The manifest carries these numbers, and the
/// unpacker refuses an archive that exceeds them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Totals {
    /// Members of every kind, headers for long names and the like not counted.
    pub entries: u64,
    /// Bytes of file data: the sum of [`Entry::stored`].
    pub bytes: u64,
    /// Bytes that the data takes on a file system with blocks of 4096 bytes,
    /// with one block for every directory.
    pub blocks: u64,
}

impl Totals {
    /// Counts one more member.
    pub fn add(&mut self, entry: &Entry) {
        const UNIT: u64 = 4096;
        let stored = entry.stored();
        let blocks = match entry.kind {
            Kind::Directory => UNIT,
            _ => stored.checked_next_multiple_of(UNIT).unwrap_or(u64::MAX),
        };
        self.entries = self.entries.saturating_add(1);
        self.bytes = self.bytes.saturating_add(stored);
        self.blocks = self.blocks.saturating_add(blocks);
    }
}
