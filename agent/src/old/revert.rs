// SPDX-License-Identifier: MIT OR Apache-2.0
//! `replant revert`: undoes what `stage` did as far as possible, and names what
//! is left.

use super::bootentry::{self, Loader};
use super::lock::Lock;
use super::places::{self, FORMER_GRUBENV, Places};
use super::{Error, flush, protection};
use crate::block::{self, SYS};
use crate::disk::Disk;
use crate::machine;
use crate::terminal::say;
use std::path::Path;

/// Undoes what `stage` did; does nothing on a machine that was not staged.
pub fn revert() -> Result<(), Error> {
    if !rustix::process::geteuid().is_root() {
        return Err(Error::NotRoot);
    }
    let _lock = Lock::take()?;
    if remains().is_empty() {
        say("nothing was staged");
    }
    take_back()
}

/// As [`revert`], for a caller that holds the lock.
pub(super) fn take_back() -> Result<(), Error> {
    let mut errors = disarm();
    match own_boot_sector() {
        Ok(told) => told.iter().for_each(say),
        Err(error) => errors.push(error.to_string()),
    }
    errors.extend(Places::all().remove().iter().map(Error::to_string));
    errors.extend(Places::earlier().remove().iter().map(Error::to_string));
    rustix::fs::sync();
    // Names what still exists, whatever errors there were.
    for left in remains() {
        if !errors.iter().any(|error| error.contains(&left)) {
            errors.push(left);
        }
    }
    if errors.is_empty() {
        return Ok(());
    }
    Err(Error::Remains(errors))
}

/// Removes the entry and its choice, so that no boot starts the tiny system by
/// itself. Returns what could not be removed.
pub(super) fn disarm() -> Vec<String> {
    let former = std::fs::read(places::staged_dir().join(FORMER_GRUBENV)).ok();
    let loader = match Loader::detect_files(Path::new("/")) {
        Ok(loader) => loader,
        Err(bootentry::Error::NoLoader) => return Vec::new(),
        Err(error) => return vec![error.to_string()],
    };
    if loader.remains().is_empty() {
        return Vec::new();
    }
    let errors = loader.remove(former.as_deref());
    let mut errors: Vec<String> = errors.iter().map(ToString::to_string).collect();
    // GRUB reads the disk, not the journal.
    let boot = machine::mounts().map_err(Error::from).and_then(|mounts| {
        let boot = super::survey::holding(&mounts, Path::new("/boot"))?;
        Ok(boot.target.clone())
    });
    if let Err(error) = boot.and_then(|mount| flush::for_grub(Path::new(&mount))) {
        errors.push(error.to_string());
    }
    errors
}

/// Puts this system's boot code back into the first sector of its disk, if an armed
/// migration has put replant's loader there; then returns a message for a person.
/// Does nothing if it is there already, or if the disk is not known.
///
/// # Errors
/// When replant's loader is there and cannot be replaced.
pub(super) fn own_boot_sector() -> Result<Option<String>, Error> {
    let Some(name) = own_disk() else {
        return Ok(None);
    };
    let node = block::node(&name);
    if !protection::is_armed(&Disk::open(&node)?)? {
        return Ok(None);
    }
    protection::put_back(&Disk::open_writable(&node)?)?;
    Ok(Some(format!(
        "the first sector of {} was replant's: a migration was armed, and then this system was started and not the migration; this system's own boot code is back there",
        node.display()
    )))
}

/// The only disk below the root, if there is one.
fn own_disk() -> Option<String> {
    let mounts = machine::mounts().ok()?;
    let root = super::survey::holding(&mounts, Path::new("/")).ok()?;
    let mut disks = block::disks_below(Path::new(SYS), root.device).ok()?;
    let disk = disks.pop_first()?;
    disks.is_empty().then_some(disk)
}

fn remains() -> Vec<String> {
    let mut found = match Loader::detect_files(Path::new("/")) {
        Ok(loader) => loader.remains(),
        Err(_) => Vec::new(),
    };
    let all = [Places::all(), Places::earlier()];
    let paths = all.iter().flat_map(Places::remains);
    found.extend(paths.map(|path| path.display().to_string()));
    found
}
