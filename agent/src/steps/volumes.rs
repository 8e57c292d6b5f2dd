// SPDX-License-Identifier: MIT OR Apache-2.0
//! Step 6: physical volumes, volume groups, logical volumes; mapped.

use super::{Context, Error, Step};
use crate::disk::{Disk, wipe};
use crate::lvm::{Access, Mapper, create, scan};
use std::path::Path;

/// Writes the LVM metadata, makes the devices, and clears their edges.
pub struct Volumes;

impl Step for Volumes {
    fn name(&self) -> &'static str {
        "volumes"
    }

    fn run(&self, context: &mut Context) -> Result<(), Error> {
        let mapper = Mapper::open()?;
        mapper.deactivate_disk(context.disk_number()?)?;
        for group in &context.plan()?.groups {
            let devices = group
                .pvs
                .iter()
                .map(|pv| context.lvm_device(Path::new(&pv.device)))
                .collect::<Result<Vec<_>, _>>()?;
            let made = create(group, &devices)?;
            for lv in &group.lvs {
                let active = mapper.activate(&made, &lv.name, Access::ReadWrite)?;
                context
                    .reporter
                    .detail(&format!("{} is {}", active.link.display(), active.dev));
                // What lay here on the old disk, in every volume, whether it
                // gets a file system or not.
                let volume = Disk::open_writable(&active.link)?;
                wipe::clear(&volume, &wipe::edges(0..volume.bytes()))?;
            }
        }
        Ok(())
    }

    fn verify(&self, context: &mut Context) -> Result<(), Error> {
        let plan = context.plan()?;
        for group in &plan.groups {
            let devices = group
                .pvs
                .iter()
                .map(|pv| context.lvm_device(Path::new(&pv.device)))
                .collect::<Result<Vec<_>, _>>()?;
            let found = scan(&devices);
            let vg = &found.group(&group.name)?.vg;
            if vg.id != group.uuid || vg.lvs.len() != group.lvs.len() {
                let what = format!("volume group {}", group.name);
                let found = format!("{} with {} volumes", vg.id, vg.lvs.len());
                return Err(Error::Unverified { what, found });
            }
        }
        for filesystem in &plan.filesystems {
            if !filesystem.device.exists() {
                let what = filesystem.device.display().to_string();
                return Err(Error::Unverified {
                    what,
                    found: "there is no such device".into(),
                });
            }
        }
        Ok(())
    }
}
