// SPDX-License-Identifier: MIT OR Apache-2.0
//! The one-shot boot entry of the old system.
//!
//! The entry is chosen for the next boot only: GRUB reads `next_entry` from
//! its environment block and empties it before the entry starts. So every
//! later reset, power cut or panic boots the old system again.
//!
//! It lies in `custom.cfg`, which grub.cfg reads while booting, so that
//! nothing that the distribution generates is changed; where grub.cfg does not
//! read it, at the end of grub.cfg itself. `grubby` is not used: what it makes
//! migrates whenever it is chosen, and it may make it the default for ever.

mod choice;
mod earlier;
mod entry;
mod environment;
mod error;
mod file;
mod unwanted;

pub use choice::{Normal, View};
pub use entry::{Entry, ID, block};
pub use environment::{armed_entry, overwrite, without_choice};
pub use error::Error;
pub use unwanted::Unwanted;

use std::path::{Path, PathBuf};
use sys::cannot;

/// The last line of ours in a file.
const END_LINE: &str = "### END replant ###";

/// GRUB's files, under the names that this distribution uses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loader {
    /// `/boot/grub2` or `/boot/grub`.
    directory: PathBuf,
    mkconfig: &'static str,
    /// Whether there is a `grubby`, with which version 0.1.0 made its entry.
    grubby: bool,
}

impl Loader {
    /// Finds the boot loader of the system below `root`.
    pub fn detect(root: &Path) -> Result<Loader, Error> {
        Loader::find(root, true)
    }

    /// As [`Loader::detect`], but by GRUB's files alone. It is for taking back
    /// what was staged: GRUB boots without its programs, and somebody may have
    /// removed those since.
    pub fn detect_files(root: &Path) -> Result<Loader, Error> {
        Loader::find(root, false)
    }

    fn find(root: &Path, strict: bool) -> Result<Loader, Error> {
        let program = |name: &str| {
            ["usr/sbin", "sbin", "usr/bin", "bin"]
                .iter()
                .any(|d| root.join(d).join(name).exists())
        };
        let kinds = [
            (
                "boot/grub2",
                "grub2-reboot",
                "grub2-mkconfig -o /boot/grub2/grub.cfg",
            ),
            ("boot/grub", "grub-reboot", "update-grub"),
        ];
        let all: Vec<_> = kinds
            .into_iter()
            .map(|(directory, reboot, mkconfig)| (root.join(directory), reboot, mkconfig))
            .filter(|(directory, ..)| directory.join("grub.cfg").exists())
            .collect();
        // Where both directories exist, the installed programs tell which one is
        // used.
        let used = all.iter().find(|(_, reboot, _)| program(reboot));
        let left = if strict { None } else { all.first() };
        let (directory, _, mkconfig) = used.or(left).ok_or(Error::NoLoader)?;
        Ok(Loader {
            directory: directory.clone(),
            mkconfig,
            grubby: program("grubby"),
        })
    }

    /// The environment block.
    pub fn environment(&self) -> PathBuf {
        self.directory.join("grubenv")
    }

    /// GRUB's module that has `chainloader`.
    pub fn chain_module(&self) -> PathBuf {
        self.directory.join("i386-pc/chain.mod")
    }

    fn config(&self) -> PathBuf {
        self.directory.join("grub.cfg")
    }

    fn custom(&self) -> PathBuf {
        self.directory.join("custom.cfg")
    }

    /// The content of grub.cfg.
    fn text(&self) -> Result<Vec<u8>, Error> {
        let path = self.config();
        Ok(std::fs::read(&path).map_err(cannot("read", &path))?)
    }

    /// The file that gets the entry: custom.cfg where grub.cfg reads it, else
    /// grub.cfg itself.
    pub fn file(&self) -> Result<PathBuf, Error> {
        let text = self.text()?;
        Ok(if reads_custom(&String::from_utf8_lossy(&text)) {
            self.custom()
        } else {
            self.config()
        })
    }

    /// Refuses a GRUB that cannot boot an entry once; changes nothing.
    pub fn check(&self) -> Result<(), Error> {
        environment::check(&self.environment())?;
        let text = self.text()?;
        let text = String::from_utf8_lossy(&text);
        // A grub.cfg whose header does not set `boot_once` was made by a GRUB
        // before 2.00, or by hand.
        for missing in ["next_entry", "boot_once"] {
            if !text.contains(missing) {
                return Err(Error::Config {
                    path: self.config(),
                    missing,
                    remedy: self.mkconfig,
                });
            }
        }
        let path = self.file()?;
        entry::without(&file::read(&path)?.unwrap_or_default())
            .map(|_| ())
            .map_err(|entry::Damaged| Error::Changed { path })
    }

