// SPDX-License-Identifier: MIT OR Apache-2.0
//! A new volume group, from wish to metadata.

use crate::run::SECTOR;
use std::ops::Range;

use super::alloc::{AllocError, LvSize, Piece, PvSpace, Request, allocate, kept_pieces};
use super::name::{NameError, check_lv_name, check_vg_name, dm_name};
use super::pinned::PINNED;
use super::segments::segments;
use super::uuid::Uuid;
use super::vg::{LogicalVolume, Origin, PhysicalVolume, VolumeGroup};

/// Sector at which lvm2 begins the extents: 1 MiB.
const PE_START: u64 = 2048;
/// Extents are counted in 32 bits.
const MAX_EXTENTS: u64 = u32::MAX as u64;
/// The extent sizes in bytes that [`VgPlan`] takes; powers of two only.
pub const EXTENT_BYTES: std::ops::RangeInclusive<u64> = 65536..=1 << 40;

/// A volume group that is to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VgPlan {
    /// The name.
    pub name: String,
    /// The identifier.
    pub uuid: Uuid,
    /// Bytes of an extent: a power of two, from 64 KiB on; lvm2's default is 4 MiB.
    pub extent_bytes: u64,
    /// The physical volumes.
    pub pvs: Vec<PvPlan>,
    /// The volumes, in the order in which they lie on the disk.
    pub lvs: Vec<LvPlan>,
    /// The identifier of [`PINNED`], the volume that gets the extents that are
    /// avoided; without one they stay free. It is not made where nothing is
    /// avoided.
    pub pinned: Option<Uuid>,
    /// Who makes it; `creation_time` and `creation_host` are the volumes' too.
    pub origin: Origin,
}

/// A physical volume that is to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PvPlan {
    /// The identifier.
    pub uuid: Uuid,
    /// Path of the device: a hint for readers.
    pub device: String,
    /// Bytes of the device.
    pub size: u64,
    /// Bytes of the device that no volume may lie on.
    pub avoid: Vec<Range<u64>>,
}

/// A volume that is to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LvPlan {
    /// The name.
    pub name: String,
    /// The identifier.
    pub uuid: Uuid,
    /// The size.
    pub size: LvSize,
}

/// Why a plan cannot be carried out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// A name that lvm2 does not take.
    #[error(transparent)]
    Name(#[from] NameError),
    /// Two volumes of one name.
    #[error("two logical volumes of the volume group {vg} have the name {lv}")]
    DuplicateName {
        /// The group.
        vg: String,
        /// The name.
        lv: String,
    },
    /// An extent size that lvm2 does not take.
    #[error("volume group {vg}: extents of {bytes} bytes; a power of two from 65536 on is needed")]
    ExtentSize {
        /// The group.
        vg: String,
        /// The size.
        bytes: u64,
    },
    /// No physical volume.
    #[error("volume group {vg} has no physical volume")]
    NoPv {
        /// The group.
        vg: String,
    },
    /// A device without room for one extent.
    #[error(
        "{device} has {size} bytes: too small for a physical volume with extents of {extent} bytes"
    )]
    SmallDevice {
        /// The device.
        device: String,
        /// Its bytes.
        size: u64,
        /// Bytes of an extent.
        extent: u64,
    },
    /// More extents than lvm2 counts.
    #[error("{device} has {extents} extents, lvm2 counts to {max}: take bigger extents")]
    TooManyExtents {
        /// The device.
        device: String,
        /// Extents.
        extents: u64,
        /// The bound.
        max: u64,
    },
    /// The volumes do not fit.
    #[error("volume group {vg}: {source}")]
    Alloc {
        /// The group.
        vg: String,
        /// Why.
        source: AllocError,
    },
}

impl PvPlan {
    /// The bytes of the device that extents of this size will lie on.
    ///
    /// # Errors
    /// No extent fits, or too many do.
    pub fn extents(&self, extent_bytes: u64) -> Result<Range<u64>, PlanError> {
        let pv = physical_volume(0, self, extent_bytes)?;
        let start = pv.pe_start.saturating_mul(512);
        let bytes = pv.pe_count.saturating_mul(extent_bytes);
        Ok(start..start.saturating_add(bytes))
    }
}

