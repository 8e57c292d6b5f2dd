// SPDX-License-Identifier: MIT OR Apache-2.0
//! Step 7: the file systems, with the UUIDs that the payload's fstab asks for.

use super::{Context, Error, Step};
use crate::disk::{Disk, ext4};
use crate::report::Unit;

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
            let disk = Disk::open_writable(&filesystem.device)?;
            ext4::format(
                disk.path(),
                disk.file(),
                &filesystem.options,
                &mut |done, goal| {
                    context.reporter.progress(done, goal, Unit::Bytes);
                },
            )?;
        }
        Ok(())
    }

    fn verify(&self, context: &mut Context) -> Result<(), Error> {
        for filesystem in &context.plan()?.filesystems {
            let disk = Disk::open(&filesystem.device)?;
            let head = disk.read_fresh(0, 4096)?;
            let magic = head.get(1024 + 0x38..1024 + 0x3a) == Some(&[0x53, 0xef]);
            let uuid = head.get(1024 + 0x68..1024 + 0x78) == Some(&filesystem.options.uuid);
            if !magic || !uuid {
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
