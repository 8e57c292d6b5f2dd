// SPDX-License-Identifier: MIT OR Apache-2.0
//! Step 7: the file systems, with the UUIDs that the payload's fstab asks for.

use super::{Context, Error, Step};
use crate::disk::{self, Disk};
use crate::report::Unit;
use ondisk::ext4;

/// Makes the file systems.
pub struct Format;

impl Step for Format {
    fn name(&self) -> &'static str {
        "format"
    }

    fn run(&self, context: &mut Context) -> Result<(), Error> {
        for filesystem in &context.plan()?.filesystems {
            let device = filesystem.device.display();
            context
                .reporter
                .activity(&format!("{device} for {}", filesystem.mount));
            let disk = context.part(&filesystem.device)?;
            disk::ext4::format(&disk, &filesystem.options, &mut |done, goal| {
                context.reporter.progress(done, goal, Unit::Bytes);
            })?;
        }
        Ok(())
    }

    fn confirm(&self, context: &mut Context) -> Result<(), Error> {
        for filesystem in &context.plan()?.filesystems {
            let disk = Disk::open(&filesystem.device)?;
            let head = disk.read_fresh(0, 4096)?;
            if ext4::uuid(&head) != Some(filesystem.options.uuid) {
                let what = format!("the file system on {}", filesystem.device.display());
                return Err(Error::Unverified {
                    what,
                    found: "another superblock".into(),
                });
            }
        }
        Ok(())
    }
}
