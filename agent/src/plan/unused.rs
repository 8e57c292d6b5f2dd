// SPDX-License-Identifier: MIT OR Apache-2.0
//! The space that the new system does not use, by device.

use super::Plan;
use ondisk::ext4;
use ondisk::gpt::Guid;
use ondisk::lvm::{PlanError, SegmentKind, VgPlan, VolumeGroup, dm_name};
use std::ops::Range;
use std::path::{Path, PathBuf};

/// Free space of one device.
#[derive(Debug, Clone)]
pub struct Unused {
    pub device: PathBuf,
    /// Which bytes of it.
    pub space: Space,
}

/// Which bytes of a device are free.
#[derive(Debug, Clone)]
pub enum Space {
    /// The free blocks of the file system that was made with these options.
    Filesystem(Box<ext4::Options>),
    Whole,
    Bytes(Vec<Range<u64>>),
}

use ondisk::run::SECTOR;

impl Plan {
    /// Everything on the disk that the new system does not use, once all of
    /// the plan is carried out: what lies between the partitions, partitions
    /// and volumes without a file system, extents of no volume, and the free
    /// blocks of the file systems.
    ///
    /// # Errors
    /// As of [`ondisk::lvm::VgPlan::build`]; never after the plan was carried
    /// out.
    pub fn unused(&self) -> Result<Vec<Unused>, PlanError> {
        let mut all = vec![Unused {
            device: self.disk.clone(),
            space: Space::Bytes(self.gaps()),
        }];
        for partition in &self.table.partitions {
            let device = self.partition_node(partition.number);
            let used = partition.type_guid == Guid::BIOS_BOOT
                || self.groups.iter().any(|g| holds(g, &device))
                || self.filesystems.iter().any(|f| f.device == device);
            if !used {
                let space = Space::Whole;
                all.push(Unused { device, space });
            }
        }
        for group in &self.groups {
            let made = group.build()?;
            for (pv, plan) in made.pvs.iter().zip(&group.pvs) {
                let data = pv.pe_start * SECTOR..plan.size;
                let used = used_of(&made, &pv.section, data.start);
                all.push(Unused {
                    device: plan.device.clone().into(),
                    space: Space::Bytes(complement(data, used)),
                });
            }
            for lv in &group.lvs {
                let name = dm_name(&group.name, &lv.name)?;
                let device = PathBuf::from(format!("/dev/mapper/{name}"));
                if self.filesystems.iter().all(|f| f.device != device) {
                    let space = Space::Whole;
                    all.push(Unused { device, space });
                }
            }
        }
        all.extend(self.filesystems.iter().map(|filesystem| Unused {
            device: filesystem.device.clone(),
            space: Space::Filesystem(Box::new(filesystem.options)),
        }));
        Ok(all)
    }

    /// Byte ranges of the disk between the copies of the table and outside of
    /// every partition.
    fn gaps(&self) -> Vec<Range<u64>> {
        let block = u64::from(self.table.block_size);
        let whole = self.table.first_usable_lba * block..(self.table.last_usable_lba + 1) * block;
        let partitions = self.table.partitions.iter();
        complement(
            whole,
            partitions.map(|p| self.table.byte_range(p)).collect(),
        )
    }
}

/// Whether a device is one of the group's physical volumes.
fn holds(group: &VgPlan, device: &Path) -> bool {
    group.pvs.iter().any(|pv| Path::new(&pv.device) == device)
}

/// Bytes of a physical volume that its logical volumes lie on; `start` is
/// where its first extent begins.
fn used_of(group: &VolumeGroup, section: &str, start: u64) -> Vec<Range<u64>> {
    let extent = group.extent_bytes();
    let mut used = Vec::new();
    for segment in group.lvs.iter().flat_map(|lv| &lv.segments) {
        let SegmentKind::Striped { stripes, .. } = &segment.kind else {
            continue;
        };
        for stripe in stripes.iter().filter(|stripe| stripe.on == section) {
            let from = start + stripe.extent * extent;
            // With several legs this counts more than is used, never less.
            used.push(from..from + segment.extent_count * extent);
        }
    }
    used
}

/// The parts of `whole` that no range of `used` covers, ascending.
fn complement(whole: Range<u64>, mut used: Vec<Range<u64>>) -> Vec<Range<u64>> {
    used.sort_unstable_by_key(|range| range.start);
    let mut free = Vec::new();
    let mut at = whole.start;
    for range in used {
        if range.start.min(whole.end) > at {
            free.push(at..range.start.min(whole.end));
        }
        at = at.max(range.end);
    }
    if at < whole.end {
        free.push(at..whole.end);
    }
    free
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nothing_covers() {
        let one = |range: Range<u64>| std::iter::once(range).collect::<Vec<_>>();
        assert_eq!(complement(10..100, vec![]), one(10..100));
        assert_eq!(complement(10..100, one(10..100)), []);
        assert_eq!(complement(10..100, one(0..200)), []);
        assert_eq!(
            complement(10..100, vec![90..120, 20..30, 25..40, 0..12]),
            [12..20, 40..90]
        );
    }

    #[test]
    fn all_of_the_disk_is_used_or_not() {
        const MIB: u64 = 1 << 20;
        let (_, plan) = crate::plan::sample();
        let all = plan.unused().unwrap();
        let find = |device: &str| {
            let found = all.iter().find(|u| u.device == Path::new(device));
            found.map(|u| &u.space)
        };
        let Some(Space::Bytes(gaps)) = find("/dev/nvme0n1") else {
            panic!("{all:?}");
        };
        assert_eq!(gaps[0], 34 * 512..MIB);
        assert_eq!(gaps.last().unwrap().end, (8 << 30) - 33 * 512);
        // The BIOS boot partition is GRUB's; the rest is in one way or another.
        assert!(find("/dev/nvme0n1p1").is_none());
        assert!(matches!(find("/dev/nvme0n1p2"), Some(Space::Filesystem(_))));
        assert!(matches!(
            find("/dev/mapper/VA-root"),
            Some(Space::Filesystem(_))
        ));
        assert!(matches!(find("/dev/mapper/VA-data"), Some(Space::Whole)));
        let Some(Space::Bytes(ranges)) = find("/dev/nvme0n1p3") else {
            panic!("{all:?}");
        };
        // "rest" took every extent; only what is less than one is left.
        for range in ranges {
            assert!(range.end - range.start < 4 * MIB, "{range:?}");
        }
    }
}
