// SPDX-License-Identifier: MIT OR Apache-2.0
//! The devices below a block device, and those on top of it.

use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::sysfs::{directory, entries, name, resolve};
use super::{BlockDevice, DevNo};
use sys::FileError;

/// The kernel's name of a device, as `dm-0` or `sda1`.
///
/// # Errors
/// When sysfs has no such device.
pub fn name_of(sys: &Path, dev: DevNo) -> Result<String, FileError> {
    Ok(name(&directory(sys, dev)?))
}

/// The names of the whole disks below a device, through device-mapper, md and
/// partitions.
///
/// # Errors
/// When sysfs has no such device.
pub fn disks_below(sys: &Path, dev: DevNo) -> Result<BTreeSet<String>, FileError> {
    let mut disks = BTreeSet::new();
    let mut seen = BTreeSet::new();
    let mut todo = vec![directory(sys, dev)?];
    while let Some(dir) = todo.pop() {
        if !seen.insert(dir.clone()) {
            continue;
        }
        let slaves = entries(&dir.join("slaves"))?;
        if !slaves.is_empty() {
            for slave in slaves {
                todo.push(resolve(&slave)?);
            }
        } else if dir.join("partition").exists() {
            // A partition's directory lies in its disk's.
            todo.extend(dir.parent().map(Path::to_path_buf));
        } else {
            disks.insert(name(&dir));
        }
    }
    Ok(disks)
}

/// A device that does not lie on one disk.
#[derive(Debug, thiserror::Error)]
#[error("{device} lies on {}", places(device, disks))]
pub struct NotOneDisk {
    /// The device, a path below /dev.
    pub device: String,
    /// Names of the disks found below it.
    pub disks: Vec<String>,
}

/// Says on which disks a device lies, and what to do about it.
fn places(device: &str, disks: &[String]) -> String {
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

/// A device on top of another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    pub device: BlockDevice,
    /// The kernel's name of one of the devices below it.
    pub below: String,
}

/// All devices on top of a disk or its partitions, directly or not, in the order
/// in which they can be removed: the topmost first.
///
/// # Errors
/// When sysfs has no such device, or something there cannot be read.
pub fn stacked_on(sys: &Path, disk: DevNo) -> Result<Vec<Holder>, FileError> {
    let mut walk = Walk::default();
    walk.visit(&directory(sys, disk)?)?;
    Ok(walk.found)
}

#[derive(Default)]
struct Walk {
    seen: BTreeSet<PathBuf>,
    found: Vec<Holder>,
}

impl Walk {
    fn visit(&mut self, dir: &Path) -> Result<(), FileError> {
        for part in entries(dir)? {
            if part.join("partition").exists() {
                self.visit(&part)?;
            }
        }
        for link in entries(&dir.join("holders"))? {
            let holder = resolve(&link)?;
            if !self.seen.insert(holder.clone()) {
                continue;
            }
            self.visit(&holder)?;
            let device = BlockDevice::read(holder)
                .ok_or_else(|| FileError::new("read", &link, ErrorKind::InvalidData))?;
            let below = name(dir);
            self.found.push(Holder { device, below });
        }
        Ok(())
    }
}
