// SPDX-License-Identifier: MIT OR Apache-2.0
//! What is on a block device.

use crate::disk::{self, Disk};
use ondisk::signature::{Device, Signature, find, regions};
use std::path::Path;

/// What is on a block device.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Content {
    /// Its type, as mount(2) and blkid call it.
    pub kind: String,
    /// Its UUID, as blkid prints it; empty when it has none.
    pub uuid: String,
    pub label: String,
}

/// The result of looking for signatures on a device.
#[derive(Debug, Default)]
pub(super) struct Look {
    pub(super) signatures: Vec<Signature>,
    /// Everything that was read is zero.
    pub(super) blank: bool,
    /// Why a part of it could not be read.
    pub(super) unread: Option<disk::Error>,
}

/// Reads the places where signatures may be, and looks for them.
pub(super) fn look(path: &Path) -> Look {
    let mut look = Look::default();
    let disk = match Disk::open(path) {
        Ok(disk) => disk,
        Err(error) => {
            look.unread = Some(error);
            return look;
        }
    };
    let mut pieces = Vec::new();
    for range in regions(disk.bytes()) {
        // A region has a MiB at most.
        let length = range.end.saturating_sub(range.start) as usize;
        let mut bytes = vec![0; length];
        match disk.read_at(range.start, &mut bytes) {
            Ok(()) => pieces.push((range.start, bytes)),
            Err(error) => look.unread = Some(error),
        }
    }
    look.blank = pieces.iter().all(|(_, b)| b.iter().all(|byte| *byte == 0));
    let pieces = pieces.iter().map(|(at, b)| (*at, b.as_slice()));
    look.signatures = find(&Device::new(disk.bytes(), pieces));
    look
}

/// What a device contains, by its signatures; `None` when no known signature is
/// there, or when it has a partition table.
///
/// # Errors
/// When none was found and a part of it could not be read.
pub fn content(path: &Path) -> Result<Option<Content>, disk::Error> {
    let look = look(path);
    // A device with a table is described by its partitions. A FAT boot sector
    // looks like a table, too.
    let first = look.signatures.iter().find(|s| !s.kind.is_table());
    match (first, look.unread) {
        (Some(first), _) => Ok(Some(Content {
            kind: first.kind.name().to_string(),
            uuid: first.uuid.clone().unwrap_or_default(),
            label: first.label.clone().unwrap_or_default(),
        })),
        (None, None) => Ok(None),
        (None, Some(error)) => Err(error),
    }
}

/// As [`content`], for a device that may be unreadable (an empty drive, one that
/// is being removed): then it is `None`, too.
pub fn identify(path: &Path) -> Option<Content> {
    content(path).unwrap_or_else(|error| {
        log::debug!("{error}");
        None
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    #[test]
    fn agrees_with_mke2fs() {
        let file = tempfile::NamedTempFile::new().unwrap();
        file.as_file().set_len(64 << 20).unwrap();
        assert_eq!(identify(file.path()), None);
        let uuid = "11111111-2222-3333-4444-555555555555";
        let status = Command::new("/sbin/mke2fs")
            .args(["-q", "-F", "-t", "ext4", "-L", "old root", "-U", uuid])
            .arg(file.path())
            .status()
            .unwrap();
        assert!(status.success());
        let content = identify(file.path()).unwrap();
        assert_eq!(
            [&*content.kind, &*content.uuid, &*content.label],
            ["ext4", uuid, "old root"]
        );
    }
}
