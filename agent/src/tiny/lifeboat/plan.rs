// SPDX-License-Identifier: MIT OR Apache-2.0
//! The plan, from the record: the same at each start.

use super::Contents;
use crate::plan::{Facts, Others, Plan, Refusal};
use ondisk::lifeboat::Stream;
use ondisk::lifeboat::record::Record;

/// Computes what will be done to the disk of this record, which the kernel
/// calls `disk` now, beside what the machine has besides.
///
/// # Errors
/// What `stage` would have refused, too.
pub fn plan(
    record: &Record,
    contents: &Contents,
    disk: &str,
    others: &Others,
) -> Result<Plan, Refusal> {
    let facts = Facts {
        disk: disk.to_owned(),
        disk_bytes: record.disk.bytes,
        block_size: record.disk.logical_block,
        others: Others {
            whole_before: contents.staged.whole.clone(),
            ..others.clone()
        },
        host: record.host.clone(),
        time: record.time,
        protected: record.protected.clone(),
    };
    let mut manifest = contents.manifest.clone();
    manifest.payload = contents.staged.facts.payload.clone();
    let mut random = Stream::new(record.seed);
    let plan = Plan::compute(&manifest, &contents.table, &facts, &mut |bytes| {
        random.fill(bytes);
    })?;
    plan.holds(&contents.staged.facts)?;
    Ok(plan)
}
