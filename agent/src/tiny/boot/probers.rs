// SPDX-License-Identifier: MIT OR Apache-2.0
//! Hides os-prober. It mounts every file system that it finds, on any disk, and
//! grub-mkconfig calls it whenever the new system's /etc/default/grub asks for
//! it, which overrides the environment. So while programs run in the new root, a
//! program that does nothing is in its place.

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

/// Hides the probers behind the file `stand_in`, which is created. The new
/// system's files do not change.
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

/// Unhides them by unmounting everything that is mounted on a file; nothing else
/// is.
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
