// SPDX-License-Identifier: MIT OR Apache-2.0
//! Step 1: modules, devices, volume groups; the disk that holds the old root.

use super::{Context, Discovered, Error, Step};
use crate::disk::{Disk, DiskId};
use crate::locate;
use crate::machine;
use contract::cmdline::RETRY;
use std::time::Duration;

/// Finds the old root and its disk, never by a fixed name.
pub struct Discover;

impl Step for Discover {
    fn name(&self) -> &'static str {
        "discover"
    }

    fn run(&self, context: &mut Context) -> Result<(), Error> {
        context.reporter.activity("loading modules");
        context.devices.coldplug()?;
        context.devices.ensure(&["dm-mod", "ext4"])?;
        let spec = context.cmdline.root.clone().ok_or(locate::Error::NoRoot)?;
        context.reporter.activity(&format!("waiting for {spec}"));
        let patience = Duration::from_secs(context.cmdline.retry.unwrap_or(RETRY));
        let root = locate::wait(&mut context.devices, &spec, patience)?;
        let devices = context.devices.block_devices()?;
        let disk = locate::disk_of(&devices, &root)?;
        context.reporter.line(&format!(
            "found the old system: {spec} is {} ({}) on {}",
            root.device.display(),
            root.kind,
            disk.describe(),
        ));
        if let Some(boat) = context
            .lifeboat
            .as_ref()
            .filter(|b| b.path() != disk.path())
        {
            let why = format!(
                "does not have the record, which is on {}",
                boat.path().display()
            );
            let disk = disk.path();
            return Err(Error::OtherDisk { disk, why });
        }
        let id = DiskId::of(&Disk::open(disk.path())?)?;
        let others = locate::others(&devices, &disk, &machine::mounts()?);
        for group in others.groups.iter().filter(|g| g.here.is_none()) {
            let (name, device) = (&group.name, &group.device);
            context
                .reporter
                .detail(&format!("volume group {name} on {device} stays untouched"));
        }
        context.found = Some(Discovered {
            root: Some(root),
            disk,
            id,
            others,
        });
        Ok(())
    }

    fn confirm(&self, context: &mut Context) -> Result<(), Error> {
        context.found().map(|_| ())
    }
}
