// SPDX-License-Identifier: MIT OR Apache-2.0
//! Step 6: makes and maps physical volumes, volume groups and logical volumes.

use super::{Context, Error, Step};
use crate::disk::{check_table, wipe};
use crate::lvm::{Access, Mapper, create, find_lv, mapping, scan};
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
                .map(|pv| context.partition(Path::new(&pv.device)))
                .collect::<Result<Vec<_>, _>>()?;
            let protected = &context.plan()?.protected;
            let made = create(group, &devices, protected)?;
            for lv in &group.lvs {
                // Writes to a mounted volume bypass our guard, so its table is
                // checked.
                let mapping = mapping(&made, find_lv(&made, &lv.name)?)?;
                check_table(protected, &mapping.name, &mapping.targets)?;
                let active = mapper.activate(&made, &lv.name, Access::ReadWrite)?;
                context
                    .reporter
                    .detail(&format!("{} is {}", active.link.display(), active.dev));
                // Clears remains of the old disk in every volume, with or without
                // a file system.
                let volume = context.part(&active.link)?;
                wipe::clear(&volume, &wipe::edges(0..volume.bytes()))?;
            }
        }
        Ok(())
    }

    fn confirm(&self, context: &mut Context) -> Result<(), Error> {
        let plan = context.plan()?;
        for group in &plan.groups {
            let devices = group
                .pvs
                .iter()
                .map(|pv| context.partition(Path::new(&pv.device)))
                .collect::<Result<Vec<_>, _>>()?;
            let found = scan(&devices);
            let vg = &found.group(&group.name)?.vg;
            let planned = group.build()?;
            if vg.id != group.uuid || vg.lvs.len() != planned.lvs.len() {
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
