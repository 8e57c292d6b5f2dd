// SPDX-License-Identifier: MIT OR Apache-2.0
//! The one-shot boot entry of the old system, by what the machine has.
//!
//! The entry is chosen for the next boot only: GRUB reads `next_entry` from
//! its environment block and empties it before the entry starts. So every
//! later reset, power cut or panic boots the old system again.

mod custom;
mod environment;
mod grubby;

pub use environment::armed_entry;

use crate::program;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Identifier of our entry; also its title for grubby.
pub const ID: &str = "replant-migration";

/// What the entry boots.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The kernel's path, seen from the file system that holds /boot.
    pub kernel: String,
    /// The initramfs's path, likewise.
    pub initramfs: String,
    /// UUID of that file system, as GRUB's `search --fs-uuid` wants it.
    pub boot_uuid: String,
    /// The kernel's command line.
    pub arguments: String,
}

/// Why the entry could not be made or taken away.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// None of the boot loaders that we know.
    #[error(
        "no GRUB 2 found: neither /boot/grub2/grub.cfg nor /boot/grub/grub.cfg; only machines that boot by GRUB 2 can be staged"
    )]
    NoLoader,
    /// GRUB cannot write its environment block, so the entry would repeat.
    #[error("{}: {why}; a one-shot boot entry would be booted again and again", path.display())]
    Environment {
        /// The environment block.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// grub.cfg ignores what we need.
    #[error(
        "{}: has no \"{missing}\"; make it again with {remedy} and retry",
        path.display()
    )]
    Config {
        /// grub.cfg.
        path: PathBuf,
        /// The words that it should contain.
        missing: &'static str,
        /// The program to run.
        remedy: &'static str,
    },
    /// A file could not be read or written.
    #[error("{}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: std::io::Error,
    },
    /// A program of the old system failed.
    #[error(transparent)]
    Program(#[from] program::Error),
    /// The choice for the next boot was made and is not there.
    #[error(
        "{}: next_entry is \"{found}\" after {program}, not \"{ID}\"; the boot loader did not take the entry",
        path.display()
    )]
    NotArmed {
        /// The environment block.
        path: PathBuf,
        /// What next_entry is.
        found: String,
        /// The program that should have set it.
        program: &'static str,
    },
}

/// The programs and files of GRUB as this distribution names them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loader {
    /// `/boot/grub2` or `/boot/grub`.
    directory: PathBuf,
    /// `grub2-reboot` or `grub-reboot`.
    reboot: &'static str,
    /// `grub2-editenv` or `grub-editenv`.
    editenv: &'static str,
    /// What makes grub.cfg anew.
    mkconfig: &'static str,
    /// Whether `grubby` manages the entries.
    grubby: bool,
}

impl Loader {
    /// Finds the boot loader of the system below `root`.
    ///
    /// # Errors
    /// [`Error::NoLoader`].
    pub fn detect(root: &Path) -> Result<Loader, Error> {
        let program = |name: &str| {
            ["usr/sbin", "sbin", "usr/bin", "bin"]
                .iter()
                .any(|d| root.join(d).join(name).exists())
        };
        let kinds = [
            (
                "boot/grub2",
                "grub2-reboot",
                "grub2-editenv",
                "grub2-mkconfig -o /boot/grub2/grub.cfg",
            ),
            ("boot/grub", "grub-reboot", "grub-editenv", "update-grub"),
        ];
        for (directory, reboot, editenv, mkconfig) in kinds {
            let directory = root.join(directory);
            if directory.join("grub.cfg").exists() && program(reboot) {
                let grubby = program("grubby");
                return Ok(Loader {
                    directory,
                    reboot,
                    editenv,
                    mkconfig,
                    grubby,
                });
            }
        }
        Err(Error::NoLoader)
    }

    /// The name for messages.
    pub fn name(&self) -> &'static str {
        if self.grubby { "grubby" } else { self.reboot }
    }

    /// The environment block.
    pub fn environment(&self) -> PathBuf {
        self.directory.join("grubenv")
    }

    fn config(&self) -> PathBuf {
        self.directory.join("grub.cfg")
    }

    /// Whether GRUB can be told to boot an entry once; changes nothing.
    ///
    /// # Errors
    /// [`Error`] with what is missing.
    pub fn check(&self) -> Result<(), Error> {
        environment::check(&self.environment())?;
        let config = read(&self.config())?;
        if !config.contains("next_entry") {
            return Err(Error::Config {
                path: self.config(),
                missing: "next_entry",
                remedy: self.mkconfig,
            });
        }
        if !self.grubby {
            self.reads_custom(&config)?;
        }
        Ok(())
    }

    /// Whether an entry in custom.cfg will be seen.
    fn reads_custom(&self, config: &str) -> Result<(), Error> {
        if custom::is_sourced(config) {
            return Ok(());
        }
        Err(Error::Config {
            path: self.config(),
            missing: "custom.cfg",
            remedy: self.mkconfig,
        })
    }

    /// Makes the entry and chooses it for the next boot. Run twice, there is
    /// still one entry.
    ///
    /// # Errors
    /// [`Error`]; what was made so far is taken away by [`Loader::remove`].
    pub fn install(&self, entry: &Entry) -> Result<(), Error> {
        let mut id = ID.to_string();
        // grubby changes the real configuration on EL; where it does not
        // list what it was given, GRUB's own custom.cfg does.
        let by_grubby = self.grubby && {
            match grubby::add(entry)? {
                Some(found) => {
                    id = found;
                    true
                }
                None => false,
            }
        };
        if !by_grubby {
            self.reads_custom(&read(&self.config())?)?;
            custom::add(&self.directory.join("custom.cfg"), entry)?;
        }
        program::output(Command::new(self.reboot).arg(&id))?;
        let found = environment::armed_entry(&self.environment())?.unwrap_or_default();
        if found != id {
            let path = self.environment();
            return Err(Error::NotArmed {
                path,
                found,
                program: self.reboot,
            });
        }
        Ok(())
    }

    /// Takes entry and choice away again; nothing happens when there is none,
    /// and a choice of somebody else's entry stays.
    ///
    /// # Errors
    /// [`Error`] for the first thing that could not be taken away.
    pub fn remove(&self) -> Result<(), Error> {
        let by_grubby = self.grubby.then(grubby::listed).flatten();
        let armed = environment::armed_entry(&self.environment())?;
        if armed.is_some_and(|armed| is_ours(&armed, by_grubby.as_deref())) {
            program::output(
                Command::new(self.editenv)
                    .arg(self.environment())
                    .args(["unset", "next_entry"]),
            )?;
        }
        if self.grubby {
            grubby::remove()?;
        }
        custom::remove(&self.directory.join("custom.cfg"))
    }
}

