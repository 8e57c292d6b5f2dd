// SPDX-License-Identifier: MIT OR Apache-2.0
//! Step 13: GRUB's core image, and then the boot sector. Until then sector 0
//! starts nothing; from then on it starts the new system, of which everything
//! is on the disk, and nothing is mounted.

use super::{Context, Error, Step};
use crate::tiny::boot;

/// Makes the disk start the new system.
pub struct Switch;

impl Step for Switch {
    fn name(&self) -> &'static str {
        "switch"
    }

    fn run(&self, context: &mut Context) -> Result<(), Error> {
        // Commands of the package's own have done it already.
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
