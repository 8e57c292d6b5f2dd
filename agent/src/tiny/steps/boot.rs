// SPDX-License-Identifier: MIT OR Apache-2.0
//! Step 10: bootloader and initramfs of the new system. GRUB's images go to
//! their places on the disk in `switch`.

use super::{Context, Error, Step};
use crate::paths;
use crate::program::Supervision;
use crate::tiny::boot;
use rootdir::RootDir;
use std::path::Path;
use std::time::Duration;

/// Makes what the new disk boots with.
pub struct Boot;

impl Step for Boot {
    fn name(&self) -> &'static str {
        "boot"
    }

    fn run(&self, context: &mut Context) -> Result<(), Error> {
        let commands = commands(context)?;
        // The programs open it by the name that they are given.
        let open = context.disk()?;
        let boat = context.lifeboat.as_ref();
        let snapshot = boat.map(|boat| boat.snapshot(&open)).transpose()?;
        let area = boot::Area::of(&open, &context.plan()?.table).with(snapshot);
        boot::make_links(Path::new("/dev"), context.plan()?)?;
        let root = Path::new(paths::NEW_ROOT);
        if !context.loaded()?.manifest.boot.commands.is_empty() {
            context.reporter.detail(
                "the package has [boot] commands of its own, which may install a boot loader: the disk is not write-protected meanwhile",
            );
        }
        let disk = &context.found()?.disk;
        let supervision = Supervision {
            silence: context
                .cmdline
                .silence
                .map_or(Supervision::SILENCE, Duration::from_secs),
            grace: Supervision::GRACE,
            disk: Some(disk.counters()),
        };
        let without = boot::run(root, &commands, &area, &supervision, &mut |line| {
            context.reporter.activity(line);
        })?;
        for warning in without {
            context.reporter.line(&format!("warning: {warning}"));
        }
        Ok(())
    }

    fn confirm(&self, context: &mut Context) -> Result<(), Error> {
        let plan = context.plan()?;
        let disk = context.disk()?;
        disk.flush()?;
        let root = RootDir::open(Path::new(paths::NEW_ROOT))?;
        let manifest = &context.loaded()?.manifest;
        for warning in boot::confirm(&root, plan, manifest)? {
            context.reporter.line(&format!("warning: {warning}"));
        }
        let images = match manifest.boot.commands.is_empty() {
            true => Some(boot::Images::read(&root, &disk, &plan.table)?),
            false => {
                boot::starts_grub(&disk, &plan.table)?;
                None
            }
        };
        context.images = images;
        Ok(())
    }
}

fn commands(context: &Context) -> Result<Vec<boot::Job>, Error> {
    let (plan, loaded) = (context.plan()?, context.loaded()?);
    let root = RootDir::open(Path::new(paths::NEW_ROOT))?;
    Ok(boot::prepare(&root, plan, &loaded.manifest)?)
}
