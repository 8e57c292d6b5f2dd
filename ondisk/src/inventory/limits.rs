// SPDX-License-Identifier: MIT OR Apache-2.0
//! The limits of Linux and ext4 for a member: what the system calls of the
//! unpacker would refuse is refused beforehand.
//!
//! The rules are the kernel's: `fs/xattr.c`, `fs/posix_acl.c`,
//! `security/commoncap.c` and `fs/ext4/xattr.c` for attributes, without the
//! feature ea_inode, in inodes of 256 bytes.

use super::Findings;
use super::acl::{self, Acl};
use crate::pax::{Entry, Kind, Name, Time, Xattr};

/// The longest path in bytes that is unpacked. What comes from a real file
/// system has seldom a hundredth of it; longer ones would only cost time and
/// memory.
pub const LONGEST_PATH: usize = 16 << 10;

/// Names that one file may have on ext4 (EXT4_LINK_MAX).
pub(super) const MOST_LINKS: u32 = 65_000;

/// The block of a file system below 512 MiB.
pub(super) const SMALL_BLOCK: u32 = 1024;
/// The block of every bigger one.
const BLOCK: u32 = 4096;
/// No ext4 has such a block on x86.
const NO_BLOCK: u32 = 65_536;

/// The longest name of a file.
const NAME: usize = 255;
/// What one xattr may have (XATTR_NAME_MAX, XATTR_SIZE_MAX).
const XATTR_NAME: usize = 255;
const XATTR_VALUE: usize = 65_536;
/// In an inode of 256 bytes, of which 160 are fields: less a magic number, and
/// a word that ends the list.
const IN_INODE: usize = 256 - 160 - 4 - 4;
/// In a block: less the header, and a word that ends the list.
const IN_BLOCK: usize = 32 + 4;

/// Refuses, and warns of, what cannot be unpacked as it is.
pub(super) fn member(entry: &Entry, refusals: &mut Findings, warnings: &mut Findings) {
    if let Some(what) = refused(entry) {
        refusals.push(&entry.path, what);
    }
    if block(entry) > BLOCK {
        let what = match entry.kind {
            Kind::File { size, .. } if size > longest_file(BLOCK) => format!(
                "has {size} bytes, more than a file may have on ext4; make it smaller in the new system"
            ),
            _ => format!(
                "has more extended attributes than ext4 can hold: {} in one block of {BLOCK} bytes; remove some in the new system (setfattr -x)",
                attributes(entry)
            ),
        };
        refusals.push(&entry.path, what);
    }
    for xattr in &entry.xattrs {
        match xattr_fate(&entry.kind, xattr) {
            Fate::Refused(why) => refusals.push(
                &entry.path,
                format!(
                    "has the attribute {}, {why}; remove it in the new system (setfattr -x)",
                    Name::new(&xattr.name)
                ),
            ),
            Fate::Lost => warnings.push(
                &entry.path,
                format!(
                    "has the attribute {}, which ext4 does not have: it is lost",
                    Name::new(&xattr.name)
                ),
            ),
            Fate::Nothing | Fate::Stored { .. } => {}
        }
    }
    if !holds(entry.mtime) {
        let what = format!(
            "was changed at {} seconds after 1970, which ext4 cannot say: it gets the nearest time",
            entry.mtime.seconds
        );
        warnings.push(&entry.path, what);
    }
}

/// Seconds that an inode of 256 bytes can have: 34 bits from 1901 on.
fn holds(time: Time) -> bool {
    (-(1 << 31)..(3 << 32) + (1 << 31)).contains(&time.seconds)
}

fn refused(entry: &Entry) -> Option<String> {
    let target = match &entry.kind {
        Kind::HardLink { target } => target.len(),
        _ => 0,
    };
    let length = entry.path.len().max(target);
    if length > LONGEST_PATH {
        return Some(format!(
            "has a path of {length} bytes, more than the allowed {LONGEST_PATH}; remove it from the new system"
        ));
    }
    let mut parts = entry.path.split(|byte| *byte == b'/').map(<[u8]>::len);
    if let Some(length) = parts.find(|length| *length > NAME) {
        return Some(format!(
            "has a name of {length} bytes, and Linux takes {NAME}; rename it in the new system"
        ));
    }
    match &entry.kind {
        // Larger numbers would be truncated and mean another device.
        Kind::CharDevice { major, minor } | Kind::BlockDevice { major, minor }
            if *major > 0xfff || *minor > 0xf_ffff =>
        {
            Some(format!(
                "is the device {major}:{minor}, and Linux has numbers up to 4095:1048575; remove it from the new system"
            ))
        }
        Kind::Symlink { target } if target.len() > 4095 => Some(format!(
            "is a symbolic link of {} bytes, and Linux takes 4095; remove it from the new system",
            target.len()
        )),
        _ => None,
    }
}

