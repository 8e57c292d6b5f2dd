// SPDX-License-Identifier: MIT OR Apache-2.0
//! The new system's boot entries, as the payload brings them.

use super::{Error, programs};
use crate::plan::Plan;
use ondisk::manifest::{Filesystem, Manifest};
use ondisk::naming::Made;
use ondisk::words;
use rootdir::RootDir;

/// The manifest's file systems with the UUIDs that they have now.
pub(super) fn filesystems(plan: &Plan, manifest: &Manifest) -> Vec<Filesystem> {
    let mut filesystems = manifest.filesystems.clone();
    for filesystem in &mut filesystems {
        let planned = plan
            .filesystems
            .iter()
            .find(|p| p.mount == filesystem.mount);
        filesystem.uuid = planned.map(|p| ondisk::uuid::text(&p.options.uuid));
    }
    filesystems
}

/// Whether a boot entry names another root, or none, and grub2-mkconfig can
/// rewrite all entries. If it cannot, they keep their words.
pub(super) fn are_stale(root: &RootDir, plan: &Plan, manifest: &Manifest) -> Result<bool, Error> {
    let Some(path) = programs::find(root, "grub2-mkconfig")? else {
        return Ok(false);
    };
    let program = root.text(&path)?.unwrap_or_default();
    if !words::menu_can_update(&program) {
        return Ok(false);
    }
    let mut texts = Vec::new();
    let mut files = words::ENTRY_FILES.map(String::from).to_vec();
    for directory in ["etc/default/grub.d", words::BOOT_ENTRIES] {
        let names = root.list(directory)?;
        files.extend(names.iter().map(|name| format!("{directory}/{name}")));
    }
    for file in files.into_iter().filter(|f| words::is_wanted(f)) {
        let text = root.text(&file)?;
        texts.extend(text.map(|text| (file, text)));
    }
    let texts = texts.iter().map(|(f, t)| (f.as_str(), t.as_str()));
    let filesystems = filesystems(plan, manifest);
    let made = Made {
        table: &plan.table,
        groups: &manifest.volume_groups,
        filesystems: &filesystems,
    };
    Ok(words::stale_entries(texts, &made).is_some())
}
