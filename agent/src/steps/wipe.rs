// SPDX-License-Identifier: MIT OR Apache-2.0
//! Step 4: the old system's maps, signatures and tables go.

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
        let disk = context.disk_alone()?;
        let present = match table::read(&disk) {
            Ok(present) => present,
            // A table that nobody can read is wiped all the same.
            Err(error) => {
                context.reporter.detail(&format!("the old table: {error}"));
                table::Present::None
            }
        };
        let ranges = wipe::ranges(&disk, &present, &context.plan()?.table)?;
        wipe::clear(&disk, &ranges)?;
        Ok(())
    }

    fn verify(&self, context: &mut Context) -> Result<(), Error> {
        let disk = context.disk()?;
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
