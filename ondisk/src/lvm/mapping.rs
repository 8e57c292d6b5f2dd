// SPDX-License-Identifier: MIT OR Apache-2.0
//! The device-mapper table of a logical volume.

use std::fmt;

use super::name::{NameError, dm_name, dm_uuid};
use super::refusal::Refusal;
use super::uuid::Uuid;
use super::vg::{LogicalVolume, SegmentKind, VolumeGroup};
use crate::DevNo;

/// A device-mapper device to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mapping {
    /// Name of the device in /dev/mapper.
    pub name: String,
    /// Its uuid, `LVM-…`.
    pub uuid: String,
    /// Group and volume, as in /dev/VG/LV.
    pub path: (String, String),
    /// Whether the metadata forbids writing.
    pub read_only: bool,
    /// The table; never empty, without gaps.
    pub targets: Vec<Target>,
}

/// A line of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// First sector (of 512 bytes) of the mapped device.
    pub start: u64,
    /// Sectors.
    pub length: u64,
    /// What they are mapped to.
    pub kind: TargetKind,
}

/// What sectors are mapped to. Starts are sectors of the device below.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TargetKind {
    /// A run of sectors of one device.
    Linear(DevNo, u64),
    /// Sectors of several devices by turns.
    Striped {
        /// Sectors of a chunk.
        chunk: u64,
        /// Devices and first sectors.
        legs: Vec<(DevNo, u64)>,
    },
    /// Zeros.
    Zero,
    /// Errors.
    Error,
}

impl Target {
    /// The target's type, as the kernel calls it.
    pub fn type_name(&self) -> &'static str {
        match self.kind {
            TargetKind::Linear(..) => "linear",
            TargetKind::Striped { .. } => "striped",
            TargetKind::Zero => "zero",
            TargetKind::Error => "error",
        }
    }

    /// The target's parameters.
    pub fn params(&self) -> String {
        match &self.kind {
            TargetKind::Linear(dev, start) => format!("{dev} {start}"),
            TargetKind::Striped { chunk, legs } => {
                let legs: String = legs.iter().map(|(dev, s)| format!(" {dev} {s}")).collect();
                let n = legs.split(' ').count() / 2;
                format!("{n} {chunk}{legs}")
            }
            TargetKind::Zero | TargetKind::Error => String::new(),
        }
    }
}

/// As `dmsetup table` prints it.
impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} {} {} {}",
            self.start,
            self.length,
            self.type_name(),
            self.params()
        )
    }
}

/// Why a volume has no table.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MappingError {
    /// It must not be mapped.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// A physical volume has no device.
    #[error(
        "logical volume {vg}/{lv} stands on the physical volume {pv}, and no device has it; last seen as {hint}"
    )]
    MissingDevice {
        /// The group.
        vg: String,
        /// The volume.
        lv: String,
        /// The physical volume's identifier.
        pv: Uuid,
        /// Where the group's metadata last saw it.
        hint: String,
    },
    /// The name does not go into device-mapper.
    #[error(transparent)]
    Name(#[from] NameError),
    /// Numbers that are beyond all devices.
    #[error("logical volume {vg}/{lv}: its extents are beyond what any device has")]
    Overflow {
        /// The group.
        vg: String,
        /// The volume.
        lv: String,
    },
}

impl VolumeGroup {
    /// The device-mapper device of a volume; `device` gives the block device of
    /// a physical volume, by its identifier.
    pub fn mapping(
        &self,
        lv: &LogicalVolume,
        device: impl Fn(&Uuid) -> Option<DevNo>,
    ) -> Result<Mapping, MappingError> {
        if let Some(refusal) = self.refusal(lv) {
            return Err(refusal.into());
        }
        let overflow = || MappingError::Overflow {
            vg: self.name.clone(),
            lv: lv.name.clone(),
        };
        let mut targets = Vec::with_capacity(lv.segments.len());
        for segment in &lv.segments {
            let start = segment
                .start_extent
                .checked_mul(self.extent_size)
                .ok_or_else(overflow)?;
            let length = segment
                .extent_count
                .checked_mul(self.extent_size)
                .ok_or_else(overflow)?;
            let kind = match &segment.kind {
                SegmentKind::Zero => TargetKind::Zero,
                SegmentKind::Error => TargetKind::Error,
                SegmentKind::Striped {
                    stripe_size,
                    stripes,
                } => {
                    let legs = stripes
                        .iter()
                        .map(|s| self.leg(lv, &s.on, s.extent, &device))
                        .collect::<Result<Vec<_>, _>>()?;
                    match legs.as_slice() {
                        [(dev, sector)] => TargetKind::Linear(*dev, *sector),
                        _ => TargetKind::Striped {
                            chunk: *stripe_size,
                            legs,
                        },
                    }
                }
                SegmentKind::Other { name, .. } => {
                    let (vg, lv, kind) = (self.name.clone(), lv.name.clone(), name.clone());
                    return Err(Refusal::SegmentType { vg, lv, kind }.into());
                }
            };
            targets.push(Target {
                start,
                length,
                kind,
            });
        }
        Ok(Mapping {
            name: dm_name(&self.name, &lv.name)?,
            uuid: dm_uuid(&self.id, &lv.id),
            path: (self.name.clone(), lv.name.clone()),
            read_only: !lv.is_writable(),
            targets,
        })
    }

    fn leg(
        &self,
        lv: &LogicalVolume,
        on: &str,
        extent: u64,
        device: impl Fn(&Uuid) -> Option<DevNo>,
    ) -> Result<(DevNo, u64), MappingError> {
        let (vg, name) = (self.name.clone(), lv.name.clone());
        let Some(pv) = self.pv(on) else {
            let (on, hint) = (on.to_owned(), "only lvm2 can activate it");
            return Err(Refusal::OnLv {
                vg,
                lv: name,
                on,
                hint,
            }
            .into());
        };
        let Some(dev) = device(&pv.id) else {
            let hint = pv
                .device
                .clone()
                .unwrap_or_else(|| "an unknown device".to_owned());
            return Err(MappingError::MissingDevice {
                vg,
                lv: name,
                pv: pv.id,
                hint,
            });
        };
        let sector = extent
            .checked_mul(self.extent_size)
            .and_then(|n| n.checked_add(pv.pe_start))
            .ok_or(MappingError::Overflow { vg, lv: name })?;
        Ok((dev, sector))
    }
}
