// SPDX-License-Identifier: MIT OR Apache-2.0
//! What is on a block device.

use crate::disk::Disk;
use ondisk::signature::{Device, find, regions};
use std::path::Path;

/// What is on a block device.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Content {
    /// Its type, as mount(2) and blkid call it.
    pub kind: String,
    /// Its UUID, as blkid prints it; empty when it has none.
    pub uuid: String,
    /// Its label.
    pub label: String,
}

/// Looks at the signatures of a device; `None` when there is none that is
/// known, when it has a partition table, or when it cannot be read (an empty
/// drive, a device that goes away).
pub fn identify(path: &Path) -> Option<Content> {
    let disk = match Disk::open(path) {
        Ok(disk) => disk,
        Err(error) => {
            log::debug!("{error}");
            return None;
        }
    };
    let mut pieces = Vec::new();
    for range in regions(disk.bytes()) {
        let length = usize::try_from(range.end.saturating_sub(range.start)).ok()?;
        let mut bytes = vec![0; length];
        match disk.read_at(range.start, &mut bytes) {
            Ok(()) => pieces.push((range.start, bytes)),
            Err(error) => log::debug!("{error}"),
        }
    }
    let device = Device::new(
        disk.bytes(),
        pieces.iter().map(|(at, b)| (*at, b.as_slice())),
    );
    let found = find(&device);
    // Behind a table lie other devices, which speak for themselves; a boot
    // sector of a FAT looks like a table, too.
    let first = found.iter().find(|s| !s.kind.is_table())?;
    Some(Content {
        kind: first.kind.name().to_string(),
        uuid: first.uuid.clone().unwrap_or_default(),
        label: first.label.clone().unwrap_or_default(),
    })
}

/// What is on a device in a few words, as `ext4 "root"`; for the console.
pub fn describe(path: &Path) -> Option<String> {
    let content = identify(path)?;
    let label = if content.label.is_empty() {
        String::new()
    } else {
        format!(" {:?}", content.label)
    };
    Some(format!("{}{label}", content.kind))
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
            (content.kind.as_str(), content.uuid.as_str()),
            ("ext4", uuid)
        );
        assert_eq!(describe(file.path()).unwrap(), "ext4 \"old root\"");
    }
}
