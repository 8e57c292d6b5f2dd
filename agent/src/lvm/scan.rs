// SPDX-License-Identifier: MIT OR Apache-2.0
//! Which volume groups are there.

use std::path::PathBuf;

use ondisk::lvm::{
    Assembly, Group, GroupProblem, LabelError, LogicalVolume, Mapping, MdaError, Problem, PvRead,
    Uuid, VolumeGroup, assemble, read_pv,
};

use super::BlockDevice;
use super::direct::Direct;
use super::error::LvmError;

/// Bytes that a label needs.
const SMALLEST: u64 = 2048;

/// What a set of devices holds.
#[derive(Debug, Default)]
pub struct Scan {
    /// The groups, by name.
    pub groups: Vec<FoundGroup>,
    /// Physical volumes that belong to no group.
    pub orphans: Vec<OrphanPv>,
    /// Devices that could not be read, and damage.
    pub failures: Vec<ScanFailure>,
}

/// A volume group with its devices.
#[derive(Debug, Clone, PartialEq)]
pub struct FoundGroup {
    /// The newest metadata.
    pub vg: VolumeGroup,
    /// The devices of `vg.pvs`, in that order.
    pub pvs: Vec<FoundPv>,
    /// What is wrong; each message names devices.
    pub problems: Vec<GroupError>,
}

/// A physical volume of a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundPv {
    /// Its identifier.
    pub uuid: Uuid,
    /// The device that has it; `None`: none, or more than one.
    pub device: Option<BlockDevice>,
}

/// A physical volume without a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrphanPv {
    /// Its identifier.
    pub uuid: Uuid,
    /// The device.
    pub device: BlockDevice,
}

/// A device that could not be read, or that holds damage. Other devices may
/// hold the same metadata undamaged.
#[derive(Debug, thiserror::Error)]
pub enum ScanFailure {
    /// The device could not be read.
    #[error(transparent)]
    Io(#[from] LvmError),
    /// A label that is none.
    #[error("{}: {source}", device.display())]
    Label {
        /// The device.
        device: PathBuf,
        /// What is wrong.
        source: LabelError,
    },
    /// A damaged metadata area.
    #[error("{}: {source}", device.display())]
    Metadata {
        /// The device.
        device: PathBuf,
        /// What is wrong.
        source: MdaError,
    },
}

/// What is wrong with a group as a whole.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GroupError {
    /// No device has a physical volume.
    #[error("physical volume {uuid} is on none of the devices; last seen as {hint}")]
    MissingPv {
        /// Its identifier.
        uuid: Uuid,
        /// Where it was last seen.
        hint: String,
    },
    /// Several devices have the same physical volume.
    #[error("physical volume {uuid} is on several devices: {devices}; detach all but one")]
    DuplicatePv {
        /// Its identifier.
        uuid: Uuid,
        /// The devices.
        devices: String,
    },
    /// Another group has this name.
    #[error(
        "two volume groups have this name: {own} on {own_devices}, {other} on {other_devices}; rename one with vgrename"
    )]
    SameName {
        /// Identifier of this one.
        own: Uuid,
        /// Its devices.
        own_devices: String,
        /// Identifier of the other one.
        other: Uuid,
        /// Its devices.
        other_devices: String,
    },
    /// Two devices disagree about the same generation.
    #[error(
        "the metadata on {device} are of the same generation as on the other devices, and differ"
    )]
    Conflict {
        /// The device.
        device: String,
    },
    /// A device was away while the group was changed.
    #[error("the metadata on {device} are of generation {seqno}, older than on the other devices")]
    Outdated {
        /// The device.
        device: String,
        /// Its generation.
        seqno: u32,
    },
    /// A device was taken out of the group while it was away.
    #[error(
        "{device} thinks that it belongs to the group, which has been changed to go without it"
    )]
    Expelled {
        /// The device.
        device: String,
    },
    /// A physical volume does not fit its device.
    #[error("{device}: {problem}")]
    Device {
        /// The device.
        device: String,
        /// What is wrong.
        problem: Problem,
    },
}

impl GroupError {
    /// Whether nothing of the group may be mapped because of this.
    pub fn is_blocking(&self) -> bool {
        match self {
            Self::DuplicatePv { .. }
            | Self::SameName { .. }
            | Self::Conflict { .. }
            | Self::Device { .. } => true,
            // These concern the volumes on the device, or nothing.
            Self::MissingPv { .. } | Self::Outdated { .. } | Self::Expelled { .. } => false,
        }
    }
}

impl FoundGroup {
    /// The volume of that name.
    pub fn lv(&self, name: &str) -> Result<&LogicalVolume, LvmError> {
        self.vg.lv(name).ok_or_else(|| {
            let visible = self.vg.lvs.iter().filter(|lv| lv.is_visible());
            let names: Vec<&str> = visible.map(|lv| lv.name.as_str()).collect();
            let (vg, lv) = (self.vg.name.clone(), name.to_owned());
            LvmError::NoVolume {
                vg,
                lv,
                found: names.join(", "),
            }
        })
    }

    /// The device-mapper device of a volume.
    pub fn mapping(&self, lv: &LogicalVolume) -> Result<Mapping, LvmError> {
        if let Some(problem) = self.problems.iter().find(|p| p.is_blocking()) {
            let (vg, problem) = (self.vg.name.clone(), Box::new(problem.clone()));
            return Err(LvmError::Group { vg, problem });
        }
        let device = |uuid: &Uuid| {
            let pv = self.pvs.iter().find(|pv| pv.uuid == *uuid)?;
            pv.device.as_ref().map(|d| d.dev)
        };
        Ok(self.vg.mapping(lv, device)?)
    }

