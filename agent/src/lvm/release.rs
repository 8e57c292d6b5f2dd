// SPDX-License-Identifier: MIT OR Apache-2.0
//! Removes the volume that reserved the protected extents, and gives them to
//! another volume.

use ondisk::lifeboat::Protected;
use ondisk::lvm::{self, PvTarget, next_generation};

use super::create::{carry_out, verify};
use super::error::LvmError;
use super::scan::{FoundGroup, read};
use crate::disk::Disk;

/// Appends the extents of [`lvm::PINNED`] to the volume `into`, in the next
/// generation of the metadata on all devices of the group, and reads it back.
/// After a power cut the old or the new generation is in force. No volume of the
/// group may be mapped. `protected` ranges of the disk are not written.
pub fn release_pinned(
    group: &FoundGroup,
    into: &str,
    protected: &Protected,
) -> Result<FoundGroup, LvmError> {
    let next = lvm::release_pinned(&group.vg, into)?;
    let devices: Vec<_> = group
        .slots
        .iter()
        .filter_map(|slot| slot.device.as_ref())
        .collect();
    if devices.len() != next.pvs.len() {
        let (vg, planned, given) = (next.name, next.pvs.len(), devices.len());
        return Err(LvmError::DeviceCount { vg, planned, given });
    }
    let (mut open, mut targets) = (Vec::new(), Vec::new());
    for (pv, device) in devices.iter().enumerate() {
        let disk = Disk::open_exclusive(device.path())?
            .as_volume()
            .guarded(protected)?;
        let label = |source| LvmError::Label {
            device: device.to_string(),
            source,
        };
        let areas = read(&disk)?.map_err(label)?.map(|pv| pv.areas);
        let headers = areas.into_iter().flatten().filter_map(|area| area.header);
        targets.extend(headers.map(|header| PvTarget { pv, header }));
        open.push(disk);
    }
    carry_out(&next_generation(&next, &targets)?, &open, &next.name)?;
    drop(open);
    for (device, slot) in devices.iter().zip(&group.slots) {
        verify(device, &slot.uuid, &next)?;
    }
    Ok(FoundGroup {
        slots: group.slots.clone(),
        vg: next,
        problems: Vec::new(),
    })
}
