// SPDX-License-Identifier: MIT OR Apache-2.0
//! A file system of the new system, and where it lies.

use crate::uuid;
use serde::{Deserialize, Serialize};

/// A file system.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Filesystem {
    /// `partition N` or `GROUP/VOLUME`.
    pub device: String,
    /// Where it is mounted in the new system: `/`, `/boot` ...
    pub mount: String,
    /// `ext4`; other types are refused by name.
    #[serde(rename = "type", default = "ext4")]
    pub kind: String,
    /// The UUID that the payload's fstab asks for; a new one when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uuid: Option<String>,
    /// Its label, at most 16 bytes.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub label: String,
    /// Bytes that the payload puts on it, each file rounded up to 4 KiB.
    #[serde(default)]
    pub content_bytes: u64,
    /// Number of files that the payload puts on it.
    #[serde(default)]
    pub content_entries: u64,
}

fn ext4() -> String {
    "ext4".into()
}

/// Where a file system lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Device<'a> {
    /// A partition by its number.
    Partition(u32),
    /// A logical volume.
    Volume {
        /// The volume group's name.
        group: &'a str,
        /// The logical volume's name.
        volume: &'a str,
    },
}

impl Filesystem {
    /// An ext4 of which nothing else is known.
    pub fn new(device: &str, mount: &str) -> Filesystem {
        Filesystem {
            device: device.into(),
            mount: mount.into(),
            kind: ext4(),
            uuid: None,
            label: String::new(),
            content_bytes: 0,
            content_entries: 0,
        }
    }

    /// The parsed `device`; `None` when it is neither form.
    pub fn device(&self) -> Option<Device<'_>> {
        if let Some(number) = self.device.strip_prefix("partition ") {
            return number.trim().parse().ok().map(Device::Partition);
        }
        let (group, volume) = self.device.split_once('/')?;
        let good = !group.is_empty() && !volume.is_empty() && !volume.contains('/');
        good.then_some(Device::Volume { group, volume })
    }

    /// The parsed UUID; `None` when there is none, or not in `8-4-4-4-12` form.
    pub fn uuid_bytes(&self) -> Option<[u8; 16]> {
        uuid::parse(self.uuid.as_deref()?)
    }
}
