// SPDX-License-Identifier: MIT OR Apache-2.0
//! Checks that protected ranges lie only where volumes can leave them out.

use super::{Plan, Refusal};
use ondisk::gpt::Table;
use ondisk::lifeboat::{self, AllowedError, DataArea, Protected, data_areas};
use ondisk::lvm::VgPlan;
use ondisk::manifest::Manifest;
use std::ops::Range;

/// Refuses protected ranges that a partition, a file system outside of volumes,
/// or a table would overwrite.
pub(super) fn refuse_outside(
    protected: &Protected,
    manifest: &Manifest,
    table: &Table,
    groups: &[VgPlan],
) -> Result<(), Refusal> {
    if protected.ranges().is_empty() {
        return Ok(());
    }
    let areas = areas(manifest, table, groups).map_err(Refusal::Areas)?;
    for range in protected.ranges() {
        // A range must lie within the data area of one partition: if it went on
        // in the next one, there would be a label and metadata in it.
        let within = |area: &DataArea| {
            let Range { start, end } = &area.extents;
            *start <= range.start && range.end <= *end
        };
        if !areas.iter().any(within) {
            return Err(Refusal::Protected {
                start: range.start,
                end: range.end,
            });
        }
    }
    Ok(())
}

/// Where the extents of all groups will lie.
fn areas(
    manifest: &Manifest,
    table: &Table,
    groups: &[VgPlan],
) -> Result<Vec<DataArea>, AllowedError> {
    let numbers = |plan: &VgPlan| {
        let mut wanted = manifest.volume_groups.iter();
        let group = wanted.find(|group| group.name == plan.name);
        group.map(|group| group.partitions.as_slice())
    };
    let groups: Vec<(&VgPlan, &[u32])> = groups
        .iter()
        .map(|plan| (plan, numbers(plan).unwrap_or_default()))
        .collect();
    data_areas(table, &groups)
}

impl Plan {
    /// Ranges of the disk that can stay until the new system boots, because its
    /// volumes can leave them out. Empty if the manifest has no volume group.
    ///
    /// # Errors
    /// An impossible size of physical blocks, in bytes.
    pub fn allowed(
        &self,
        manifest: &Manifest,
        physical_block: u32,
    ) -> Result<Vec<Range<u64>>, AllowedError> {
        let areas = areas(manifest, &self.table, &self.groups)?;
        lifeboat::allowed(&self.table, &areas, physical_block)
    }
}
