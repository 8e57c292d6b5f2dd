// SPDX-License-Identifier: MIT OR Apache-2.0
//! `layout.toml`: what `capture` finds out and a person may edit, before
//! `bundle` makes the manifest of it.

use crate::file::At;
use crate::leave_out::{self, LeaveOut};
use anyhow::Result;
use ondisk::document;
use ondisk::manifest::{
    Boot, Carry, Console, Filesystem, Hooks, Policy, Protection, Requires, Table, VolumeGroup, Wipe,
};
use serde::{Deserialize, Serialize};
use std::path::Path;

/// Its name, beside `va.sgdisk` and `va.tar.xz`.
pub const LAYOUT: &str = "layout.toml";

/// The manifest's keys that do not follow from the files.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Layout {
    pub name: String,
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
    /// What a machine must have.
    #[serde(default, skip_serializing_if = "Requires::is_default")]
    pub requires: Requires,
    /// Files of the old system that the new one gets.
    #[serde(default, skip_serializing_if = "Carry::is_default")]
    pub carry: Carry,
    /// Programs of the new system that are run in it once.
    #[serde(default, skip_serializing_if = "Hooks::is_default")]
    pub hooks: Hooks,
    /// What is not cloned; the usual list if nothing is said.
    #[serde(default, skip_serializing)]
    pub leave_out: Option<LeaveOut>,
    /// Volume groups.
    #[serde(
        rename = "volume_group",
        default,
        skip_serializing_if = "Vec::is_empty"
    )]
    pub volume_groups: Vec<VolumeGroup>,
    #[serde(rename = "filesystem")]
    pub filesystems: Vec<Filesystem>,
}

impl Layout {
    /// A layout with these values and defaults for the rest.
    pub fn new(
        name: String,
        version: &str,
        volume_groups: Vec<VolumeGroup>,
        filesystems: Vec<Filesystem>,
    ) -> Layout {
        Layout {
            name,
            version: version.to_string(),
            protection: None,
            proof_boot: None,
            table: Table::default(),
            boot: Boot::default(),
            identity: Policy::default(),
            console: Console::default(),
            wipe: Wipe::default(),
            requires: Requires::default(),
            carry: Carry::default(),
            hooks: Hooks::default(),
            leave_out: None,
            volume_groups,
            filesystems,
        }
    }

    /// Reads a file.
    pub fn read(path: &Path) -> Result<Layout> {
        let text = std::fs::read_to_string(path).at(path)?;
        document::read(&text).at(path)
    }

    /// The text of a layout that `capture` made, including the default list.
    pub fn text(&self) -> Result<String> {
        let text = document::write(self).at(Path::new(LAYOUT))?;
        Ok(text + &leave_out::usual_text())
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
        let path = dir.path().join(LAYOUT);
        std::fs::write(&path, text).unwrap();
        let layout = Layout::read(&path).unwrap();
        assert_eq!(layout.leave_out, None);
        assert_eq!(layout.filesystems.len(), 4);
        let sizes = layout.volume_groups[0].volumes.iter().map(|v| v.size);
        let mib = ondisk::manifest::Size::Bytes(512 << 20);
        assert!(sizes.eq([mib, mib, ondisk::manifest::Size::Rest]));
        // What is written is read again, with the list that is usual.
        std::fs::write(&path, layout.text().unwrap()).unwrap();
        let mut again = Layout::read(&path).unwrap();
        assert_eq!(again.leave_out.take(), Some(LeaveOut::usual()));
        assert_eq!(again, layout);
    }
}
