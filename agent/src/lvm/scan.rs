// SPDX-License-Identifier: MIT OR Apache-2.0
//! Finding volume groups.

use ondisk::lvm::{
    Assembly, Group, GroupProblem, LabelError, LogicalVolume, Mapping, MdaError, PvRead, assemble,
    read_pv,
};

use super::error::LvmError;
use crate::block::BlockDevice;
use crate::disk::{self, Disk};

/// The smallest device that can have a label, in bytes.
const SMALLEST: u64 = 2048;

/// A volume group with its devices.
pub type FoundGroup = Group<BlockDevice>;

/// What a set of devices holds.
#[derive(Debug)]
pub struct Scan {
    pub groups: Vec<FoundGroup>,
    /// Physical volumes that belong to no group.
    pub orphans: Vec<BlockDevice>,
    /// Devices that could not be read, and damage.
    pub failures: Vec<ScanFailure>,
}

/// A device that could not be read, or that holds damage. Other devices may
/// hold the same metadata undamaged.
#[derive(Debug, thiserror::Error)]
pub enum ScanFailure {
    #[error(transparent)]
    Disk(#[from] disk::Error),
    /// A damaged label.
    #[error("{device}: {source}")]
    Label { device: String, source: LabelError },
    /// A damaged metadata area.
    #[error("{device}: {source}")]
    Metadata { device: String, source: MdaError },
}

/// The volume of that name.
pub fn find_lv<'a>(group: &'a FoundGroup, name: &str) -> Result<&'a LogicalVolume, LvmError> {
    group.vg.lv(name).ok_or_else(|| {
        let visible = group.vg.lvs.iter().filter(|lv| lv.is_visible());
        let names: Vec<&str> = visible.map(|lv| lv.name.as_str()).collect();
        let (vg, lv) = (group.vg.name.clone(), name.to_owned());
        LvmError::NoVolume {
            vg,
            lv,
            found: names.join(", "),
        }
    })
}

/// The device-mapper device of a volume.
pub fn mapping(group: &FoundGroup, lv: &LogicalVolume) -> Result<Mapping, LvmError> {
    if let Some(problem) = group.problems.iter().find(|p| p.is_blocking()) {
        let (vg, problem) = (group.vg.name.clone(), Box::new(problem.clone()));
        return Err(LvmError::Group { vg, problem });
    }
    Ok(group
        .vg
        .mapping(lv, |uuid| group.device(uuid).map(|d| d.dev))?)
}

/// The devices of a group, for messages.
pub fn device_names(group: &FoundGroup) -> String {
    let names = group.slots.iter().map(|slot| match &slot.device {
        Some(device) => device.to_string(),
        None => "a missing device".to_owned(),
    });
    names.collect::<Vec<_>>().join(", ")
}

impl Scan {
    /// The group of that name; an error if there is none, or more than one.
    pub fn group(&self, name: &str) -> Result<&FoundGroup, LvmError> {
        let mut found = self.groups.iter().filter(|g| g.vg.name == name);
        let Some(group) = found.next() else {
            let names: Vec<&str> = self.groups.iter().map(|g| g.vg.name.as_str()).collect();
            let found = match names.as_slice() {
                [] => "none".to_owned(),
                names => names.join(", "),
            };
            let name = name.to_owned();
            return Err(LvmError::NoGroup { name, found });
        };
        let same = |p: &&GroupProblem<_>| matches!(p, GroupProblem::SameName { .. });
        match group.problems.iter().find(same) {
            None => Ok(group),
            Some(problem) => Err(LvmError::Group {
                vg: name.to_owned(),
                problem: Box::new(problem.clone()),
            }),
        }
    }
}

/// Reads labels and metadata of devices, past the page cache.
///
/// Writes nothing. Devices that cannot be read are reported and left out. Pass
/// only devices of this machine: a logical volume may hold a guest's groups.
pub fn scan(devices: &[BlockDevice]) -> Scan {
    let mut failures = Vec::new();
    let mut found: Vec<(BlockDevice, u64, PvRead)> = Vec::new();
    // A drive without a medium has no bytes; opening it may take seconds.
    for device in devices.iter().filter(|d| d.bytes >= SMALLEST) {
        let label = |source| ScanFailure::Label {
            device: device.to_string(),
            source,
        };
        let disk = Disk::open(device.path()).and_then(|disk| read(&disk));
        match disk
            .map_err(ScanFailure::from)
            .and_then(|r| r.map_err(label))
        {
            Ok(Some(pv)) => {
                failures.extend(pv.damage().map(|source| ScanFailure::Metadata {
                    device: device.to_string(),
                    source: source.clone(),
                }));
                found.push((device.clone(), device.bytes, pv));
            }
            Ok(None) => {}
            Err(failure) => failures.push(failure),
        }
    }
    let Assembly { groups, orphans } = assemble(&found);
    Scan {
        groups,
        orphans,
        failures,
    }
}

/// Reads label and metadata of a device, past the page cache.
pub(super) fn read(disk: &Disk) -> Result<Result<Option<PvRead>, LabelError>, disk::Error> {
    read_pv(|offset, length| {
        let rest = disk.bytes().saturating_sub(offset);
        let length = usize::try_from(rest).map_or(length, |rest| rest.min(length));
        disk.read_fresh(offset, length)
    })
}
