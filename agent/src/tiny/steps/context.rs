// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the steps share.

use super::{Error, Mark, Sign};
use crate::block::{self, BlockDevice, DevNo, SYS};
use crate::cmdline::Cmdline;
use crate::device::Devices;
use crate::disk::{Disk, DiskId};
use crate::locate::{self, Root};
use crate::old::{Environment, Staged};
use crate::payload::Payload;
use crate::payload::memory::Budget;
use crate::plan::{Others, Plan};
use crate::report::Reporter;
use crate::tiny::Elsewhere;
use crate::tiny::boot::Images;
use crate::tiny::lifeboat::Lifeboat;
use ondisk::gpt::Backup;
use ondisk::manifest::Manifest;
use std::path::Path;

/// What `discover` finds.
#[derive(Debug, Clone)]
pub struct Discovered {
    /// The old root; `None` when a migration is resumed, because it is gone then.
    pub root: Option<Root>,
    pub disk: BlockDevice,
    /// How it is recognised.
    pub id: DiskId,
    pub others: Others,
}

/// What `load` brings into RAM.
pub struct Loaded {
    pub manifest: Manifest,
    pub table: Backup,
    pub staged: Staged,
    pub payload: Payload,
    /// What each part of the work may use of the RAM.
    pub budget: Budget,
}

/// What the steps share. A step takes what earlier ones left by the methods
/// that fail with [`Error::Missing`].
pub struct Context {
    pub reporter: Reporter,
    pub cmdline: Cmdline,
    pub devices: Devices,
    /// Left by `discover`.
    pub found: Option<Discovered>,
    /// Whether `load` has recognised the old root as staged on this machine; only
    /// then a report is written into it.
    pub recognized: bool,
    /// Where the choice for one boot is, in a root that was recognised.
    pub environment: Option<Environment>,
    /// Left by `load`.
    pub loaded: Option<Loaded>,
    /// Left by `preflight`.
    pub plan: Option<Plan>,
    /// Left by `boot`, unless the package's own commands install GRUB.
    pub images: Option<Images>,
    /// How the disk is recognised once it may have been written.
    pub mark: Option<Mark>,
    /// Record and state on the disk, where the migration may be cut off.
    pub lifeboat: Option<Lifeboat>,
    /// Where the payload is, if a person named another place than the disk.
    pub elsewhere: Option<Elsewhere>,
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
            environment: None,
            loaded: None,
            plan: None,
            images: None,
            mark: None,
            lifeboat: None,
            elsewhere: None,
        }
    }

    /// What `discover` found.
    pub fn found(&self) -> Result<&Discovered, Error> {
        self.found.as_ref().ok_or(Error::Missing("the disk"))
    }

    /// What `load` brought into RAM.
    pub fn loaded(&self) -> Result<&Loaded, Error> {
        self.loaded.as_ref().ok_or(Error::Missing("the package"))
    }

    /// The plan, made by `preflight`.
    pub fn plan(&self) -> Result<&Plan, Error> {
        self.plan.as_ref().ok_or(Error::Missing("the plan"))
    }

    /// How the disk is recognised.
    pub fn mark(&self) -> Result<&Mark, Error> {
        self.mark.as_ref().ok_or(Error::Missing("the mark"))
    }

    /// Record and state on the disk.
    pub fn lifeboat_mut(&mut self) -> Result<&mut Lifeboat, Error> {
        self.lifeboat.as_mut().ok_or(Error::Missing("the record"))
    }

    /// Opens the disk for writing, if its contents prove that it is the right
    /// one.
    pub fn disk(&self) -> Result<Disk, Error> {
        self.replaced(Disk::open_writable(&self.plan()?.disk)?, Sign::NewTable)
    }

    /// As [`Context::disk`], but fails if the disk or a partition of it is in
    /// use.
    pub fn disk_alone(&self) -> Result<Disk, Error> {
        self.replaced(Disk::open_exclusive(&self.plan()?.disk)?, Sign::NewTable)
    }

    /// As [`Context::disk_alone`], for the first write, when the old table is
    /// still there.
    pub fn old_disk_alone(&self) -> Result<Disk, Error> {
        self.replaced(Disk::open_exclusive(&self.plan()?.disk)?, Sign::OldTable)
    }

    /// The disk, if it is recognised by this sign or a stronger one. Protected
    /// ranges of it cannot be written.
    fn replaced(&self, disk: Disk, least: Sign) -> Result<Disk, Error> {
        let disk = self.mark()?.only(disk, least)?;
        Ok(disk.guarded(&self.plan()?.protected)?)
    }

    /// Opens a partition of the disk, or a volume on it, for writing. As long as
    /// it is open, its device number cannot be reused.
    ///
    /// # Errors
    /// The error of opening; [`Error::OtherDisk`] if it is not on the disk.
    pub fn part(&self, node: &Path) -> Result<Disk, Error> {
        self.on_disk(Disk::open_writable(node)?)
    }

    /// As [`Context::part`], for a device that is open already.
    pub fn on_disk(&self, part: Disk) -> Result<Disk, Error> {
        let whole = self.disk()?;
        let names = match part.dev() {
            Some(dev) => block::disks_below(Path::new(SYS), dev)?,
            None => Default::default(),
        };
        if names.len() == 1 && names.iter().next().map(String::as_str) == whole.kernel_name() {
            return Ok(part.guarded(&self.plan()?.protected)?);
        }
        let names: Vec<String> = names.into_iter().collect();
        Err(Error::OtherDisk {
            disk: part.path().into(),
            why: format!("is on {}", names.join(", ")),
        })
    }

    /// Block devices that can be physical volumes.
    pub fn lvm_devices(&self) -> Result<Vec<BlockDevice>, Error> {
        Ok(locate::lvm_devices(&self.devices.block_devices()?))
    }

    /// The device number of the disk that is replaced; once it may have been
    /// written to, of the disk that is recognised by its contents.
    pub fn disk_number(&self) -> Result<DevNo, Error> {
        let Some(mark) = &self.mark else {
            return Ok(self.found()?.disk.dev);
        };
        let disk = mark.only(Disk::open(&self.plan()?.disk)?, Sign::OldTable)?;
        disk.dev().ok_or(Error::Missing("the disk's number"))
    }

    /// A partition of the disk by its node. Its number is compared again when it
    /// is opened.
    pub fn partition(&self, node: &Path) -> Result<BlockDevice, Error> {
        let part = self.part(node)?;
        let dev = part.dev().ok_or(Error::Missing("the partition's number"))?;
        let device = block::by_number(Path::new(SYS), dev)?;
        match device.partition {
            Some(_) => Ok(device),
            None => Err(Error::OtherDisk {
                disk: part.path().into(),
                why: "is no partition".into(),
            }),
        }
    }
}
