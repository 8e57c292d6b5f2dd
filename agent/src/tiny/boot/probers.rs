// SPDX-License-Identifier: MIT OR Apache-2.0
//! os-prober mounts every file system that it finds, on any disk, and
//! grub-mkconfig calls it whenever /etc/default/grub of the new system asks for
//! it: that file overrides the environment. While programs run in the new
//! root, there is another program in its place, which does nothing.

#[cfg(test)]
mod tests;

use super::Error;
use crate::mount;
use ondisk::inventory::PATH;
use rootdir::RootDir;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use sys::cannot;

const NAMES: [&str; 2] = ["os-prober", "linux-boot-prober"];

/// Hides them behind the file `stand_in`, which is made. The new system's files
/// stay as they are.
pub(super) fn hide(root: &RootDir, stand_in: &Path) -> Result<(), Error> {
    let mut found = Vec::new();
    for directory in PATH {
        for name in NAMES {
            let path = format!("{directory}/{name}");
            if !root.is_program(&path)? {
                continue;
            }
            let Some(place) = root.place(&path)? else {
                continue;
            };
            let full = root.full(&path);
            let number = place.number().map_err(cannot("look at", &full))?;
            // One file may have several paths.
            if !found.iter().any(|(_, known)| *known == number) {
                found.push((place, number));
            }
        }
    }
    if found.is_empty() {
        return Ok(());
    }
    make(stand_in).map_err(cannot("make", stand_in))?;
    for (place, _) in &found {
        mount::hide(place, stand_in)?;
    }
    Ok(())
}

/// Brings them back: nothing else is mounted on a file.
pub(super) fn show(root: &Path) -> Result<(), Error> {
    let mounts = crate::machine::mounts().map_err(mount::Error::from)?;
    for mounted in mounts.iter().rev() {
        let path = Path::new(&mounted.target);
        let is_file = path.symlink_metadata().is_ok_and(|m| m.is_file());
        if path.starts_with(root) && is_file {
            mount::unmount_tree(path)?;
        }
    }
    Ok(())
}

fn make(path: &Path) -> std::io::Result<()> {
    if path.exists() {
        return Ok(());
    }
    if let Some(directory) = path.parent() {
        std::fs::create_dir_all(directory)?;
    }
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o755)
        .open(path)?;
    file.write_all(b"#!/bin/sh\nexit 0\n")
}
