// SPDX-License-Identifier: MIT OR Apache-2.0
//! Between step 3 and the point of no return, where the migration survives a
//! power cut: our loader is written into sector 0. The machine then starts once
//! by it before anything is destroyed, unless the package leaves that restart
//! out.

use super::{Context, Error, Step};
use crate::report::Unit;
use crate::{mount, paths};
use ondisk::lifeboat::state::Phase;
use std::path::Path;

/// Arms the machine; on one that is armed, checks everything a last time.
pub struct Arm;

impl Step for Arm {
    fn name(&self) -> &'static str {
        "arm"
    }

    fn run(&self, context: &mut Context) -> Result<(), Error> {
        // The old file system must have nothing left to write, and must not move
        // files.
        mount::unmount_tree(Path::new(paths::OLD_ROOT))?;
        rustix::fs::sync();
        let reporter = context.reporter.clone();
        reporter.activity("comparing what lies on the disk");
        let mut progress = |done, all| reporter.progress(done, all, Unit::Bytes);
        let lifeboat = context.lifeboat_mut()?;
        match lifeboat.phase() {
            Phase::Armed { .. } => lifeboat.is_ready(&mut progress)?,
            _ => lifeboat.arm(&mut progress)?,
        }
        Ok(())
    }

    fn confirm(&self, context: &mut Context) -> Result<(), Error> {
        match context.lifeboat_mut()?.sector_0_is_armed()? {
            true => Ok(()),
            false => Err(Error::Unverified {
                what: "the disk's first sector".into(),
                found: "replant's loader is not there".into(),
            }),
        }
    }
}