/// The longest file with so big a block.
fn longest_file(block: u32) -> u64 {
    u64::from(u32::MAX).saturating_mul(u64::from(block))
}

/// The smallest block in bytes with which ext4 can hold a member; more than
/// there are if none can.
pub(super) fn block(entry: &Entry) -> u32 {
    let suits = |block: u32| {
        let size = block as usize;
        let fits = match &entry.kind {
            // With a NUL at the end.
            Kind::Symlink { target } => target.len() < size || size >= BLOCK as usize,
            Kind::File { size, .. } => *size <= longest_file(block),
            _ => true,
        };
        fits && fits_in(entry, size)
    };
    let sizes = [SMALL_BLOCK, 2 * SMALL_BLOCK, BLOCK];
    sizes.into_iter().find(|s| suits(*s)).unwrap_or(NO_BLOCK)
}

/// Whether the attributes fit, each set in its turn: into the inode as long as
/// there is room, then into the block (ext4_xattr_set_handle).
fn fits_in(entry: &Entry, block: usize) -> bool {
    let (mut inode, mut block) = (IN_INODE, block.saturating_sub(IN_BLOCK));
    entry.xattrs.iter().all(|xattr| {
        let Fate::Stored { name, value } = xattr_fate(&entry.kind, xattr) else {
            return true;
        };
        let need = (16 + name).next_multiple_of(4) + value.next_multiple_of(4);
        let place = if need <= inode {
            &mut inode
        } else {
            &mut block
        };
        match place.checked_sub(need) {
            Some(left) => {
                *place = left;
                true
            }
            None => false,
        }
    })
}

/// The attributes with their sizes, for a message.
fn attributes(entry: &Entry) -> String {
    let list = entry.xattrs.iter().take(5);
    let list = list.map(|x| format!("{} ({} bytes)", Name::new(&x.name), x.value.len()));
    list.collect::<Vec<_>>().join(", ")
}

/// What happens to an attribute.
enum Fate {
    /// ext4 stores so many bytes of name and value.
    Stored { name: usize, value: usize },
    /// Nothing has to be stored.
    Nothing,
    /// The file system does not know such attributes: unpacking goes on.
    Lost,
    /// The system call fails: unpacking ends.
    Refused(&'static str),
}

fn xattr_fate(kind: &Kind, xattr: &Xattr) -> Fate {
    let (name, value) = (&xattr.name[..], &xattr.value[..]);
    if name.is_empty() || name.len() > XATTR_NAME || name.contains(&0) {
        return Fate::Refused("whose name Linux does not take");
    }
    if value.len() > XATTR_VALUE {
        return Fate::Refused("whose value is longer than Linux takes");
    }
    let acl = |default: bool| match acl::read(value, default) {
        Acl::Invalid => Fate::Refused("which is no ACL"),
        Acl::Unknown => Fate::Lost,
        Acl::Mode => Fate::Nothing,
        Acl::Stored(value) => Fate::Stored { name: 0, value },
    };
    let plain = |prefix: &str| match name.len().saturating_sub(prefix.len()) {
        0 => Fate::Refused("which has no name"),
        length => Fate::Stored {
            name: length,
            value: value.len(),
        },
    };
    let symlink = matches!(kind, Kind::Symlink { .. });
    match name {
        // Since Linux 6.2 the value is checked before the error that links have
        // no ACLs.
        b"system.posix_acl_access" | b"system.posix_acl_default" if symlink => match acl(false) {
            Fate::Refused(why) => Fate::Refused(why),
            _ => Fate::Lost,
        },
        b"system.posix_acl_access" => acl(false),
        b"system.posix_acl_default" if *kind != Kind::Directory => {
            // An empty ACL is not stored.
            match acl(true) {
                Fate::Stored { .. } => Fate::Refused("which only a directory may have"),
                fate => fate,
            }
        }
        b"system.posix_acl_default" => acl(true),
        b"security.capability" if !is_capability(value) => {
            Fate::Refused("which is not in the form that Linux takes")
        }
        _ if name.starts_with(b"user.") => match kind {
            Kind::File { .. } | Kind::HardLink { .. } | Kind::Directory => plain("user."),
            _ => Fate::Refused("which only a file or a directory may have"),
        },
        _ if name.starts_with(b"trusted.") => plain("trusted."),
        _ if name.starts_with(b"security.") => plain("security."),
        _ => Fate::Lost,
    }
}

/// `struct vfs_cap_data` of revision 2, or 3 with a root user's number.
fn is_capability(value: &[u8]) -> bool {
    let revision = value.get(3).copied();
    matches!((value.len(), revision), (20, Some(2)) | (24, Some(3)))
}