    /// The devices, for messages.
    pub fn device_names(&self) -> String {
        let name = |pv: &FoundPv| match &pv.device {
            Some(d) => d.path.display().to_string(),
            None => "a missing device".to_owned(),
        };
        self.pvs.iter().map(name).collect::<Vec<_>>().join(", ")
    }
}

impl Scan {
    /// The group of that name; an error if there is none, or more than one.
    pub fn group(&self, name: &str) -> Result<&FoundGroup, LvmError> {
        let mut found = self.groups.iter().filter(|g| g.vg.name == name);
        match (found.next(), found.next()) {
            (Some(group), None) => Ok(group),
            (Some(group), Some(_)) => {
                let same = |p: &&GroupError| matches!(p, GroupError::SameName { .. });
                let problem = group.problems.iter().find(same).cloned();
                let vg = name.to_owned();
                match problem {
                    Some(problem) => Err(LvmError::Group {
                        vg,
                        problem: Box::new(problem),
                    }),
                    None => Ok(group),
                }
            }
            (None, _) => {
                let names: Vec<&str> = self.groups.iter().map(|g| g.vg.name.as_str()).collect();
                let found = match names.as_slice() {
                    [] => "none".to_owned(),
                    names => names.join(", "),
                };
                Err(LvmError::NoGroup {
                    name: name.to_owned(),
                    found,
                })
            }
        }
    }
}

/// Reads labels and metadata of devices, past the page cache.
///
/// Nothing is written. What cannot be read is reported and left out. Give it
/// devices of this machine's own: a logical volume may hold a guest's groups.
pub fn scan(devices: &[BlockDevice]) -> Scan {
    let mut failures = Vec::new();
    let mut read: Vec<(&BlockDevice, PvRead)> = Vec::new();
    // A drive without a medium has no bytes; opening it may take seconds.
    for device in devices.iter().filter(|d| d.size >= SMALLEST) {
        match read_device(device) {
            Ok(Some(pv)) => {
                let path = &device.path;
                failures.extend(pv.damage().map(|source| ScanFailure::Metadata {
                    device: path.clone(),
                    source: source.clone(),
                }));
                read.push((device, pv));
            }
            Ok(None) => {}
            Err(failure) => failures.push(failure),
        }
    }
    let given: Vec<(u64, &PvRead)> = read.iter().map(|(d, pv)| (d.size, pv)).collect();
    let Assembly { groups, orphans } = assemble(&given);
    let block = |i: &usize| read.get(*i).map(|(d, _)| (*d).clone());
    let orphans = orphans
        .iter()
        .filter_map(|i| read.get(*i))
        .map(|(d, pv)| OrphanPv {
            uuid: pv.label.uuid,
            device: (*d).clone(),
        })
        .collect();
    let plain: Vec<FoundGroup> = groups
        .iter()
        .map(|g| FoundGroup {
            vg: g.vg.clone(),
            pvs: g
                .slots
                .iter()
                .map(|s| FoundPv {
                    uuid: s.uuid,
                    device: s.device.as_ref().and_then(block),
                })
                .collect(),
            problems: Vec::new(),
        })
        .collect();
    let name = |i: &usize| match read.get(*i) {
        Some((d, _)) => d.path.display().to_string(),
        None => String::new(),
    };
    let groups = groups
        .iter()
        .zip(&plain)
        .map(|(g, found)| FoundGroup {
            problems: g
                .problems
                .iter()
                .map(|p| problem(p, g, found, &plain, &name))
                .collect(),
            ..found.clone()
        })
        .collect();
    Scan {
        groups,
        orphans,
        failures,
    }
}

fn read_device(device: &BlockDevice) -> Result<Option<PvRead>, ScanFailure> {
    let direct = Direct::open(&device.path)?;
    read_pv(|offset, len| direct.read_at(offset, len))?.map_err(|source| ScanFailure::Label {
        device: device.path.clone(),
        source,
    })
}

fn problem(
    p: &GroupProblem,
    group: &Group,
    found: &FoundGroup,
    all: &[FoundGroup],
    name: &impl Fn(&usize) -> String,
) -> GroupError {
    match p {
        GroupProblem::MissingPv { uuid, hint } => {
            let hint = hint
                .clone()
                .unwrap_or_else(|| "an unknown device".to_owned());
            GroupError::MissingPv { uuid: *uuid, hint }
        }
        GroupProblem::DuplicatePv { uuid, devices } => {
            let devices: Vec<String> = devices.iter().map(name).collect();
            GroupError::DuplicatePv {
                uuid: *uuid,
                devices: devices.join(", "),
            }
        }
        GroupProblem::SameName { other } => {
            let theirs = all.iter().find(|g| g.vg.id == *other);
            GroupError::SameName {
                own: group.vg.id,
                own_devices: found.device_names(),
                other: *other,
                other_devices: theirs.map(FoundGroup::device_names).unwrap_or_default(),
            }
        }
        GroupProblem::Conflict { device } => GroupError::Conflict {
            device: name(device),
        },
        GroupProblem::Outdated { device, seqno } => GroupError::Outdated {
            device: name(device),
            seqno: *seqno,
        },
        GroupProblem::Expelled { device } => GroupError::Expelled {
            device: name(device),
        },
        GroupProblem::Device { device, problem } => GroupError::Device {
            device: name(device),
            problem: problem.clone(),
        },
    }
}
