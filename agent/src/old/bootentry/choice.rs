// SPDX-License-Identifier: MIT OR Apache-2.0
//! What GRUB will start, by evaluating the files that it will read: our entry at
//! the next boot, and after that the same as without us.

use super::{Entry, Error, ID, Loader, Unwanted, entry, environment, file};
use crate::grubfiles::GrubFiles;
use contract::Mode;
use ondisk::grub::config::{Boot, Dialect, First, Start, boot, boots};
use ondisk::grub::{Changed, Files, GrubPath};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The name by which the evaluation of grub.cfg knows the file system of
/// /boot.
const DEVICE: &str = "boot";

/// The files that GRUB reads on this machine.
#[derive(Debug)]
pub struct View {
    files: GrubFiles,
    start: Start,
    mount: PathBuf,
}

/// What GRUB starts by itself when nothing is chosen for one boot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Normal(First);

impl std::fmt::Display for Normal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&describe(&self.0))
    }
}

impl View {
    /// Opens the file system with this UUID, mounted at `mount`, which holds the
    /// loader's files. `dialect` tells which distribution's patches this GRUB
    /// has.
    pub fn open(
        loader: &Loader,
        mount: &Path,
        uuid: &str,
        dialect: Dialect,
    ) -> Result<View, Error> {
        let mut files = GrubFiles::default();
        // No label is needed: our entry searches by UUID only, and on this disk
        // only.
        files.add(DEVICE, mount, uuid, "")?;
        let mut view = View {
            files,
            start: Start {
                device: DEVICE.into(),
                directory: String::new(),
                dialect,
            },
            mount: mount.into(),
        };
        view.start.directory = view.place(&loader.directory).path;
        Ok(view)
    }

    fn place(&self, path: &Path) -> GrubPath {
        let below = path.strip_prefix(&self.mount).unwrap_or(path);
        GrubPath::new(DEVICE, &below.to_string_lossy())
    }

    /// What GRUB starts without our lines and without a choice for one boot.
    pub fn normal(&self, loader: &Loader) -> Result<Normal, Error> {
        let mut changes = BTreeMap::new();
        for path in [loader.custom(), loader.config()] {
            let Some(text) = file::read(&path)? else {
                continue;
            };
            if entry::is_in(&text) {
                let rest = entry::without(&text);
                let rest = rest.map_err(|entry::Damaged| Error::Changed { path: path.clone() })?;
                changes.insert(self.place(&path), rest.unwrap_or_default());
            }
        }
        let path = loader.environment();
        changes.insert(self.place(&path), environment::unchosen(&path)?);
        let files = Changed::new(&self.files, changes);
        let normal = boot(&files, &self.start).map_err(Unwanted::from)?;
        Ok(Normal(normal.first))
    }

    /// Checks that GRUB would start `entry` once and `normal` afterwards, if the
    /// entry were installed now. Changes nothing.
    pub fn forecast(&self, loader: &Loader, entry: &Entry, normal: &Normal) -> Result<(), Error> {
        let mut changes = BTreeMap::new();
        for path in [&entry.kernel, &entry.initramfs] {
            changes.insert(GrubPath::new(DEVICE, path), Vec::new());
        }
        if let Some(path) = &entry.chain {
            changes.insert(GrubPath::new(DEVICE, path), loader::STAGE1.to_vec());
        }
        let (path, text) = loader.with(entry)?;
        changes.insert(self.place(&path), text);
        let path = loader.environment();
        let block = environment::armed(&path, &loader.former()?)?;
        changes.insert(self.place(&path), block);
        Ok(self.judge(&Changed::new(&self.files, changes), entry, normal)?)
    }

    /// Checks that GRUB will start `entry` once and `normal` afterwards.
    pub fn confirm(&self, entry: &Entry, normal: &Normal) -> Result<(), Error> {
        Ok(self.judge(&self.files, entry, normal)?)
    }

    fn judge(&self, files: &dyn Files, entry: &Entry, normal: &Normal) -> Result<(), Unwanted> {
        let all = boots(files, &self.start, 2)?;
        let [once, after] = &all[..] else {
            return Err(Unwanted::Unforeseen);
        };
        boots_entry(once, entry).map_err(|why| Unwanted::NotOurs {
            would: describe(&once.first),
            why,
            notes: once.notes.clone(),
        })?;
        if !is_same_start(&after.first, &normal.0) {
            return Err(Unwanted::NotAsBefore {
                would: describe(&after.first),
                normally: describe(&normal.0),
            });
        }
        for by_hand in after.entries().into_iter().filter(|e| e.id == ID) {
            let kernel = by_hand.outcome.kernel.as_ref();
            if kernel.is_none_or(|k| k.words.iter().any(|word| *word == Mode::Migrate.word())) {
                return Err(Unwanted::ByHand);
            }
        }
        Ok(())
    }
}

/// Checks that this boot starts our entry as intended; the error says what is
/// wrong.
fn boots_entry(boot: &Boot, entry: &Entry) -> Result<(), &'static str> {
    let started = boot
        .started()
        .filter(|started| started.id == ID)
        .ok_or("")?;
    let outcome = &started.outcome;
    let place = |path: &str| GrubPath::new(DEVICE, path);
    let direct = outcome.kernel.as_ref().filter(|_| outcome.boots);
    let chained = outcome.chained.as_ref().filter(|_| outcome.boots);
    match (&entry.chain, direct, chained) {
        (Some(sector), _, Some(chained)) if *chained == place(sector) => {}
        (Some(_), Some(_), None) => {
            return Err(": it does not know the boot for the armed one");
        }
        (Some(_), ..) => return Err(": it does not find replant's loader"),
        (None, Some(kernel), _) => {
            let initrds = [place(&entry.initramfs)];
            if kernel.place != place(&entry.kernel) || kernel.initrds != initrds {
                return Err(": other files would be booted");
            }
            let migrates = |word: &String| *word == Mode::Migrate.word();
            if !kernel.words.iter().any(migrates) {
                return Err(": it does not know the boot for the armed one");
            }
        }
        (None, None, _) => return Err(": it finds no kernel for it"),
    }
    let saved = boot
        .saved
        .iter()
        .any(|s| s.done && s.names.iter().any(|n| n == "next_entry"));
    saved
        .then_some(())
        .ok_or(": it cannot take the choice back")
}

/// Whether both start the same entry with the same kernel. Its number in the menu
/// may differ, for our entry is added before or behind it.
fn is_same_start(a: &First, b: &First) -> bool {
    match (a, b) {
        (First::Entry(a), First::Entry(b)) => {
            (&a.id, &a.title, &a.outcome, a.asks) == (&b.id, &b.title, &b.outcome, b.asks)
        }
        _ => a == b,
    }
}

/// Describes what GRUB does, as the end of a sentence that begins "it would".
fn describe(first: &First) -> String {
    match first {
        First::Entry(entry) if entry.asks => {
            format!("ask for a password for \"{}\"", entry.title)
        }
        First::Entry(entry) => format!("start \"{}\"", entry.title),
        First::Waits(_) => "wait in its menu for ever".to_string(),
        First::Prompt => "stop at its prompt".to_string(),
        First::Ends(command) => format!("end with \"{command}\""),
    }
}
