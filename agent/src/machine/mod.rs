// SPDX-License-Identifier: MIT OR Apache-2.0
//! Facts about the machine that replant runs on.

mod fingerprint;
mod memory;
mod mounts;
mod stack;

pub use fingerprint::{DiskId, Fingerprint, table_id};
pub use memory::MemInfo;
pub use mounts::{Mount, mounts, parse as parse_mounts};
pub use stack::{disks_below, name_of};

use std::path::PathBuf;

/// Why a fact could not be found.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file of /proc, /sys or /etc could not be read.
    #[error("{}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: std::io::Error,
    },
    /// A file does not say what it should.
    #[error("{}: {what}", path.display())]
    Odd {
        /// The file.
        path: PathBuf,
        /// What is odd about it.
        what: String,
    },
    /// No disk, or several, below a device.
    #[error("{device} lies on {}", cure(device, disks))]
    Disks {
        /// The device, a path below /dev.
        device: String,
        /// Names of the disks found below it.
        disks: Vec<String>,
    },
}

/// Where a device lies, and what to do.
fn cure(device: &str, disks: &[String]) -> String {
    const NEED: &str = "replant needs a machine whose system is on one disk";
    match disks {
        [] => {
            format!("no disk of this machine (a network or memory file system?); {NEED} of its own")
        }
        disks => format!(
            "{} disks ({}); {NEED}: look with lsblk -s {device}, and take a volume group off the \
             others on the old system (pvmove DEVICE, then vgreduce GROUP DEVICE); a RAID of \
             several disks cannot be migrated",
            disks.len(),
            disks.join(", ")
        ),
    }
}

fn read(path: impl Into<PathBuf>) -> Result<String, Error> {
    let path = path.into();
    match std::fs::read_to_string(&path) {
        Ok(text) => Ok(text),
        Err(source) => Err(Error::Read { path, source }),
    }
}
