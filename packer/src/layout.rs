// SPDX-License-Identifier: MIT OR Apache-2.0
//! `layout.toml`: what `capture` finds out and a person may edit, before
//! `bundle` makes the manifest of it.

use crate::file::At;
use anyhow::Result;
use ondisk::document;
use ondisk::manifest::{Boot, Console, Filesystem, Policy, Protection, Table, VolumeGroup, Wipe};
use serde::{Deserialize, Serialize};
use std::path::Path;

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
    /// What a power cut may lead to at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub protection: Option<Protection>,
    /// Whether the machine restarts once to show that it comes back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proof_boot: Option<bool>,
    /// How the table is fitted to a disk.
    #[serde(default)]
    pub table: Table,
    /// Commands that make the new system bootable, instead of the default ones.
    #[serde(default)]
    pub boot: Boot,
    /// What is carried over of the old machine.
    #[serde(default)]
    pub identity: Policy,
    /// Who may use the tiny system's recovery console.
    #[serde(default, skip_serializing_if = "Console::is_default")]
    pub console: Console,
    /// What becomes of the old disk's free space.
    #[serde(default, skip_serializing_if = "Wipe::is_default")]
    pub wipe: Wipe,
    /// Volume groups.
    #[serde(
        rename = "volume_group",
        default,
        skip_serializing_if = "Vec::is_empty"
    )]
    pub volume_groups: Vec<VolumeGroup>,
    /// File systems.
    #[serde(rename = "filesystem")]
    pub filesystems: Vec<Filesystem>,
}

impl Layout {
    /// Reads `layout.toml` in a directory.
    pub fn read(dir: &Path) -> Result<Layout> {
        let path = dir.join(LAYOUT);
        let text = std::fs::read_to_string(&path).at(&path)?;
        document::read(&text).at(&path)
    }

    /// Writes `layout.toml` into a directory.
    pub fn write(&self, dir: &Path) -> Result<()> {
        let path = dir.join(LAYOUT);
        let text = document::write(self).at(&path)?;
        std::fs::write(&path, text).at(&path)
    }
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
