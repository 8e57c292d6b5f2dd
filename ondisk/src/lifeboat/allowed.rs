// SPDX-License-Identifier: MIT OR Apache-2.0
//! Where on the disk a pinned file may lie: what the new system's volumes can
//! leave out, and nothing else.

use super::protected::{Protected, ProtectedError, unit};
use crate::gpt::{self, Table};
use crate::lvm::{PlanError, VgPlan};
use std::ops::Range;

/// Blocks of the disk that belong to the table and its protective MBR, at the
/// start of the disk and at its end, whatever the table's number of entries is.
const HEAD_BLOCKS: u64 = 34;
const TAIL_BLOCKS: u64 = 33;

/// The extents of a physical volume that will be made. Bytes from the start of
/// the disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataArea {
    /// The volume group.
    pub group: String,
    /// Index in [`VgPlan::pvs`].
    pub pv: usize,
    /// Its partition.
    pub partition: Range<u64>,
    /// Its extents, without label, metadata area and what is left at the end.
    pub extents: Range<u64>,
}

/// Why the places of the volumes cannot be computed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AllowedError {
    /// A table that contradicts itself.
    #[error(transparent)]
    Table(#[from] gpt::Error),
    /// Not a partition for each physical volume.
    #[error("volume group {group} has {pvs} physical volumes and {partitions} partitions")]
    Count {
        /// The group.
        group: String,
        /// Physical volumes.
        pvs: usize,
        /// Partitions.
        partitions: usize,
    },
    /// A partition that is missing in the table.
    #[error("volume group {group} is to lie on partition {number}, which the table has not")]
    NoPartition {
        /// The group.
        group: String,
        /// Number of the partition.
        number: u32,
    },
    /// Table and plan have different sizes of one partition.
    #[error(
        "partition {number} has {partition} bytes, the physical volume on it was planned with {pv}"
    )]
    Size {
        /// Number of the partition.
        number: u32,
        /// Its bytes.
        partition: u64,
        /// Bytes of the plan.
        pv: u64,
    },
    /// A device without room for one extent.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// A block size that no disk has.
    #[error(transparent)]
    Block(#[from] ProtectedError),
}

/// Where the extents of the new physical volumes will lie: of each group, with
/// the numbers of its partitions in the order of [`VgPlan::pvs`].
///
/// # Errors
/// When table and plan do not belong together.
pub fn data_areas(
    table: &Table,
    groups: &[(&VgPlan, &[u32])],
) -> Result<Vec<DataArea>, AllowedError> {
    table.check()?;
    let mut areas = Vec::new();
    for (plan, numbers) in groups {
        let group = || plan.name.clone();
        if plan.pvs.len() != numbers.len() {
            return Err(AllowedError::Count {
                group: group(),
                pvs: plan.pvs.len(),
                partitions: numbers.len(),
            });
        }
        for ((index, pv), &number) in plan.pvs.iter().enumerate().zip(*numbers) {
            let partition = table.partition(number);
            let partition = partition.ok_or_else(|| AllowedError::NoPartition {
                group: group(),
                number,
            })?;
            let partition = table.byte_range(partition);
            let bytes = partition.end.saturating_sub(partition.start);
            if bytes != pv.size {
                return Err(AllowedError::Size {
                    number,
                    partition: bytes,
                    pv: pv.size,
                });
            }
            let on_pv = pv.extents(plan.extent_bytes)?;
            let on_disk = |at: u64| partition.start.saturating_add(at).min(partition.end);
            areas.push(DataArea {
                group: group(),
                pv: index,
                extents: on_disk(on_pv.start)..on_disk(on_pv.end),
                partition,
            });
        }
    }
    Ok(areas)
}

/// The bytes of the disk that pinned files may use, in order: the extents of
/// new physical volumes, in whole blocks as [`Protected`] counts them. All else
/// is forbidden: the table's places, BIOS boot and other partitions, labels and
/// metadata of physical volumes, and what lies outside of partitions.
///
/// # Errors
/// A physical block (in bytes) that no disk has.
pub fn allowed(
    table: &Table,
    areas: &[DataArea],
    physical_block: u32,
) -> Result<Vec<Range<u64>>, AllowedError> {
    let unit = unit(physical_block)?;
    let block = u64::from(table.block_size);
    let first = HEAD_BLOCKS.saturating_mul(block);
    let end = table.disk_bytes();
    let end = end.saturating_sub(TAIL_BLOCKS.saturating_mul(block));
    let inward = |area: &DataArea| {
        let start = area.extents.start.max(first);
        let end = area.extents.end.min(end);
        let start = start.checked_next_multiple_of(unit).unwrap_or(end);
        start..end - end % unit
    };
    let mut ranges: Vec<_> = areas.iter().map(inward).filter(|r| !r.is_empty()).collect();
    ranges.sort_unstable_by_key(|range| range.start);
    Ok(ranges)
}