impl VgPlan {
    /// Computes the whole group: layout, allocation, metadata of generation 1.
    pub fn build(&self) -> Result<VolumeGroup, PlanError> {
        let vg = || self.name.clone();
        check_vg_name(&self.name)?;
        for (i, lv) in self.lvs.iter().enumerate() {
            check_lv_name(&lv.name)?;
            dm_name(&self.name, &lv.name)?;
            if self.lvs.iter().take(i).any(|other| other.name == lv.name) {
                return Err(PlanError::DuplicateName {
                    vg: vg(),
                    lv: lv.name.clone(),
                });
            }
        }
        let bytes = self.extent_bytes;
        if !bytes.is_power_of_two() || !EXTENT_BYTES.contains(&bytes) {
            return Err(PlanError::ExtentSize { vg: vg(), bytes });
        }
        if self.pvs.is_empty() {
            return Err(PlanError::NoPv { vg: vg() });
        }
        let extent_size = bytes / SECTOR;
        let pvs = self
            .pvs
            .iter()
            .enumerate()
            .map(|(i, pv)| physical_volume(i, pv, bytes))
            .collect::<Result<Vec<_>, _>>()?;
        let spaces: Vec<PvSpace> = pvs
            .iter()
            .zip(&self.pvs)
            .map(|(pv, plan)| PvSpace {
                pe_start: pv.pe_start,
                pe_count: pv.pe_count,
                avoid: plan.avoid.clone(),
            })
            .collect();
        let requests: Vec<Request> = self
            .lvs
            .iter()
            .map(|lv| Request {
                name: lv.name.clone(),
                size: lv.size,
            })
            .collect();
        let pieces = allocate(extent_size, &spaces, &requests)
            .map_err(|source| PlanError::Alloc { vg: vg(), source })?;
        let lvs = self.lvs.iter().zip(pieces);
        let lvs = lvs.map(|(lv, pieces)| self.logical_volume(lv, &pieces, &pvs));
        let mut lvs: Vec<LogicalVolume> = lvs.collect();
        if let Some(uuid) = self.pinned {
            let kept = kept_pieces(extent_size, &spaces)
                .map_err(|source| PlanError::Alloc { vg: vg(), source })?;
            if !kept.is_empty() {
                lvs.push(self.pinned_volume(uuid, &kept, &pvs)?);
            }
        }
        Ok(VolumeGroup {
            name: vg(),
            id: self.uuid,
            seqno: 1,
            format: Some("lvm2".to_owned()),
            status: words(&["RESIZEABLE", "READ", "WRITE"]),
            flags: Vec::new(),
            tags: Vec::new(),
            system_id: None,
            lock_type: None,
            lock_args: None,
            allocation_policy: None,
            profile: None,
            extent_size,
            max_lv: 0,
            max_pv: 0,
            metadata_copies: Some(0),
            pvs,
            lvs,
            historical: None,
            origin: self.origin.clone(),
        })
    }

    fn logical_volume(
        &self,
        lv: &LvPlan,
        pieces: &[Piece],
        pvs: &[PhysicalVolume],
    ) -> LogicalVolume {
        LogicalVolume {
            name: lv.name.clone(),
            id: lv.uuid,
            status: words(&["READ", "WRITE", "VISIBLE"]),
            flags: Vec::new(),
            tags: Vec::new(),
            creation_time: self.origin.creation_time,
            creation_host: self.origin.creation_host.clone(),
            lock_args: None,
            allocation_policy: None,
            profile: None,
            read_ahead: None,
            major: None,
            minor: None,
            segments: segments(pieces, pvs, 0),
        }
    }

    fn pinned_volume(
        &self,
        uuid: Uuid,
        kept: &[Piece],
        pvs: &[PhysicalVolume],
    ) -> Result<LogicalVolume, PlanError> {
        if self.lvs.iter().any(|lv| lv.name == PINNED) {
            return Err(PlanError::DuplicateName {
                vg: self.name.clone(),
                lv: PINNED.to_owned(),
            });
        }
        dm_name(&self.name, PINNED)?;
        let wish = LvPlan {
            name: PINNED.to_owned(),
            uuid,
            size: LvSize::Rest,
        };
        let volume = self.logical_volume(&wish, kept, pvs);
        Ok(LogicalVolume {
            status: words(&["READ", "VISIBLE"]),
            ..volume
        })
    }
}

fn words(list: &[&str]) -> Vec<String> {
    list.iter().map(|s| (*s).to_owned()).collect()
}

fn physical_volume(i: usize, pv: &PvPlan, extent: u64) -> Result<PhysicalVolume, PlanError> {
    let (device, size) = (pv.device.clone(), pv.size);
    let dev_size = pv.size / SECTOR;
    let room = dev_size.saturating_sub(PE_START);
    let pe_count = room.checked_div(extent / SECTOR).unwrap_or(0);
    match pe_count {
        0 => {
            return Err(PlanError::SmallDevice {
                device,
                size,
                extent,
            });
        }
        n if n > MAX_EXTENTS => {
            return Err(PlanError::TooManyExtents {
                device,
                extents: n,
                max: MAX_EXTENTS,
            });
        }
        _ => {}
    }
    Ok(PhysicalVolume {
        section: format!("pv{i}"),
        id: pv.uuid,
        device: Some(device),
        device_id_type: None,
        device_id: None,
        status: words(&["ALLOCATABLE"]),
        flags: Vec::new(),
        tags: Vec::new(),
        dev_size: Some(dev_size),
        pe_start: PE_START,
        pe_count,
        bootloader_area: None,
    })
}
