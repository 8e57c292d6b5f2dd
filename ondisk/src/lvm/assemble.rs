// SPDX-License-Identifier: MIT OR Apache-2.0
//! What several devices say, joined into volume groups.

use std::collections::BTreeMap;

use super::check::Problem;
use super::read::PvRead;
use super::uuid::Uuid;
use super::vg::VolumeGroup;

/// All volume groups on a set of devices. Devices are named by their index in
/// what was given to [`assemble`].
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Assembly {
    /// The groups, by name.
    pub groups: Vec<Group>,
    /// Devices with a label that no group's current metadata lists.
    pub orphans: Vec<usize>,
}

/// A volume group with its devices.
#[derive(Debug, Clone, PartialEq)]
pub struct Group {
    /// The newest valid metadata.
    pub vg: VolumeGroup,
    /// The devices of `vg.pvs`, in that order.
    pub slots: Vec<PvSlot>,
    /// What is wrong; a group with problems may still be read.
    pub problems: Vec<GroupProblem>,
}

/// A physical volume's place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PvSlot {
    /// Its identifier.
    pub uuid: Uuid,
    /// The device that has it; `None`: none, or more than one.
    pub device: Option<usize>,
}

/// What is wrong with a group as a whole. Devices are indices.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GroupProblem {
    /// No device has the physical volume.
    MissingPv {
        /// Its identifier.
        uuid: Uuid,
        /// Where it was last seen.
        hint: Option<String>,
    },
    /// Several devices have the same physical volume: clones, or two ways to one disk.
    DuplicatePv {
        /// The identifier.
        uuid: Uuid,
        /// The devices.
        devices: Vec<usize>,
    },
    /// Another group has this name.
    SameName {
        /// The other group's identifier.
        other: Uuid,
    },
    /// A device's metadata is of the same generation and differs.
    Conflict {
        /// The device.
        device: usize,
    },
    /// A device's metadata is of an older generation.
    Outdated {
        /// The device.
        device: usize,
        /// Its generation.
        seqno: u32,
    },
    /// A device thinks that it belongs to the group, whose newest metadata does not list it.
    Expelled {
        /// The device.
        device: usize,
    },
    /// A physical volume does not fit onto its device.
    Device {
        /// The device.
        device: usize,
        /// What is wrong.
        problem: Problem,
    },
}

impl Group {
    /// The device index of a physical volume, if exactly one device has it.
    pub fn device(&self, uuid: &Uuid) -> Option<usize> {
        self.slots
            .iter()
            .find(|s| s.uuid == *uuid)
            .and_then(|s| s.device)
    }
}

/// Joins the reads of several devices (with the size of each in bytes).
///
/// The text with the highest generation of all areas of all devices counts. A
/// physical volume is found by its identifier alone.
pub fn assemble(devices: &[(u64, &PvRead)]) -> Assembly {
    let mut by_uuid: BTreeMap<Uuid, Vec<usize>> = BTreeMap::new();
    let mut newest: BTreeMap<Uuid, &VolumeGroup> = BTreeMap::new();
    for (i, (_, pv)) in devices.iter().enumerate() {
        by_uuid.entry(pv.label.uuid).or_default().push(i);
        for vg in pv.groups() {
            let best = newest.entry(vg.id).or_insert(vg);
            if vg.seqno > best.seqno {
                *best = vg;
            }
        }
    }
    let mut groups: Vec<Group> = newest
        .values()
        .map(|vg| group(vg, devices, &by_uuid))
        .collect();
    let names: Vec<(String, Uuid)> = groups
        .iter()
        .map(|g| (g.vg.name.clone(), g.vg.id))
        .collect();
    for g in &mut groups {
        for (name, other) in &names {
            if *name == g.vg.name && *other != g.vg.id {
                g.problems.push(GroupProblem::SameName { other: *other });
            }
        }
    }
    groups.sort_by(|a, b| (&a.vg.name, a.vg.id).cmp(&(&b.vg.name, b.vg.id)));
    let listed = |uuid: &Uuid| {
        groups
            .iter()
            .any(|g| g.slots.iter().any(|s| s.uuid == *uuid))
    };
    let orphans = devices
        .iter()
        .enumerate()
        .filter(|(_, (_, pv))| !listed(&pv.label.uuid))
        .map(|(i, _)| i)
        .collect();
    Assembly { groups, orphans }
}

fn group(
    vg: &VolumeGroup,
    devices: &[(u64, &PvRead)],
    by_uuid: &BTreeMap<Uuid, Vec<usize>>,
) -> Group {
    let mut problems = Vec::new();
    let mut slots = Vec::with_capacity(vg.pvs.len());
    for pv in &vg.pvs {
        let uuid = pv.id;
        let found = by_uuid.get(&uuid).map(Vec::as_slice).unwrap_or_default();
        let device = match found {
            [] => {
                let hint = pv.device.clone();
                problems.push(GroupProblem::MissingPv { uuid, hint });
                None
            }
            [one] => Some(*one),
            many => {
                problems.push(GroupProblem::DuplicatePv {
                    uuid,
                    devices: many.to_vec(),
                });
                None
            }
        };
        for &i in found {
            if let Some((size, read)) = devices.get(i) {
                let wrong = vg.device_problems(pv, &read.label, *size);
                problems.extend(
                    wrong
                        .into_iter()
                        .map(|problem| GroupProblem::Device { device: i, problem }),
                );
            }
        }
        slots.push(PvSlot { uuid, device });
    }
    for (device, (_, read)) in devices.iter().enumerate() {
        let mut own = read.groups().filter(|g| g.id == vg.id).peekable();
        if own.peek().is_some() && !vg.pvs.iter().any(|p| p.id == read.label.uuid) {
            problems.push(GroupProblem::Expelled { device });
            continue;
        }
        for g in own {
            if g.seqno < vg.seqno {
                problems.push(GroupProblem::Outdated {
                    device,
                    seqno: g.seqno,
                });
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
