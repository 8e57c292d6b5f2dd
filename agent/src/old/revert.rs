// SPDX-License-Identifier: MIT OR Apache-2.0
//! `replant revert`: what `stage` did is taken back, as far as it can be, and
//! what could not is named.

use super::bootentry::{self, Loader};
use super::lock::Lock;
use super::places::{self, FORMER_GRUBENV, Places};
use super::{Error, flush};
use crate::machine;
use crate::terminal::say;
use std::path::Path;

/// Takes back what `stage` did; nothing happens on a machine that was not
/// staged.
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

/// The same for a caller that holds the lock.
pub(super) fn take_back() -> Result<(), Error> {
    let mut errors = disarm();
    errors.extend(Places::all().remove().iter().map(Error::to_string));
    errors.extend(Places::earlier().remove().iter().map(Error::to_string));
    rustix::fs::sync();
    // Whatever could be removed or not: what is still there is named.
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

/// Takes the entry and the choice of it away, so that no boot goes into the
/// tiny system by itself. Returns what could not be.
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
