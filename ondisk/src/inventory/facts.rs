// SPDX-License-Identifier: MIT OR Apache-2.0
//! What is kept of a look through a payload, so that it need not be decoded twice.

use super::limits;
use crate::manifest::{Manifest, Payload};
use crate::pax::{Entry, Totals};
use serde::{Deserialize, Serialize};

/// What was found in a payload, to be kept beside its checksum.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    /// In all.
    pub payload: Payload,
    /// On each file system.
    #[serde(default)]
    pub content: Vec<Content>,
}

/// What the payload puts on one file system.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Content {
    /// Where it is mounted.
    pub mount: String,
    /// Bytes, each file rounded up to 4 KiB.
    pub bytes: u64,
    /// Members.
    pub entries: u64,
    /// The smallest block that the file system may have, in bytes.
    pub block: u32,
    /// The first member that needs such a block.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub because: String,
}

/// The manifest says something else than what is in the payload.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "migration.toml says that the payload has {claimed}, and va.tar.xz has {found}; make the package again with replant-pack bundle"
)]
pub struct Disagreement {
    /// The manifest's words.
    pub claimed: String,
    /// What is there.
    pub found: String,
}

impl Facts {
    /// Whether the manifest says the same.
    ///
    /// # Errors
    /// [`Disagreement`] about the first thing that differs.
    pub fn agree(&self, manifest: &Manifest) -> Result<(), Disagreement> {
        fn same(claimed: String, found: String) -> Result<(), Disagreement> {
            match claimed == found {
                true => Ok(()),
                false => Err(Disagreement { claimed, found }),
            }
        }
        let both =
            |what: &dyn Fn(&Payload) -> String| same(what(&manifest.payload), what(&self.payload));
        both(&|p| format!("{} members", p.entries))?;
        both(&|p| format!("{} bytes in its files", p.unpacked_bytes))?;
        both(&|p| match p.kernels.len() {
            0 => "no kernel".into(),
            _ => format!("the kernels {}", p.kernels.join(", ")),
        })?;
        both(&|p| format!("{} /etc/fstab", if p.fstab { "an" } else { "no" }))?;
        let program = |path: &str| match path {
            "" => "none".to_string(),
            path => path.to_string(),
        };
        both(&|p| format!("a program that installs GRUB: {}", program(&p.grub_install)))?;
        both(&|p| {
            format!(
                "a program that makes an initramfs: {}",
                program(&p.initramfs_tool)
            )
        })?;
        for filesystem in &manifest.filesystems {
            let mount = &filesystem.mount;
            let found = self.content.iter().find(|c| c.mount == *mount);
            let (bytes, entries) = found.map_or((0, 0), |c| (c.bytes, c.entries));
            let line = |bytes, entries| format!("{bytes} bytes and {entries} members on {mount}");
            same(
                line(filesystem.content_bytes, filesystem.content_entries),
                line(bytes, entries),
            )?;
        }
        Ok(())
    }
}

/// Counts what lies on one file system.
#[derive(Debug, Clone, Default)]
pub(super) struct Counts {
    totals: Totals,
    block: u32,
    because: String,
}

impl Counts {
    pub(super) fn add(&mut self, entry: &Entry) {
        self.totals.add(entry);
        let block = limits::block(entry);
        if block > self.block.max(limits::SMALL_BLOCK) {
            self.block = block;
            self.because = entry.name().to_string();
        }
    }

    pub(super) fn content(self, mount: String) -> Content {
        Content {
            mount,
            bytes: self.totals.blocks,
            entries: self.totals.entries,
            block: self.block.max(limits::SMALL_BLOCK),
            because: self.because,
        }
    }
}
