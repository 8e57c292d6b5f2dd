// SPDX-License-Identifier: MIT OR Apache-2.0
//! The new system's bootloader and initramfs, made in a chroot.
//!
//! The new system's own programs do it, as they will at the next kernel update.
//! Afterwards the result is checked from outside, because programs in an
//! incomplete chroot may fail and exit with status 0.

mod area;
mod commands;
mod confirm;
mod dracut;
mod entries;
mod images;
mod links;
mod probers;
mod programs;

pub use area::Area;
pub use commands::{Job, prepare};
pub use confirm::confirm;
pub use images::{Images, starts_grub};
pub(super) use links::make as make_links;

use crate::{mount, paths, program};
use program::Supervision;
use rootdir::{self, RootDir};
use std::path::{Path, PathBuf};
use std::process::Command;
use sys::FileError;
use sys::transient;

/// Why the new system cannot boot.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("in the new system: {0}")]
    Program(#[from] program::Error),
    #[error(transparent)]
    Mount(#[from] mount::Error),
    #[error(transparent)]
    Chroot(#[from] sys::chroot::ChrootError),
    #[error(transparent)]
    Disk(#[from] crate::disk::Error),
    #[error(transparent)]
    File(#[from] FileError),
    #[error(transparent)]
    Below(#[from] rootdir::Error),
    #[error("{} is missing: the programs that make it did not; look at the log for what they said", path.display())]
    NoFile { path: PathBuf },
    #[error(
        "the new system has neither dracut nor update-initramfs; make the package again, or name the programs in [boot] of migration.toml"
    )]
    NoInitramfsTool,
    #[error(
        "in the new system: {program} has written {what} of {}, which programs there must not do ({now}): it would start nothing or half a system until all of them are done; name what this package needs in [boot] of migration.toml",
        disk.display()
    )]
    Overwritten {
        program: String,
        /// The place on the disk.
        what: &'static str,
        disk: PathBuf,
        /// Whether it could be restored.
        now: String,
    },
    #[error("GRUB on {}: {why}", disk.display())]
    Grub { disk: PathBuf, why: String },
    #[error("{}: {why}; the new system would not find its root", path.display())]
    Initramfs { path: PathBuf, why: String },
    #[error(
        "{}: GRUB would not start the new system: {why}; look at /etc/default/grub and at the log for what grub-mkconfig said",
        path.display()
    )]
    Start { path: PathBuf, why: String },
    #[error("{} names no kernel {kernel}; nothing would boot", path.display())]
    Menu { path: PathBuf, kernel: String },
}

impl Error {
    /// Whether trying again may succeed.
    pub fn is_transient(&self) -> bool {
        match self {
            Error::Program(error) => error.is_transient(),
            Error::Mount(error) => error.is_transient(),
            Error::Chroot(sys::chroot::ChrootError::Root { source, .. }) => transient::io(source),
            Error::File(error) => error.is_transient(),
            Error::Disk(error) => error.is_transient(),
            Error::Below(error) => error.is_transient(),
            // The same programs would give the same result again.
            Error::NoInitramfsTool
            | Error::NoFile { .. }
            | Error::Overwritten { .. }
            | Error::Grub { .. }
            | Error::Initramfs { .. }
            | Error::Start { .. }
            | Error::Menu { .. } => false,
        }
    }
}

/// Directories of this system that programs in the new root need.
const SHARED: [&str; 4] = ["dev", "proc", "sys", "run"];

/// Runs `jobs` in `root`; each line that they print goes to `line`. What
/// was mounted for them is unmounted again, and the disk's write protection is
/// taken back, whatever happens. Returns what was done without, for a person.
pub fn run(
    root: &Path,
    jobs: &[Job],
    area: &Area,
    supervision: &Supervision,
    line: &mut dyn FnMut(&str),
) -> Result<Vec<String>, Error> {
    release(root)?;
    let result = run_mounted(root, jobs, area, supervision, line);
    let released = release(root);
    let without = result?;
    released.map(|()| without)
}

fn release(root: &Path) -> Result<(), Error> {
    probers::show(root)?;
    for name in SHARED {
        mount::unmount_tree(&root.join(name))?;
    }
    Ok(())
}

fn run_mounted(
    root: &Path,
    jobs: &[Job],
    area: &Area,
    supervision: &Supervision,
    line: &mut dyn FnMut(&str),
) -> Result<Vec<String>, Error> {
    let mut without = Vec::new();
    let below = RootDir::open(root)?;
    probers::hide(&below, Path::new(paths::NO_PROBER))?;
    for name in SHARED {
        // /run has the device-mapper's locks and udev's data; /proc has the
        // mountinfo that grub-probe reads.
        mount::bind(&Path::new("/").join(name), &below, name)?;
    }
    for job in jobs {
        let Some((name, arguments)) = job.words.split_first() else {
            continue;
        };
        let mut command = Command::new(name);
        command
            .args(arguments)
            .env_clear()
            .env("PATH", program::search_path())
            .env("HOME", "/root")
            .env("LC_ALL", "C")
            .env("TERM", "dumb")
            // lvm2 complains of every descriptor that it inherits.
            .env("LVM_SUPPRESS_FD_WARNINGS", "1");
        let described = program::describe(&command);
        line(&described);
        sys::chroot::enter(&mut command, root)?;
        let mut watch = |line: &mut dyn FnMut(&str)| {
            program::watch(&mut command, supervision, line).map_err(Error::from)
        };
        let result = match job.guarded {
            true => area.keep(&described, &mut *line, watch),
            false => watch(&mut *line),
        };
        match result {
            Err(error @ Error::Overwritten { .. }) => return Err(error),
            Err(error) if job.optional && !crate::stop::requested() => {
                line(&format!("it is done without: {error}"));
                without.push(format!("{described} was done without: {error}"));
            }
            result => result?,
        }
    }
    Ok(without)
}

#[cfg(test)]
mod tests;
