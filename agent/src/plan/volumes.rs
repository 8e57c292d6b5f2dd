// SPDX-License-Identifier: MIT OR Apache-2.0
//! Plans a volume group from the manifest.

use ondisk::lvm::{LvPlan, LvSize, PlanError, PvPlan, Uuid, VgPlan};
use ondisk::manifest::{Size, VolumeGroup};
use std::ops::Range;

/// A device that is to become a physical volume; it need not be there yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PvDevice {
    /// Path that it will have.
    pub path: String,
    /// Bytes that it will have.
    pub bytes: u64,
    /// Bytes of it that no volume may lie on.
    pub avoid: Vec<Range<u64>>,
}

/// Plans a group on these devices, its volumes in the manifest's order.
/// `host` and `time` (seconds since 1970) go into the metadata; `random` fills
/// its buffer with random bytes.
///
/// # Errors
/// [`PlanError`] for names that lvm2 does not take, and for volumes that do not
/// fit.
pub fn volume_group(
    group: &VolumeGroup,
    devices: &[PvDevice],
    host: &str,
    time: u64,
    random: &mut dyn FnMut(&mut [u8]),
) -> Result<VgPlan, PlanError> {
    let mut uuid = || {
        let mut bytes = [0; 32];
        random(&mut bytes);
        Uuid::from_random(&bytes)
    };
    let pv = |device: &PvDevice| PvPlan {
        uuid: uuid(),
        device: device.path.clone(),
        size: device.bytes,
        avoid: device.avoid.clone(),
    };
    let pvs = devices.iter().map(pv).collect();
    let lvs = group.volumes.iter().map(|volume| LvPlan {
        name: volume.name.clone(),
        uuid: uuid(),
        size: match volume.size {
            Size::Bytes(bytes) => LvSize::Bytes(bytes),
            Size::Rest => LvSize::Rest,
        },
    });
    let lvs = lvs.collect();
    let keeps = devices.iter().any(|device| !device.avoid.is_empty());
    let pinned = keeps.then(&mut uuid);
    let plan = VgPlan {
        name: group.name.clone(),
        uuid: uuid(),
        extent_bytes: match group.extent_size {
            Size::Bytes(bytes) => bytes,
            // The manifest refuses such a size already; here 0 is refused, too.
            Size::Rest => 0,
        },
        pvs,
        lvs,
        pinned,
        origin: crate::lvm::origin(host, i64::try_from(time).ok()),
    };
    // Allocating is the only way to know whether it fits.
    plan.build()?;
    Ok(plan)
}
