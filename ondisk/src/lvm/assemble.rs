// SPDX-License-Identifier: MIT OR Apache-2.0
//! What several devices say, joined into volume groups.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::check::Problem;
use super::read::PvRead;
use super::uuid::Uuid;
use super::vg::VolumeGroup;

/// All volume groups on a set of devices. `D` is whatever the caller knows a
/// device by.
#[derive(Debug, Clone, PartialEq)]
pub struct Assembly<D: fmt::Display> {
    /// The groups, by name.
    pub groups: Vec<Group<D>>,
    /// Devices with a label that no group's current metadata lists.
    pub orphans: Vec<D>,
}

/// A volume group with its devices.
#[derive(Debug, Clone, PartialEq)]
pub struct Group<D: fmt::Display> {
    /// The newest valid metadata.
    pub vg: VolumeGroup,
    /// The devices of `vg.pvs`, in that order.
    pub slots: Vec<PvSlot<D>>,
    /// What is wrong; a group with problems may still be read.
    pub problems: Vec<GroupProblem<D>>,
}

/// A physical volume's place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PvSlot<D> {
    /// Its identifier.
    pub uuid: Uuid,
    /// The device that has it; `None`: none, or more than one.
    pub device: Option<D>,
}

/// What is wrong with a group as a whole.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GroupProblem<D: fmt::Display> {
    /// No device has the physical volume.
    #[error(
        "physical volume {uuid} is on none of the devices; last seen as {}",
        hint.as_deref().unwrap_or("an unknown device")
    )]
    MissingPv {
        /// Its identifier.
        uuid: Uuid,
        /// Where it was last seen.
        hint: Option<String>,
    },
    /// Several devices have the same physical volume: clones, or two ways to one disk.
    #[error(
        "physical volume {uuid} is on several devices: {}; detach all but one",
        list(devices)
    )]
    DuplicatePv {
        /// The identifier.
        uuid: Uuid,
        /// The devices.
        devices: Vec<D>,
    },
    /// Another group has this name.
    #[error(
        "two volume groups have this name: {own} on {}, {other} on {}; rename one with vgrename",
        list(own_devices),
        list(other_devices)
    )]
    SameName {
        /// The group's identifier.
        own: Uuid,
        /// Its devices.
        own_devices: Vec<D>,
        /// The other group's identifier.
        other: Uuid,
        /// Its devices.
        other_devices: Vec<D>,
    },
    /// A device's metadata is of the same generation and differs.
    #[error(
        "the metadata on {device} are of the same generation as on the other devices, and differ"
    )]
    Conflict {
        /// The device.
        device: D,
    },
    /// A device's metadata is of an older generation.
    #[error("the metadata on {device} are of generation {seqno}, older than on the other devices")]
    Outdated {
        /// The device.
        device: D,
        /// Its generation.
        seqno: u32,
    },
    /// A device thinks that it belongs to the group, whose newest metadata does not list it.
    #[error(
        "{device} thinks that it belongs to the group, which has been changed to go without it"
    )]
    Expelled {
        /// The device.
        device: D,
    },
    /// A physical volume does not fit onto its device.
    #[error("{device}: {problem}")]
    Device {
        /// The device.
        device: D,
        /// What is wrong.
        problem: Problem,
    },
}

fn list<D: fmt::Display>(devices: &[D]) -> String {
    let names: Vec<String> = devices.iter().map(D::to_string).collect();
    names.join(", ")
}

impl<D: fmt::Display> GroupProblem<D> {
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

impl<D: fmt::Display> Group<D> {
    /// The device of a physical volume, if exactly one has it.
    pub fn device(&self, uuid: &Uuid) -> Option<&D> {
        let slot = self.slots.iter().find(|s| s.uuid == *uuid)?;
        slot.device.as_ref()
    }

    /// The devices that were found.
    pub fn devices(&self) -> impl Iterator<Item = &D> {
        self.slots.iter().filter_map(|s| s.device.as_ref())
    }
}

/// Joins what was read of several devices, each with its size in bytes.
///
/// The text with the highest generation of all areas of all devices counts. A
/// physical volume is found by its identifier alone.
pub fn assemble<D: Clone + fmt::Display>(devices: &[(D, u64, PvRead)]) -> Assembly<D> {
    let mut newest: BTreeMap<Uuid, &VolumeGroup> = BTreeMap::new();
    for vg in devices.iter().flat_map(|(_, _, pv)| pv.groups()) {
        let best = newest.entry(vg.id).or_insert(vg);
        if vg.seqno > best.seqno {
            *best = vg;
        }
    }
    let mut groups: Vec<_> = newest.values().map(|vg| group(vg, devices)).collect();
    let names: Vec<(String, Uuid, Vec<D>)> = groups
        .iter()
        .map(|g| (g.vg.name.clone(), g.vg.id, g.devices().cloned().collect()))
        .collect();
    for g in &mut groups {
        for (name, other, other_devices) in &names {
            if *name == g.vg.name && *other != g.vg.id {
                g.problems.push(GroupProblem::SameName {
                    own: g.vg.id,
                    own_devices: g.devices().cloned().collect(),
                    other: *other,
                    other_devices: other_devices.clone(),
                });
            }
        }
    }
    groups.sort_by(|a, b| (&a.vg.name, a.vg.id).cmp(&(&b.vg.name, b.vg.id)));
    let slots = groups.iter().flat_map(|g| &g.slots);
    let listed: BTreeSet<Uuid> = slots.map(|s| s.uuid).collect();
    let orphans = devices
        .iter()
        .filter(|(_, _, pv)| !listed.contains(&pv.label.uuid))
        .map(|(device, ..)| device.clone())
        .collect();
    Assembly { groups, orphans }
}

fn group<D: Clone + fmt::Display>(vg: &VolumeGroup, devices: &[(D, u64, PvRead)]) -> Group<D> {
    let mut problems = Vec::new();
    let mut slots = Vec::with_capacity(vg.pvs.len());
    for pv in &vg.pvs {
        let uuid = pv.id;
        let has_it = |(_, _, read): &&(D, u64, PvRead)| read.label.uuid == uuid;
        let found: Vec<_> = devices.iter().filter(has_it).collect();
        let device = match found.as_slice() {
            [] => {
                let hint = pv.device.clone();
                problems.push(GroupProblem::MissingPv { uuid, hint });
                None
            }
            [(one, ..)] => Some(one.clone()),
            many => {
                let devices = many.iter().map(|(device, ..)| device.clone()).collect();
                problems.push(GroupProblem::DuplicatePv { uuid, devices });
                None
            }
        };
        for (device, size, read) in found {
            for problem in vg.device_problems(pv, &read.label, *size) {
                let device = device.clone();
                problems.push(GroupProblem::Device { device, problem });
            }
        }
        slots.push(PvSlot { uuid, device });
    }
    for (device, _, read) in devices {
        let device = device.clone();
        let mut own = read.groups().filter(|g| g.id == vg.id).peekable();
        if own.peek().is_some() && !vg.pvs.iter().any(|p| p.id == read.label.uuid) {
            problems.push(GroupProblem::Expelled { device });
            continue;
        }
        for g in own {
            let device = device.clone();
            if g.seqno < vg.seqno {
                let seqno = g.seqno;
                problems.push(GroupProblem::Outdated { device, seqno });
            } else if g != vg {
                problems.push(GroupProblem::Conflict { device });
            }
        }
    }
    Group {
        vg: vg.clone(),
        slots,
        problems,
    }
}
