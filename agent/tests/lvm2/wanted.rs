// SPDX-License-Identifier: MIT OR Apache-2.0
//! Groups as a manifest wants them, planned as the migration plans them.

use std::fs::File;
use std::io::Read;

use ondisk::lvm::{PlanError, VgPlan};
use ondisk::manifest::{Size, Volume, VolumeGroup};
use replant::plan::{PvDevice, volume_group};

use super::lvm2::Loop;

pub fn volume(name: &str, size: Size) -> Volume {
    Volume {
        name: name.to_owned(),
        size,
    }
}

pub fn pv_devices(loops: &[Loop]) -> Vec<PvDevice> {
    let device = |l: &Loop| PvDevice {
        path: l.path.display().to_string(),
        bytes: l.size,
        avoid: Vec::new(),
    };
    loops.iter().map(device).collect()
}

pub fn plan(name: &str, devices: &[PvDevice], volumes: &[Volume]) -> Result<VgPlan, PlanError> {
    let group = VolumeGroup {
        name: name.to_owned(),
        partitions: Vec::new(),
        extent_size: Size::Bytes(4 << 20),
        volumes: volumes.to_vec(),
    };
    let mut urandom = File::open("/dev/urandom").unwrap();
    let mut random = |bytes: &mut [u8]| urandom.read_exact(bytes).unwrap();
    volume_group(&group, devices, "a host", 1_795_383_992, &mut random)
}
