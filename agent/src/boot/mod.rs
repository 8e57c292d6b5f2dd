// SPDX-License-Identifier: MIT OR Apache-2.0
//! The new system's bootloader and initramfs, made in a chroot.
//!
//! The new system's own programs do it, so that what they will do at the next
//! kernel update has been done once. Afterwards the result is looked at from
//! outside: a chroot that is not quite right gives programs that fail with
//! exit status 0.

mod commands;
mod verify;

pub use commands::{Job, prepare};
pub use verify::verify;

use crate::{mount, program};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Why the new system cannot boot.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A program of the new system failed.
    #[error("in the new system: {0}")]
    Program(#[from] program::Error),
    /// Mounting /dev and the others.
    #[error(transparent)]
    Mount(#[from] mount::Error),
    /// Entering the new root.
    #[error(transparent)]
    Chroot(#[from] sys::chroot::ChrootError),
    /// Reading the disk.
    #[error(transparent)]
    Disk(#[from] crate::disk::Error),
    /// A file could not be read or written.
    #[error("{}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: std::io::Error,
    },
    /// No program that makes an initramfs.
    #[error(
        "the new system has neither dracut nor update-initramfs; make the package again, or name the programs in [boot] of migration.toml"
    )]
    NoInitramfsTool,
    /// GRUB's images on the disk are not as they should be.
    #[error("GRUB on {}: {why}", disk.display())]
    Grub {
        /// The disk.
        disk: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// The initramfs of a kernel is missing or is none.
    #[error("{}: {why}; the new system would not find its root", path.display())]
    Initramfs {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// GRUB's menu does not have the kernel.
    #[error("{} names no kernel {kernel}; nothing would boot", path.display())]
    Menu {
        /// grub.cfg.
        path: PathBuf,
        /// The kernel.
        kernel: String,
    },
}

/// Directories of this system that programs in the new root need.
const SHARED: [&str; 4] = ["dev", "proc", "sys", "run"];

/// Runs `jobs` in `root`; each line that they print goes to `line`. What
/// was mounted for them is unmounted again, whatever happens.
///
/// # Errors
/// [`Error::Program`] with the program's last line.
pub fn run(root: &Path, jobs: &[Job], line: &mut dyn FnMut(&str)) -> Result<(), Error> {
    release(root)?;
    let result = run_mounted(root, jobs, line);
    let released = release(root);
    result?;
    released
}

fn release(root: &Path) -> Result<(), Error> {
    for name in SHARED {
        mount::unmount_tree(&root.join(name))?;
    }
    Ok(())
}

fn run_mounted(root: &Path, jobs: &[Job], line: &mut dyn FnMut(&str)) -> Result<(), Error> {
    for name in SHARED {
        // /run is bound so that programs see the device-mapper locks of
        // nobody else; /proc gives grub-probe its mountinfo.
        mount::bind(&Path::new("/").join(name), &root.join(name))?;
    }
    for job in jobs {
        let Some((name, arguments)) = job.words.split_first() else {
            continue;
        };
        let mut command = Command::new(name);
        command
            .args(arguments)
            .env_clear()
            .env(
                "PATH",
                "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            )
            .env("HOME", "/root")
            .env("LC_ALL", "C")
            .env("TERM", "dumb")
            // Other disks are not looked at: os-prober mounts what it finds.
            .env("GRUB_DISABLE_OS_PROBER", "true")
            // lvm2 complains of every descriptor that it inherits.
            .env("LVM_SUPPRESS_FD_WARNINGS", "1");
        line(&program::describe(&command));
        sys::chroot::enter(&mut command, root)?;
        match program::watch(&mut command, &mut *line) {
            Err(error) if job.optional => line(&format!("it is done without: {error}")),
            result => result?,
        }
    }
    Ok(())
}
