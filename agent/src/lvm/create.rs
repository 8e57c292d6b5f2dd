// SPDX-License-Identifier: MIT OR Apache-2.0
//! A new volume group on real devices.

use ondisk::lifeboat::Protected;
use ondisk::lvm::{self, Origin, PvSlot, Step, Uuid, VgPlan, VolumeGroup};

use super::error::LvmError;
use super::scan::{FoundGroup, read};
use crate::block::BlockDevice;
use crate::disk::Disk;

/// What the metadata say of who made a group, and when (seconds since 1970).
pub fn origin(host: &str, time: Option<i64>) -> Origin {
    let version = env!("CARGO_PKG_VERSION");
    Origin {
        generator: format!("replant {version}"),
        description: Some(format!("Created by replant {version}.")),
        creation_host: Some(host.to_owned()),
        host_comment: String::new(),
        creation_time: time,
        system_id: None,
    }
}

/// Makes the physical volumes and the group on `devices`, which are those of the
/// plan in its order; then reads everything back past the page cache and
/// compares.
///
/// Overwrites the first 8 KiB of each device. Fails rather than write to a
/// `protected` range of the disk that they are on, and before the first write if
/// a device is in use or has another size than planned.
pub fn create(
    plan: &VgPlan,
    devices: &[BlockDevice],
    protected: &Protected,
) -> Result<FoundGroup, LvmError> {
    let vg = plan.build()?;
    if devices.len() != plan.pvs.len() {
        let (vg, planned, given) = (vg.name, plan.pvs.len(), devices.len());
        return Err(LvmError::DeviceCount { vg, planned, given });
    }
    let sizes: Vec<u64> = plan.pvs.iter().map(|pv| pv.size).collect();
    let steps = lvm::create(&vg, &sizes)?;
    let mut open = Vec::with_capacity(devices.len());
    for (device, planned) in devices.iter().zip(sizes) {
        // If the physical volume is a whole device, its first sector is no sector
        // 0 with a table.
        let disk = Disk::open_exclusive(device.path())?
            .as_volume()
            .guarded(protected)?;
        if let Some(found) = disk.dev().filter(|dev| *dev != device.dev) {
            let (device, planned) = (device.to_string(), device.dev);
            return Err(LvmError::DeviceNumber {
                device,
                found,
                planned,
            });
        }
        let found = disk.bytes();
        if found != planned {
            let device = device.to_string();
            return Err(LvmError::DeviceSize {
                device,
                found,
                planned,
            });
        }
        open.push(disk);
    }
    carry_out(&steps, &open, &vg.name)?;
    drop(open);
    for (device, pv) in devices.iter().zip(&vg.pvs) {
        verify(device, &pv.id, &vg)?;
    }
    let slots = vg.pvs.iter().zip(devices).map(|(pv, device)| PvSlot {
        uuid: pv.id,
        device: Some(device.clone()),
    });
    Ok(FoundGroup {
        slots: slots.collect(),
        vg,
        problems: Vec::new(),
    })
}

/// Carries steps out on the devices that they number.
pub(super) fn carry_out(steps: &[Step], open: &[Disk], vg: &str) -> Result<(), LvmError> {
    const WHAT: &str = "LVM metadata";
    // Cached data must not be written over it afterwards.
    open.iter().try_for_each(Disk::flush)?;
    for step in steps {
        match step {
            Step::Write { pv, offset, bytes } => match open.get(*pv) {
                Some(disk) => disk.write_at(WHAT, *offset, bytes)?,
                None => {
                    let (planned, given) = (pv.saturating_add(1), open.len());
                    let vg = vg.to_owned();
                    return Err(LvmError::DeviceCount { vg, planned, given });
                }
            },
            Step::Flush => open.iter().try_for_each(|disk| disk.sync(WHAT))?,
        }
    }
    Ok(())
}

/// Reads a device through a new descriptor and compares.
pub(super) fn verify(device: &BlockDevice, uuid: &Uuid, vg: &VolumeGroup) -> Result<(), LvmError> {
    let name = device.to_string();
    let wrong = |what: String| LvmError::Verify {
        device: name.clone(),
        what,
    };
    let pv = read(&Disk::open(device.path())?)?
        .map_err(|source| LvmError::Label {
            device: name.clone(),
            source,
        })?
        .ok_or_else(|| wrong("there is no label".to_owned()))?;
    if let Some(damage) = pv.damage().next() {
        return Err(wrong(damage.to_string()));
    }
    if pv.label.uuid != *uuid || !pv.label.is_used() {
        return Err(wrong("the label is another one".to_owned()));
    }
    // Two comments are written that the parser does not keep.
    let mut wanted = vg.clone();
    wanted.origin.generator.clear();
    wanted.origin.host_comment.clear();
    match pv.groups().next() {
        Some(found) if *found == wanted => Ok(()),
        Some(_) => Err(wrong("the text is another one".to_owned())),
        None => Err(wrong("there is no text".to_owned())),
    }
}
