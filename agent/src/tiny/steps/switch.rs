// SPDX-License-Identifier: MIT OR Apache-2.0
//! Step 13: writes GRUB's core image, and then the boot sector. Until then sector
//! 0 does not start the new system; from then on it does, so everything else is
//! on the disk by now, and nothing is mounted.

use super::{Context, Error, Step};
use crate::tiny::boot;

/// Makes the disk start the new system.
pub struct Switch;

impl Step for Switch {
    fn name(&self) -> &'static str {
        "switch"
    }

    fn run(&self, context: &mut Context) -> Result<(), Error> {
        // Without images, the package's own commands have installed GRUB already.
        if let Some(images) = &context.images {
            images.write(&context.disk()?)?;
        }
        Ok(())
    }

    fn confirm(&self, context: &mut Context) -> Result<(), Error> {
        let disk = context.disk()?;
        if let Some(images) = &context.images {
            images.confirm(&disk)?;
        }
        Ok(boot::starts_grub(&disk, &context.plan()?.table)?)
    }
}
