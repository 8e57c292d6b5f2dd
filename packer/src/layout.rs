// SPDX-License-Identifier: MIT OR Apache-2.0
//! `layout.toml`: what `capture` finds out and a person may edit, before
//! `bundle` makes the manifest of it.

use ondisk::manifest::{Boot, Filesystem, Table, VolumeGroup};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// Its name, beside `va.sgdisk` and `va.tar.xz`.
pub const LAYOUT: &str = "layout.toml";

/// The manifest's keys that do not follow from the files.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Layout {
    /// What the package is called.
    pub name: String,
    /// Its version.
    #[serde(default)]
    pub version: String,
    /// How the table is fitted to a disk.
    #[serde(default)]
    pub table: Table,
    /// Commands that make the new system bootable, instead of the default ones.
    #[serde(default)]
    pub boot: Boot,
    /// What is carried over of the old machine.
    #[serde(default)]
    pub identity: toml::Table,
    /// Volume groups.
    #[serde(rename = "volume_group", default)]
    pub volume_groups: Vec<VolumeGroup>,
    /// File systems.
    #[serde(rename = "filesystem")]
    pub filesystems: Vec<Filesystem>,
}

/// Why a layout cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file.
    #[error("{}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: std::io::Error,
    },
    /// Its text.
    #[error("{}: {what}", path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        what: String,
    },
}

impl Layout {
    /// Reads `layout.toml` in a directory.
    pub fn read(dir: &Path) -> Result<Layout, Error> {
        let path = dir.join(LAYOUT);
        let text = std::fs::read_to_string(&path).map_err(|source| Error::File {
            path: path.clone(),
            source,
        })?;
        toml::from_str(&text).map_err(|e| Error::Syntax {
            path,
            what: e.message().into(),
        })
    }

    /// Writes `layout.toml` into a directory.
    pub fn write(&self, dir: &Path) -> Result<(), Error> {
        let path = dir.join(LAYOUT);
        let text = toml::to_string(self).map_err(|e| Error::Syntax {
            path: path.clone(),
            what: e.to_string(),
        })?;
        std::fs::write(&path, text).map_err(|source| Error::File { path, source })
    }
}

/// Whether a path of an fstab is the manifest's device `partition N` or
/// `GROUP/VOLUME`.
pub fn device_has_path(device: &str, path: &str) -> bool {
    // Disks whose kernel's name may differ from machine to machine.
    const DISKS: [&str; 6] = [
        "/dev/sda",
        "/dev/vda",
        "/dev/hda",
        "/dev/xvda",
        "/dev/nvme0n1p",
        "/dev/mmcblk0p",
    ];
    if let Some(number) = device.strip_prefix("partition ") {
        return DISKS.iter().any(|d| path.strip_prefix(d) == Some(number));
    }
    let Some((group, volume)) = device.split_once('/') else {
        return false;
    };
    let mapped = ondisk::lvm::dm_name(group, volume);
    path == format!("/dev/{device}") || mapped.is_ok_and(|n| path == format!("/dev/mapper/{n}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_in_the_readme_is_one() {
        let readme = include_str!("../../README.md");
        let (_, rest) = readme.split_once("```toml\n").unwrap();
        let (text, _) = rest.split_once("```").unwrap();
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join(LAYOUT), text).unwrap();
        let layout = Layout::read(dir.path()).unwrap();
        assert_eq!(layout.filesystems.len(), 4);
        let sizes = layout.volume_groups[0].volumes.iter().map(|v| v.size);
        let mib = ondisk::manifest::Size::Bytes(512 << 20);
        assert!(sizes.eq([mib, mib, ondisk::manifest::Size::Rest]));
        // What is written is read again.
        layout.write(dir.path()).unwrap();
        assert_eq!(Layout::read(dir.path()).unwrap(), layout);
    }
}
