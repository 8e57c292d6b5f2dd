// SPDX-License-Identifier: MIT OR Apache-2.0
//! New groups and next generations, on devices in memory.

mod change;
mod creation;
mod pinned;
mod refused;

use ondisk::lvm::{LvPlan, LvSize, Origin, PvPlan, Uuid, VgPlan, VolumeGroup};

fn uuid(n: u8) -> Uuid {
    Uuid::from_random(&[n; 32])
}

fn plan(sizes: &[u64], lvs: &[(&str, LvSize)]) -> VgPlan {
    VgPlan {
        name: "vg0".into(),
        uuid: uuid(1),
        extent_bytes: 4 << 20,
        pvs: (0u8..)
            .zip(sizes)
            .map(|(n, size)| PvPlan {
                uuid: uuid(10 + n),
                device: format!("/dev/sda{n}"),
                size: *size,
                avoid: vec![],
            })
            .collect(),
        lvs: (0u8..)
            .zip(lvs)
            .map(|(n, (name, size))| LvPlan {
                name: (*name).into(),
                uuid: uuid(20 + n),
                size: *size,
            })
            .collect(),
        pinned: None,
        origin: Origin {
            generator: "a test".into(),
            description: Some("said \"hello\" \\ and went".into()),
            creation_host: Some("host".into()),
            host_comment: "two\nlines".into(),
            creation_time: Some(1795383992),
            system_id: None,
        },
    }
}

/// What is read back: everything apart from two comments.
fn stripped(vg: &VolumeGroup) -> VolumeGroup {
    let mut vg = vg.clone();
    vg.origin.generator.clear();
    vg.origin.host_comment.clear();
    vg
}

const GIB: u64 = 1 << 30;
