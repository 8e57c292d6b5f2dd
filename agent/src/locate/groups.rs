// SPDX-License-Identifier: MIT OR Apache-2.0
//! Volume groups that the disk to be replaced does not have for itself.

use super::lvm_devices;
use crate::device::{BlockDevice, SYS};
use crate::lvm::{BlockDevice as LvmDevice, FoundGroup, GroupError, scan};
use crate::machine;
use crate::plan::OtherGroup;
use std::collections::BTreeSet;
use std::path::Path;

/// Volume groups with a physical volume on any other disk than this one, by
/// name.
pub fn groups_elsewhere(blocks: &[BlockDevice], disk: &BlockDevice) -> Vec<OtherGroup> {
    // A physical volume on an md device is on all of its disks. sysfs knows
    // every device that we list; should one have gone, its name has to do.
    let disks = |device: &LvmDevice| {
        machine::disks_below(Path::new(SYS), (device.dev.major, device.dev.minor))
            .ok()
            .filter(|disks| !disks.is_empty())
            .unwrap_or_else(|| {
                let block = blocks.iter().find(|b| b.path() == device.path);
                let name = block.map(|b| b.parent.clone().unwrap_or_else(|| b.name.clone()));
                name.into_iter().collect()
            })
    };
    others(&scan(&lvm_devices(blocks)).groups, &disk.name, &disks)
}

/// `disks` gives the names of the disks below a device.
fn others(
    groups: &[FoundGroup],
    disk: &str,
    disks: &dyn Fn(&LvmDevice) -> BTreeSet<String>,
) -> Vec<OtherGroup> {
    let mut found = BTreeSet::new();
    for group in groups {
        let (mut here, mut elsewhere) = (None, None);
        for device in group.pvs.iter().filter_map(|pv| pv.device.as_ref()) {
            let below = disks(device);
            let path = || device.path.display().to_string();
            if below.contains(disk) {
                here.get_or_insert_with(path);
            }
            if below.iter().any(|name| name != disk) || below.is_empty() {
                elsewhere.get_or_insert_with(path);
            }
        }
        // What is on several devices, as the paths of a multipath disk, is on
        // none by the scan's account; the group is on them nevertheless.
        if elsewhere.is_none() && here.is_some() {
            elsewhere = group.problems.iter().find_map(|problem| match problem {
                GroupError::DuplicatePv { devices, .. } => Some(devices.clone()),
                _ => None,
            });
        }
        if let Some(device) = elsewhere {
            let name = group.vg.name.clone();
            found.insert(OtherGroup { name, device, here });
        }
    }
    found.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lvm::{DevNo, FoundPv};
    use ondisk::lvm::{Origin, PvPlan, Uuid, VgPlan};

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
            origin: Origin::default(),
        };
        let vg = plan.build().unwrap();
        let found = |pv: &PvPlan| FoundPv {
            uuid: pv.uuid,
            device: Some(LvmDevice {
                path: pv.device.clone().into(),
                dev: DevNo { major: 8, minor: 1 },
                size: pv.size,
            }),
        };
        let pvs = plan.pvs.iter().map(found).collect();
        let problems = Vec::new();
        FoundGroup { vg, pvs, problems }
    }

    /// `sda2` is on `sda`; `md0` on `sda` and `sdb`.
    fn disks(device: &LvmDevice) -> BTreeSet<String> {
        let name = device.path.file_name().unwrap().to_str().unwrap();
        if name == "md0" {
            return ["sda", "sdb"].map(String::from).into();
        }
        let disk = name.trim_end_matches(|c: char| c.is_ascii_digit());
        [disk.to_string()].into()
    }

    fn told(groups: &[FoundGroup]) -> Vec<(String, String, Option<String>)> {
        let found = others(groups, "sda", &disks);
        found
            .into_iter()
            .map(|g| (g.name, g.device, g.here))
            .collect()
    }

    #[test]
    fn a_group_may_be_here_elsewhere_or_both() {
        let here = Some("/dev/sda2".to_string());
        let text = String::from;
        assert_eq!(told(&[group("own", &["sda2", "sda3"])]), []);
        assert_eq!(
            told(&[group("data", &["sdb", "sdc"])]),
            [(text("data"), text("/dev/sdb"), None)]
        );
        for devices in [["sda2", "sdb1"], ["sdb1", "sda2"]] {
            assert_eq!(
                told(&[group("both", &devices)]),
                [(text("both"), text("/dev/sdb1"), here.clone())]
            );
        }
        assert_eq!(
            told(&[group("raid", &["md0"])]),
            [(text("raid"), text("/dev/md0"), Some(text("/dev/md0")))]
        );
    }

    #[test]
    fn a_volume_on_several_paths_is_elsewhere() {
        let mut both = group("both", &["sda2", "sdb"]);
        both.pvs[1].device = None;
        // A disk that died keeps nobody from migrating.
        assert_eq!(told(std::slice::from_ref(&both)), []);
        both.problems.push(GroupError::DuplicatePv {
            uuid: both.pvs[1].uuid,
            devices: "/dev/sdb, /dev/sdc".into(),
        });
        assert_eq!(told(&[both])[0].1, "/dev/sdb, /dev/sdc");
    }
}