    /// The environment block as it is now, to be handed to [`Loader::remove`]
    /// later.
    pub fn former(&self) -> Result<Vec<u8>, Error> {
        let path = self.environment();
        Ok(std::fs::read(&path).map_err(cannot("read", &path))?)
    }

    /// The file that gets the entry, and its content including the entry.
    fn with(&self, entry: &Entry) -> Result<(PathBuf, Vec<u8>), Error> {
        let path = self.file()?;
        let old = file::read(&path)?;
        match entry::with(old.as_deref(), entry) {
            Ok(text) => Ok((path, text)),
            Err(entry::Damaged) => Err(Error::Changed { path }),
        }
    }

    /// Writes the entry and chooses it for the next boot. Running it again leaves
    /// one entry, not two.
    ///
    /// # Errors
    /// [`Error`]; what was made so far is taken away by [`Loader::remove`].
    pub fn install(&self, entry: &Entry) -> Result<(), Error> {
        let (path, text) = self.with(entry)?;
        file::replace(&path, &text)?;
        environment::arm(&self.environment())
    }

    /// Removes the entry and the choice, as far as possible. Does nothing when
    /// there is none; a choice of somebody else's entry stays. `former` is the
    /// environment block from before. Returns the errors of what could not be
    /// removed.
    pub fn remove(&self, former: Option<&[u8]>) -> Vec<Error> {
        let listed = (self.grubby && self.may_be_grubbys()).then(earlier::listed);
        let listed = listed.flatten();
        let entries: Vec<&str> = [ID].into_iter().chain(listed.as_deref()).collect();
        let mut steps = vec![environment::disarm(&self.environment(), former, &entries)];
        if let Some(name) = &listed {
            steps.push(earlier::remove(name, &self.environment()));
        }
        steps.extend(
            [self.custom(), self.config()]
                .iter()
                .map(|path| take_out(path)),
        );
        steps.into_iter().filter_map(Result::err).collect()
    }

    /// Whether an entry of version 0.1.0 may be among grubby's.
    fn may_be_grubbys(&self) -> bool {
        let names = |text: &[u8]| String::from_utf8_lossy(text).contains("vmlinuz-convert");
        let entries = self.directory.with_file_name("loader").join("entries");
        let entries = std::fs::read_dir(entries).into_iter().flatten().flatten();
        self.text().is_ok_and(|text| names(&text))
            || entries
                .map(|e| std::fs::read(e.path()))
                .any(|text| text.is_ok_and(|t| names(&t)))
    }

    /// What is left of replant in GRUB's files; empty after a [`Loader::remove`]
    /// without errors.
    pub fn remains(&self) -> Vec<String> {
        let mut found = Vec::new();
        match armed_entry(&self.environment()) {
            Ok(Some(choice)) if choice == ID => {
                found.push(format!("{}: next_entry={ID}", self.environment().display()));
            }
            Ok(_) => {}
            Err(error) => found.push(error.to_string()),
        }
        for path in [self.custom(), self.config()] {
            match file::read(&path) {
                Ok(Some(text)) if entry::is_in(&text) => {
                    found.push(format!("{}: replant's entry", path.display()));
                }
                Ok(_) => {}
                Err(error) => found.push(error.to_string()),
            }
        }
        if self.grubby && self.may_be_grubbys() && earlier::listed().is_some() {
            found.push("grubby: the entry of version 0.1.0".to_string());
        }
        found
    }
}

/// Whether a grub.cfg reads custom.cfg (41_custom of GRUB's own scripts).
fn reads_custom(config: &str) -> bool {
    config.lines().any(|line| {
        let line = line.trim_start();
        line.starts_with("source") && line.contains("custom.cfg")
    })
}

fn take_out(path: &Path) -> Result<(), Error> {
    let Some(old) = file::read(path)? else {
        return Ok(());
    };
    if !entry::is_in(&old) {
        return Ok(());
    }
    match entry::without(&old) {
        Ok(Some(rest)) => file::replace(path, &rest),
        Ok(None) => file::remove(path),
        Err(entry::Damaged) => Err(Error::Changed { path: path.into() }),
    }
}

#[cfg(test)]
mod tests;