impl DataArea {
    /// The ranges of the physical volume that no other volume may use, in bytes
    /// from its start, for [`PvPlan::avoid`](crate::lvm::PvPlan::avoid).
    #[must_use]
    pub fn avoid(&self, protected: &Protected) -> Vec<Range<u64>> {
        let start = self.partition.start;
        let on_pv = |r: Range<u64>| r.start.saturating_sub(start)..r.end.saturating_sub(start);
        let within = protected.within(&self.partition);
        within.into_iter().map(on_pv).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gpt::{Guid, Name, Partition};
    use crate::lifeboat::Run;
    use crate::lvm::{LvPlan, LvSize, Origin, PvPlan, Uuid};

    const MIB: u64 = 1 << 20;
    const DISK: u64 = 1024 * MIB;

    fn partition(number: u32, sectors: Range<u64>) -> Partition {
        Partition {
            number,
            type_guid: Guid::LVM,
            guid: Guid::from_written(number.into()),
            first_lba: sectors.start,
            last_lba: sectors.end - 1,
            attributes: 0,
            name: Name::new("").unwrap(),
        }
    }

    /// BIOS boot, /boot, and two physical volumes, the second one at an odd
    /// sector.
    fn table() -> Table {
        let mut table = Table::new(DISK, 512, Guid::from_written(9)).unwrap();
        table.partitions = vec![
            partition(1, 2048..4096),
            partition(2, 4096..204_800),
            partition(3, 204_800..1_024_000),
            partition(4, 1_024_001..table.last_usable_lba + 1),
        ];
        table
    }

    fn plan(name: &str, sizes: &[u64]) -> VgPlan {
        VgPlan {
            name: name.into(),
            uuid: Uuid::from_random(&[0; 32]),
            extent_bytes: 4 * MIB,
            pvs: sizes
                .iter()
                .map(|size| PvPlan {
                    uuid: Uuid::from_random(&[1; 32]),
                    device: "/dev/x".into(),
                    size: *size,
                    avoid: Vec::new(),
                })
                .collect(),
            lvs: vec![LvPlan {
                name: "root".into(),
                uuid: Uuid::from_random(&[2; 32]),
                size: LvSize::Rest,
            }],
            pinned: None,
            origin: Origin::default(),
        }
    }

    fn sizes(table: &Table) -> [u64; 2] {
        [3, 4].map(|number| {
            let bytes = table.byte_range(table.partition(number).unwrap());
            bytes.end - bytes.start
        })
    }

    #[test]
    fn only_the_extents_of_physical_volumes_are_allowed() {
        let table = table();
        let plan = plan("va", &sizes(&table));
        let areas = data_areas(&table, &[(&plan, &[3, 4])]).unwrap();
        // 400 MiB less 1 MiB of metadata: 99 extents, and 3 MiB that are left.
        let first = 101 * MIB..101 * MIB + 99 * 4 * MIB;
        // 523.99 MiB less 1 MiB: 130 extents.
        let start = 501 * MIB + 512;
        let second = start..start + 130 * 4 * MIB;
        let extents: Vec<_> = areas.iter().map(|area| area.extents.clone()).collect();
        assert_eq!(extents, [first.clone(), second.clone()]);
        let named: Vec<_> = areas.iter().map(|a| (a.group.as_str(), a.pv)).collect();
        assert_eq!(named, [("va", 0), ("va", 1)]);
        assert_eq!(areas[1].partition.start, 500 * MIB + 512);
        // In whole blocks.
        let inward = |unit: u64| second.start / unit * unit + unit..second.end / unit * unit;
        for (block, unit) in [(512, 4096), (4096, 4096), (65536, 65536)] {
            let ranges = allowed(&table, &areas, block).unwrap();
            let first = first.start.next_multiple_of(unit)..first.end / unit * unit;
            assert_eq!(ranges, [first, inward(unit)]);
            // In the order of the disk, whatever that of the volumes is.
            let reversed: Vec<_> = areas.iter().rev().cloned().collect();
            assert_eq!(allowed(&table, &reversed, block), Ok(ranges));
        }
        // An area without a whole block.
        let small = DataArea {
            extents: MIB + 1..MIB + 8191,
            ..areas[0].clone()
        };
        assert_eq!(allowed(&table, &[small], 512), Ok(vec![]));
        assert!(matches!(
            allowed(&table, &areas, 3),
            Err(AllowedError::Block(_))
        ));
        assert_eq!(allowed(&table, &[], 512), Ok(vec![]));
    }

    /// A table of few entries lets partitions begin and end nearer to the ends
    /// of the disk.
    #[test]
    fn the_tables_places_are_never_allowed() {
        let mut table = table();
        table.entry_count = 4;
        table.first_usable_lba = 3;
        table.last_usable_lba = table.disk_blocks - 3;
        let area = DataArea {
            group: "va".into(),
            pv: 0,
            partition: 3 * 512..(table.disk_blocks - 2) * 512,
            extents: 3 * 512..(table.disk_blocks - 2) * 512,
        };
        let ranges = allowed(&table, &[area], 512).unwrap();
        let end = (table.disk_blocks - 33) * 512;
        let only = 20480..end / 4096 * 4096;
        assert_eq!(ranges, [only]);
        // Blocks of 4096 bytes.
        let mut table = Table::new(DISK, 4096, Guid::from_written(9)).unwrap();
        table.entry_count = 4;
        table.first_usable_lba = 3;
        table.last_usable_lba = table.disk_blocks - 3;
        let whole = DataArea {
            group: "va".into(),
            pv: 0,
            partition: 0..DISK,
            extents: 0..DISK,
        };
        let only = 34 * 4096..DISK - 33 * 4096;
        assert_eq!(allowed(&table, &[whole], 4096), Ok(vec![only]));
    }

    #[test]
    fn a_plan_that_is_not_the_tables_is_refused() {
        let table = table();
        let sizes = sizes(&table);
        let areas = |plan: &VgPlan, numbers: &[u32]| data_areas(&table, &[(plan, numbers)]);
        let plan = |sizes: &[u64]| plan("va", sizes);
        let good = plan(&sizes);
        assert!(areas(&good, &[3, 4]).is_ok());
        assert!(matches!(
            areas(&good, &[3]),
            Err(AllowedError::Count { .. })
        ));
        assert!(matches!(
            areas(&good, &[3, 5]),
            Err(AllowedError::NoPartition { .. })
        ));
        assert!(matches!(
            areas(&good, &[4, 3]),
            Err(AllowedError::Size { .. })
        ));
        let small = areas(&plan(&[MIB]), &[1]);
        assert!(matches!(
            small,
            Err(AllowedError::Plan(PlanError::SmallDevice { .. }))
        ));
        let mut twice = table.clone();
        twice.partitions[3].first_lba -= 2;
        let error = data_areas(&twice, &[(&good, &[3, 4])]);
        assert!(matches!(
            error,
            Err(AllowedError::Table(gpt::Error::Overlap { .. }))
        ));
    }

    /// What is avoided keeps a built group off the protected bytes.
    #[test]
    fn a_group_goes_round_what_is_protected() {
        let table = table();
        let mut plan = plan("va", &sizes(&table));
        let areas = data_areas(&table, &[(&plan, &[3, 4])]).unwrap();
        // On the first volume, over the end of the second's first extent, and
        // on another partition.
        let edge = (areas[1].extents.start + 4 * MIB) / 512 - 1;
        let runs = [(300_000, 9), (edge, 2), (5000, 8)];
        let runs = runs.map(|(lba, sectors)| Run { lba, sectors });
        let protected = Protected::new(runs, 512, DISK).unwrap();
        for area in &areas {
            plan.pvs[area.pv].avoid = area.avoid(&protected);
        }
        let start = 5 * MIB - 512;
        let only = start..start + 4096;
        assert_eq!(plan.pvs[1].avoid, [only]);
        let group = plan.build().unwrap();
        let total: u64 = 99 + 130;
        assert_eq!(group.lvs[0].extents(), total - 3);
        let mut left = 0;
        for segment in &group.lvs[0].segments {
            let crate::lvm::SegmentKind::Striped { stripes, .. } = &segment.kind else {
                panic!("{segment:?}");
            };
            let area = &areas[usize::from(stripes[0].on == "pv1")];
            let start = area.extents.start + stripes[0].extent * 4 * MIB;
            let bytes = start..start + segment.extent_count * 4 * MIB;
            assert_eq!(protected.overlap(&bytes), None);
            left += segment.extent_count;
        }
        assert_eq!(left, total - 3);
    }
}