/// Whether a choice for the next boot is our entry, by our own name or by the
/// one that grubby gave it.
fn is_ours(armed: &str, by_grubby: Option<&str>) -> bool {
    armed == ID || Some(armed) == by_grubby
}

fn read(path: &Path) -> Result<String, Error> {
    std::fs::read_to_string(path).map_err(|source| Error::File {
        path: path.into(),
        source,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_what_the_distribution_has() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path();
        assert!(matches!(Loader::detect(root), Err(Error::NoLoader)));
        let touch = |path: &str| {
            let path = root.join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "").unwrap();
        };
        touch("boot/grub/grub.cfg");
        touch("usr/sbin/grub-reboot");
        assert_eq!(Loader::detect(root).unwrap().name(), "grub-reboot");
        touch("boot/grub2/grub.cfg");
        touch("usr/sbin/grub2-reboot");
        assert_eq!(Loader::detect(root).unwrap().name(), "grub2-reboot");
        touch("usr/sbin/grubby");
        assert_eq!(Loader::detect(root).unwrap().name(), "grubby");
    }

    #[test]
    fn only_its_own_choice_is_taken_back() {
        assert!(is_ours(ID, None));
        assert!(is_ours("f0c-0-convert", Some("f0c-0-convert")));
        assert!(!is_ours("memtest86", None));
        assert!(!is_ours("memtest86", Some("f0c-0-convert")));

        let root = tempfile::tempdir().unwrap();
        let dir = root.path().join("boot/grub");
        let program = root.path().join("sbin/grub-reboot");
        std::fs::create_dir_all(program.parent().unwrap()).unwrap();
        std::fs::create_dir_all(&dir).unwrap();
        std::fs::write(program, "").unwrap();
        std::fs::write(dir.join("grub.cfg"), "").unwrap();
        let mut block = b"# GRUB Environment Block\nnext_entry=memtest86\n".to_vec();
        block.resize(1024, b'#');
        std::fs::write(dir.join("grubenv"), &block).unwrap();
        let loader = Loader::detect(root.path()).unwrap();
        loader.remove().unwrap();
        assert_eq!(std::fs::read(dir.join("grubenv")).unwrap(), block);
    }

    #[test]
    fn refuses_a_grub_that_would_boot_the_entry_for_ever() {
        let root = tempfile::tempdir().unwrap();
        let dir = root.path().join("boot/grub");
        std::fs::create_dir_all(&dir).unwrap();
        std::fs::create_dir_all(root.path().join("sbin")).unwrap();
        std::fs::write(root.path().join("sbin/grub-reboot"), "").unwrap();
        std::fs::write(dir.join("grub.cfg"), "menuentry x { }\n").unwrap();
        let loader = Loader::detect(root.path()).unwrap();
        let message = || loader.check().unwrap_err().to_string();
        assert!(message().contains("grubenv"), "{}", message());
        let block = |size: usize| {
            let mut bytes = b"# GRUB Environment Block\n".to_vec();
            bytes.resize(size, b'#');
            std::fs::write(dir.join("grubenv"), bytes).unwrap();
        };
        block(1000);
        assert!(message().contains("again and again"), "{}", message());
        block(1024);
        assert!(message().contains("has no \"next_entry\""), "{}", message());
        std::fs::write(dir.join("grub.cfg"), "if [ \"${next_entry}\" ]\n").unwrap();
        assert!(message().contains("update-grub and retry"), "{}", message());
        // grubby may make no entry; then custom.cfg must be read, too.
        let ours = Loader {
            grubby: true,
            ..loader.clone()
        };
        ours.check().unwrap();
        assert!(ours.reads_custom("if [ \"${next_entry}\" ]\n").is_err());
        let config = "if [ \"${next_entry}\" ]\nsource $prefix/custom.cfg\n";
        std::fs::write(dir.join("grub.cfg"), config).unwrap();
        loader.check().unwrap();
    }
}
