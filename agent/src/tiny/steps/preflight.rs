// SPDX-License-Identifier: MIT OR Apache-2.0
//! Step 3: everything is decided before anything is written.

use super::{Context, Error, Step};
use crate::lvm::Mapper;
use crate::plan::{Facts, Others, Plan};
use crate::random;
use crate::tiny::lifeboat::{self, Contents, Lifeboat};
use ondisk::lifeboat::Protected;
use std::time::{SystemTime, UNIX_EPOCH};

/// Computes the plan, and prints it.
pub struct Preflight;

impl Step for Preflight {
    fn name(&self) -> &'static str {
        "preflight"
    }

    fn run(&self, context: &mut Context) -> Result<(), Error> {
        let plan = match &context.lifeboat {
            Some(lifeboat) => recorded(context, lifeboat)?,
            None => planned(context)?,
        };
        let found = context.found()?;
        context.reporter.line(&plan.to_string());
        // Only after everything succeeded, because the report of a failure goes
        // into the old root. In a migration that is resumed, the new root may be
        // mounted here.
        if found.root.is_some() {
            Mapper::open()?.deactivate_disk(context.disk_number()?)?;
        }
        context.plan = Some(plan);
        Ok(())
    }

    fn confirm(&self, context: &mut Context) -> Result<(), Error> {
        context.plan().map(|_| ())
    }
}

/// The plan from the record, the same at each start.
fn recorded(context: &Context, boat: &Lifeboat) -> Result<Plan, Error> {
    let found = context.found()?;
    let contents = Contents::of(boat.record())?;
    Ok(lifeboat::plan(
        boat.record(),
        &contents,
        &found.disk.name,
        &found.others,
    )?)
}

/// A plan with new random values.
fn planned(context: &Context) -> Result<Plan, Error> {
    let (found, loaded) = (context.found()?, context.loaded()?);
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |d| d.as_secs());
    let facts = Facts {
        disk: found.disk.name.clone(),
        disk_bytes: found.disk.bytes,
        block_size: found.disk.logical_block_size,
        others: Others {
            whole_before: loaded.staged.whole.clone(),
            ..found.others.clone()
        },
        host: loaded.staged.host.clone(),
        // A machine without a clock battery would be in 1970.
        time: now.max(loaded.staged.time),
        protected: Protected::default(),
    };
    // `check` has examined the payload, and `load` has compared its checksum.
    loaded.staged.agree(&loaded.manifest)?;
    let mut manifest = loaded.manifest.clone();
    manifest.payload = loaded.staged.facts.payload.clone();
    let plan = Plan::compute(&manifest, &loaded.table, &facts, &mut random::fill)?;
    plan.holds(&loaded.staged.facts)?;
    Ok(plan)
}
