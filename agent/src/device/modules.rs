// SPDX-License-Identifier: MIT OR Apache-2.0
//! Loading kernel modules of the initramfs.

use crate::cmdline;
use std::collections::BTreeSet;
use std::ffi::CString;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use ondisk::modules::{ABSENT, Load, Name, Resolved, Texts};
use rustix::io::Errno;
use rustix::system::finit_module;

use super::image::running_kernel;
use super::{Drivers, Error, Parameters};
use sys::{FileError, cannot};

/// The modules of one kernel in the file system.
#[derive(Debug)]
pub struct Modules {
    directory: PathBuf,
    kernel: String,
    drivers: Drivers,
    parameters: Parameters,
    loaded: BTreeSet<Name>,
}

impl Modules {
    /// Reads the index in `lib/modules/VERSION` below `root`, VERSION being the
    /// running kernel's. A kernel that has no modules there has an empty index.
    /// `cmdline` is the text of /proc/cmdline.
    pub fn open(root: &Path, cmdline: &str) -> Result<Self, Error> {
        let kernel = running_kernel();
        let directory = root.join("lib/modules").join(&kernel);
        let text = |name: &str| -> Result<String, Error> {
            let path = directory.join(name);
            match fs::read(&path) {
                Ok(bytes) => Ok(String::from_utf8_lossy(&bytes).into_owned()),
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(String::new()),
                Err(e) => Err(FileError::new("read", path, e).into()),
            }
        };
        let builtin_modinfo = text("modules.builtin.modinfo")?;
        let texts = Texts {
            dep: &text("modules.dep")?,
            alias: &text("modules.alias")?,
            softdep: &text("modules.softdep")?,
            builtin: &text("modules.builtin")?,
            builtin_modinfo: builtin_modinfo.as_bytes(),
        };
        let drivers = Drivers::of(&texts, &text(ABSENT)?).map_err(|source| Error::Index {
            directory: directory.clone(),
            source,
        })?;
        Ok(Self {
            directory,
            kernel,
            drivers,
            parameters: Parameters::parse(cmdline),
            loaded: BTreeSet::new(),
        })
    }

    /// Loads these (names or aliases) with their dependencies. A module that is
    /// built in or loaded already is no error; a soft dependency that fails is
    /// only logged.
    pub fn ensure(&mut self, wanted: &[&str]) -> Result<(), Error> {
        for wanted in wanted {
            // A kernel without an index does not say what it has built in, so it
            // is asked.
            let order = self.drivers.order(wanted, &self.kernel, &is_in_kernel)?;
            self.load(&order.load)?;
        }
        Ok(())
    }

    /// Loads what drives the device of this modalias. Failures are logged.
    pub fn load_for(&mut self, modalias: &str) {
        self.load_some(modalias, |_, _| true);
    }

    /// As [`Modules::load_for`], but only if the module drives a watchdog, or the
    /// bridge behind which one sits.
    pub fn load_watchdog(&mut self, modalias: &str) {
        const BRIDGES: [&str; 2] = ["lpc_ich", "i2c_i801"];
        self.load_some(modalias, |name, path| {
            path.contains("/watchdog/") || BRIDGES.contains(&name)
        });
    }

    fn load_some(&mut self, modalias: &str, wanted: impl Fn(&str, &str) -> bool) {
        let Resolved::Modules(names) = self.drivers.index().resolve(modalias) else {
            return;
        };
        for name in names {
            let path = self
                .drivers
                .index()
                .get(name.as_str())
                .map(|m| m.path.as_str());
            if !wanted(name.as_str(), path.unwrap_or_default()) {
                continue;
            }
            if self.parameters.is_blacklisted(&name) {
                log::info!("{name} is blacklisted, so {modalias} gets no driver of it");
                continue;
            }
            let order = self.drivers.index().order([name.as_str()]);
            for missing in order.missing.iter().filter(|missing| missing.required) {
                log::warn!(
                    "{name} needs {}, which is not in this initramfs",
                    missing.wanted
                );
            }
            if let Err(error) = self.load(&order.load) {
                log::warn!("{error}");
            }
        }
    }

    /// What drives which device.
    pub fn drivers(&self) -> &Drivers {
        &self.drivers
    }

    fn load(&mut self, order: &[Load]) -> Result<(), Error> {
        for load in order {
            if self.loaded.contains(&load.name) {
                continue;
            }
            match self.insert(&load.name) {
                Ok(()) => {
                    log::debug!("loaded {}", load.name);
                    self.loaded.insert(load.name.clone());
                }
                Err(error) if load.required => return Err(error),
                Err(error) => log::debug!("{error}"),
            }
        }
        Ok(())
    }

    fn insert(&self, name: &Name) -> Result<(), Error> {
        let Some(module) = self.drivers.index().get(name.as_str()) else {
            return Ok(());
        };
        let path = self.directory.join(&module.path);
        let file = File::open(&path).map_err(cannot("open", &path))?;
        // The command line has no NUL.
        let parameters = CString::new(self.parameters.of(name)).unwrap_or_default();
        match finit_module(&file, &parameters, 0) {
            Ok(()) | Err(Errno::EXIST) => Ok(()),
            Err(source) => Err(Error::Load {
                module: name.to_string(),
                source,
                hint: hint(source),
            }),
        }
    }
}

fn is_in_kernel(wanted: &str) -> bool {
    Path::new("/sys/module")
        .join(Name::new(wanted).as_str())
        .exists()
}

fn hint(error: Errno) -> &'static str {
    match error {
        Errno::NOENT => "it needs a symbol that no loaded module has, see dmesg",
        Errno::NOEXEC => "it was built for another kernel, or is compressed, see dmesg",
        Errno::NODEV | Errno::NXIO => "it found no device that it can drive",
        Errno::INVAL => "it does not take these parameters, see dmesg",
        Errno::KEYREJECTED | Errno::NOKEY => "its signature is not one that this kernel trusts",
        Errno::PERM => "module loading is forbidden or this is not root",
        Errno::NOMEM => "there is not enough memory",
        _ => "see dmesg",
    }
}

/// Does what the kernel asks for by `/sbin/modprobe -q -- NAME` when it needs a
/// module itself: a file system at mount, a character set for vfat. `args` are
/// the arguments after the program's name; options are skipped.
pub fn modprobe(args: impl IntoIterator<Item = String>) -> Result<(), Error> {
    let cmdline = cmdline::read(cmdline::PATH).unwrap_or_default();
    let mut modules = Modules::open(Path::new("/"), &cmdline)?;
    for name in args.into_iter().filter(|arg| !arg.starts_with('-')) {
        modules.ensure(&[&name])?;
    }
    Ok(())
}
