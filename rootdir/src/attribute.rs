// SPDX-License-Identifier: MIT OR Apache-2.0
//! The extended attribute that holds a label.

use ondisk::selinux::Kind;
use rustix::fs::{FileType, XattrFlags};
use rustix::io::Errno;
use std::os::fd::{AsRawFd, OwnedFd};

const NAME: &str = "security.selinux";

/// A path of this process for `name` in `dir`: there is no system call for
/// attributes by directory and name before Linux 6.13.
pub fn path(dir: &OwnedFd, name: &[u8]) -> Vec<u8> {
    let dir = format!("/proc/self/fd/{}/", dir.as_raw_fd());
    [dir.as_bytes(), name].concat()
}

/// The label, as it is stored; none if there is none. A link is not followed.
pub fn get(path: &[u8]) -> Result<Option<Vec<u8>>, Errno> {
    let mut value = vec![0; 4096];
    match rustix::fs::lgetxattr(path, NAME, &mut value[..]) {
        Ok(length) => {
            value.truncate(length);
            // Nothing but its end is no label.
            Ok(value.iter().any(|b| *b != 0).then_some(value))
        }
        Err(Errno::NODATA) => Ok(None),
        Err(errno) => Err(errno),
    }
}

/// Sets a stored label.
pub fn set(path: &[u8], value: &[u8]) -> Result<(), Errno> {
    rustix::fs::lsetxattr(path, NAME, value, XattrFlags::empty())
}

/// A label as it is stored, with its end.
pub fn value(label: &str) -> Vec<u8> {
    [label.as_bytes(), &[0]].concat()
}

/// What a file is for a policy.
pub fn kind(kind: FileType) -> Kind {
    match kind {
        FileType::Directory => Kind::Directory,
        FileType::Symlink => Kind::Link,
        FileType::CharacterDevice => Kind::CharDevice,
        FileType::BlockDevice => Kind::BlockDevice,
        FileType::Fifo => Kind::Fifo,
        FileType::Socket => Kind::Socket,
        _ => Kind::File,
    }
}
