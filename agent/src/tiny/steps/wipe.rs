// SPDX-License-Identifier: MIT OR Apache-2.0
//! Step 4: the old system's maps, signatures and tables are removed.

use super::{Context, Error, Step};
use crate::disk::{table, wipe};
use crate::lvm::Mapper;
use crate::{mount, paths};
use std::path::Path;

/// Removes what a later step, or the new system, could take for its own.
pub struct Wipe;

impl Step for Wipe {
    fn name(&self) -> &'static str {
        "wipe"
    }

    fn run(&self, context: &mut Context) -> Result<(), Error> {
        for place in [paths::NEW_ROOT, paths::OLD_ROOT] {
            mount::unmount_tree(Path::new(place))?;
        }
        let removed = Mapper::open()?.deactivate_disk(context.disk_number()?)?;
        for name in removed {
            context
                .reporter
                .detail(&format!("removed the device {name}"));
        }
        let disk = context.old_disk_alone()?;
        if let Some(lifeboat) = &context.lifeboat {
            // The old system cannot be started any more.
            lifeboat.close_way_back(&disk)?;
            return Ok(wipe::clear(&disk, &lifeboat.wiped())?);
        }
        // From here on the disk is recognised by this, and no longer by its
        // table.
        context.mark()?.write_on(&disk)?;
        let present = match table::read(&disk) {
            Ok(present) => present,
            // A table that cannot be read is wiped all the same.
            Err(error) => {
                context.reporter.detail(&format!("the old table: {error}"));
                table::Present::None
            }
        };
        let plan = context.plan()?;
        let ranges = wipe::ranges(&disk, &present, &plan.table)?;
        let ranges = ranges
            .iter()
            .flat_map(|range| plan.protected.outside(range));
        let ranges: Vec<_> = ranges.collect();
        wipe::clear(&disk, &ranges)?;
        Ok(())
    }

    fn confirm(&self, context: &mut Context) -> Result<(), Error> {
        let disk = context.disk()?;
        if let Some(lifeboat) = &context.lifeboat {
            let what = || disk.path().display().to_string();
            let unverified = |found: &str| Error::Unverified {
                what: what(),
                found: found.into(),
            };
            if !lifeboat.is_closed(&disk)? {
                return Err(unverified("its first sector is not replant's loader"));
            }
            // The old table stays in sector 0 until the new one is written; that
            // does not mean that something was not wiped.
            return match table::has_gpt(&disk)? {
                false => Ok(()),
                true => Err(unverified("its table is still there")),
            };
        }
        match table::read(&disk)? {
            table::Present::None => Ok(()),
            other => {
                let found = format!("{} partitions are still there", other.partitions().len());
                Err(Error::Unverified {
                    what: disk.path().display().to_string(),
                    found,
                })
            }
        }
    }
}
