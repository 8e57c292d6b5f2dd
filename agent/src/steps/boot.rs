// SPDX-License-Identifier: MIT OR Apache-2.0
//! Step 10: bootloader and initramfs of the new system.

use super::{Context, Error, Step};
use crate::{boot, paths};
use std::path::Path;

/// Makes the new disk boot.
pub struct Boot;

impl Step for Boot {
    fn name(&self) -> &'static str {
        "boot"
    }

    fn run(&self, context: &mut Context) -> Result<(), Error> {
        let commands = commands(context)?;
        let root = Path::new(paths::NEW_ROOT);
        boot::run(root, &commands, &mut |line| context.reporter.activity(line))?;
        Ok(())
    }

    fn verify(&self, context: &mut Context) -> Result<(), Error> {
        let plan = context.plan()?;
        let disk = crate::disk::Disk::open(&plan.disk)?;
        disk.flush()?;
        boot::verify(
            Path::new(paths::NEW_ROOT),
            &disk,
            &plan.table,
            &plan.kernels,
        )?;
        Ok(())
    }
}

fn commands(context: &Context) -> Result<Vec<boot::Job>, Error> {
    let (plan, loaded) = (context.plan()?, context.loaded()?);
    let root = Path::new(paths::NEW_ROOT);
    Ok(boot::prepare(root, plan, &loaded.manifest)?)
}
