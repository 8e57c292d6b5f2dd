// SPDX-License-Identifier: MIT OR Apache-2.0
//! Volume groups that are not wholly on the disk to be replaced.

use crate::block::BlockDevice;
use crate::lvm::FoundGroup;
use crate::plan::{OtherGroup, Whole};
use ondisk::lvm::GroupProblem;
use std::collections::BTreeSet;

/// Volume groups with a physical volume on another disk, by name; and those that
/// also have one here, as wholes of several devices. `disks` returns the names of
/// the disks below a device. Groups on logical volumes belong to guests, and
/// their names do not matter here.
pub(super) fn others(
    groups: &[FoundGroup],
    disk: &str,
    disks: &dyn Fn(&BlockDevice) -> BTreeSet<String>,
) -> (Vec<OtherGroup>, Vec<Whole>) {
    let mut found = BTreeSet::new();
    let mut wholes = Vec::new();
    for group in groups {
        // The scan counts a volume on several devices (the paths of a multipath
        // disk) as on none; the group is on them all the same.
        let copies = group.problems.iter().filter_map(|problem| match problem {
            GroupProblem::DuplicatePv { devices, .. } => Some(devices),
            _ => None,
        });
        let devices: Vec<&BlockDevice> = group.devices().chain(copies.flatten()).collect();
        let guests = devices.iter().all(|device| device.is_volume());
        let (mut here, mut elsewhere) = (BTreeSet::new(), BTreeSet::new());
        for device in devices {
            let below = disks(device);
            if below.contains(disk) {
                here.insert(device.to_string());
            }
            if below.iter().any(|name| name != disk) || below.is_empty() {
                elsewhere.insert(device.to_string());
            }
        }
        let missing =
            |problem: &&GroupProblem<_>| matches!(problem, GroupProblem::MissingPv { .. });
        let missing = group.problems.iter().filter(missing).count() as u64;
        let name = group.vg.name.clone();
        if let Some(device) = elsewhere.first().filter(|_| !guests) {
            found.insert(OtherGroup {
                name: name.clone(),
                device: device.clone(),
                here: here.first().cloned(),
            });
        }
        // Groups both here and elsewhere are reported above, except those of
        // guests.
        if !here.is_empty() && (elsewhere.is_empty() || guests) {
            wholes.push(Whole {
                kind: ondisk::signature::Kind::LvmPv.whole().into(),
                name,
                here: here.into_iter().collect(),
                elsewhere: elsewhere.into_iter().collect(),
                missing,
            });
        }
    }
    (found.into_iter().collect(), wholes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::block::tests::sample;
    use ondisk::lvm::{Origin, PvPlan, PvSlot, Uuid, VgPlan};

    fn group(name: &str, devices: &[&str]) -> FoundGroup {
        let uuid = |n: usize| Uuid::from_random(&[u8::try_from(n).unwrap(); 32]);
        let plan = |(n, device): (usize, &&str)| PvPlan {
            uuid: uuid(n + 1),
            device: format!("/dev/{device}"),
            size: 1 << 30,
            avoid: Vec::new(),
        };
        let plan = VgPlan {
            name: name.into(),
            uuid: uuid(0),
            extent_bytes: 4 << 20,
            pvs: devices.iter().enumerate().map(plan).collect(),
            lvs: Vec::new(),
            pinned: None,
            origin: Origin::default(),
        };
        let vg = plan.build().unwrap();
        let slot = |(pv, device): (&PvPlan, &&str)| PvSlot {
            uuid: pv.uuid,
            device: Some(sample(device)),
        };
        FoundGroup {
            vg,
            slots: plan.pvs.iter().zip(devices).map(slot).collect(),
            problems: Vec::new(),
        }
    }

    /// `sda2` is on `sda`; `md0` on `sda` and `sdb`.
    fn disks(device: &BlockDevice) -> BTreeSet<String> {
        let name = &device.name;
        if name == "md0" {
            return ["sda", "sdb"].map(String::from).into();
        }
        let disk = name.trim_end_matches(|c: char| c.is_ascii_digit());
        [disk.to_string()].into()
    }

    fn seen(groups: &[FoundGroup]) -> Vec<(String, String, Option<String>)> {
        let (found, _) = others(groups, "sda", &disks);
        found
            .into_iter()
            .map(|g| (g.name, g.device, g.here))
            .collect()
    }

    #[test]
    fn a_group_may_be_here_elsewhere_or_both() {
        let here = Some("/dev/sda2".to_string());
        let text = String::from;
        assert_eq!(seen(&[group("own", &["sda2", "sda3"])]), []);
        assert_eq!(
            seen(&[group("data", &["sdb", "sdc"])]),
            [(text("data"), text("/dev/sdb"), None)]
        );
        for devices in [["sda2", "sdb1"], ["sdb1", "sda2"]] {
            assert_eq!(
                seen(&[group("both", &devices)]),
                [(text("both"), text("/dev/sdb1"), here.clone())]
            );
        }
        assert_eq!(
            seen(&[group("raid", &["md0"])]),
            [(text("raid"), text("/dev/md0"), Some(text("/dev/md0")))]
        );
    }

    #[test]
    fn a_volume_on_several_paths_is_elsewhere() {
        let mut both = group("both", &["sda2", "sdb"]);
        both.slots[1].device = None;
        both.problems.push(GroupProblem::DuplicatePv {
            uuid: both.slots[1].uuid,
            devices: ["sdb", "sdc"].map(sample).into(),
        });
        assert_eq!(seen(&[both])[0].1, "/dev/sdb");
    }

    fn wholes(group: FoundGroup) -> Vec<Whole> {
        others(&[group], "sda", &disks).1
    }

    #[test]
    fn a_volume_that_nobody_finds_is_counted() {
        let mut both = group("both", &["sda2", "sdb"]);
        both.slots[1].device = None;
        both.problems.push(GroupProblem::MissingPv {
            uuid: both.slots[1].uuid,
            hint: None,
        });
        let found = &wholes(both)[0];
        assert_eq!((found.missing, found.here.len()), (1, 1));
        assert_eq!(wholes(group("own", &["sda2", "sda3"]))[0].missing, 0);
        assert_eq!(wholes(group("data", &["sdb"])), []);
    }

    #[test]
    fn a_guests_group_counts_by_what_it_has_but_not_by_its_name() {
        let mut guest = group("guest", &["sda2", "sdb1"]);
        for slot in &mut guest.slots {
            let device = slot.device.as_mut().unwrap();
            device.dm_uuid = Some("LVM-x".into());
        }
        let (found, all) = others(&[guest], "sda", &disks);
        assert_eq!(found, []);
        assert_eq!(all[0].elsewhere, ["/dev/sdb1"]);
    }
}
