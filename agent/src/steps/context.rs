// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the steps share.

use super::Error;
use crate::cmdline::Cmdline;
use crate::device::{BlockDevice, Devices};
use crate::disk::Disk;
use crate::locate::{self, Root};
use crate::lvm::DevNo;
use crate::payload::Payload;
use crate::payload::memory::Budget;
use crate::plan::{OtherGroup, Plan};
use crate::report::Reporter;
use crate::stage::Staged;
use ondisk::gpt::Backup;
use ondisk::manifest::Manifest;
use std::path::Path;

/// What `discover` finds.
#[derive(Debug, Clone)]
pub struct Found {
    /// The old root; `None` when a migration is resumed, for it is gone then.
    pub root: Option<Root>,
    /// The disk that it is on.
    pub disk: BlockDevice,
    /// Volume groups with a physical volume on any other disk.
    pub other_groups: Vec<OtherGroup>,
}

/// What `load` brings into RAM.
pub struct Loaded {
    /// The manifest.
    pub manifest: Manifest,
    /// The new partition table.
    pub table: Backup,
    /// The staged record.
    pub staged: Staged,
    /// The payload.
    pub payload: Payload,
    /// What each part of the work may use of the RAM.
    pub budget: Budget,
}

/// What the steps share. A step takes what earlier ones left by the methods
/// that fail with [`Error::Missing`].
pub struct Context {
    /// Where progress goes.
    pub reporter: Reporter,
    /// The kernel's command line.
    pub cmdline: Cmdline,
    /// Devices and modules.
    pub devices: Devices,
    /// Left by `discover`.
    pub found: Option<Found>,
    /// Whether the old root was recognised by `load`: only into a root that was
    /// staged on this machine a report is written.
    pub recognized: bool,
    /// Left by `load`.
    pub loaded: Option<Loaded>,
    /// Left by `preflight`.
    pub plan: Option<Plan>,
}

impl Context {
    /// A context in which nothing is known yet.
    pub fn new(reporter: Reporter, cmdline: Cmdline, devices: Devices) -> Context {
        Context {
            reporter,
            cmdline,
            devices,
            found: None,
            recognized: false,
            loaded: None,
            plan: None,
        }
    }

    /// What `discover` found.
    ///
    /// # Errors
    /// [`Error::Missing`].
    pub fn found(&self) -> Result<&Found, Error> {
        self.found.as_ref().ok_or(Error::Missing("the disk"))
    }

    /// What `load` brought into RAM.
    ///
    /// # Errors
    /// [`Error::Missing`].
    pub fn loaded(&self) -> Result<&Loaded, Error> {
        self.loaded.as_ref().ok_or(Error::Missing("the package"))
    }

    /// What will be done.
    ///
    /// # Errors
    /// [`Error::Missing`].
    pub fn plan(&self) -> Result<&Plan, Error> {
        self.plan.as_ref().ok_or(Error::Missing("the plan"))
    }

    /// The disk, opened for writing.
    ///
    /// # Errors
    /// What opening it says.
    pub fn disk(&self) -> Result<Disk, Error> {
        Ok(Disk::open_writable(&self.plan()?.disk)?)
    }

    /// The same, while nobody uses the disk or a partition of it.
    ///
    /// # Errors
    /// What opening it says; who uses it.
    pub fn disk_alone(&self) -> Result<Disk, Error> {
        Ok(Disk::open_exclusive(&self.plan()?.disk)?)
    }

    /// Block devices that can be physical volumes, as `lvm` wants them.
    ///
    /// # Errors
    /// When sysfs cannot be read.
    pub fn lvm_devices(&self) -> Result<Vec<crate::lvm::BlockDevice>, Error> {
        Ok(locate::lvm_devices(&self.devices.block_devices()?))
    }

    /// The number of the disk that is replaced.
    ///
    /// # Errors
    /// [`Error::Missing`] before `discover`.
    pub fn disk_number(&self) -> Result<DevNo, Error> {
        Ok(locate::lvm_device(&self.found()?.disk).dev)
    }

    /// One block device by its node, as `lvm` wants it.
    ///
    /// # Errors
    /// When it is not there.
    pub fn lvm_device(&self, node: &Path) -> Result<crate::lvm::BlockDevice, Error> {
        self.lvm_devices()?
            .into_iter()
            .find(|d| d.path == node)
            .ok_or_else(|| Error::File {
                path: node.into(),
                source: std::io::ErrorKind::NotFound.into(),
            })
    }
}
