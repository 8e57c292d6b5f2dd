// SPDX-License-Identifier: MIT OR Apache-2.0
//! Extents that must stay as they are.

use ondisk::lvm::{
    LvSize, PINNED, PlanError, PvTarget, ReleaseError, Segment, SegmentKind, VolumeGroup, create,
    next_generation, release_pinned,
};

use super::super::fixture::{Device, apply};
use super::{GIB, plan, stripped, uuid};

/// Extents that are to be avoided stay free, and the volume goes round them.
#[test]
fn a_volume_goes_round_what_must_stay() {
    let mut p = plan(&[GIB], &[("root", LvSize::Rest)]);
    p.pvs[0].avoid.push(100 << 20..101 << 20);
    let vg = p.build().unwrap();
    assert_eq!(vg.problems(), []);
    let segments: Vec<(u64, u64)> = vg.lvs[0]
        .segments
        .iter()
        .map(|s| (s.start_extent, s.extent_count))
        .collect();
    // Byte 100 MiB lies in extent (100 - 1) / 4 = 24, which ends at 101 MiB.
    assert_eq!(segments, [(0, 24), (24, 230)]);
}

/// What is avoided belongs to a volume of its own, and later to another one.
#[test]
fn pinned_extents_belong_to_a_volume_until_they_are_given_back() {
    let sizes = [GIB, GIB];
    let lvs = [("rest", LvSize::Rest), ("data", LvSize::Bytes(GIB / 2))];
    let mut p = plan(&sizes, &lvs);
    p.pinned = Some(uuid(40));
    // Nothing to pin: no volume.
    assert!(p.build().unwrap().lv(PINNED).is_none());
    // Two in one extent, neighbours, over the end of the extents, and before them.
    const MIB: u64 = 1 << 20;
    p.pvs[0].avoid = vec![
        102 * MIB..103 * MIB,
        101 * MIB..102 * MIB,
        105 * MIB..109 * MIB,
    ];
    p.pvs[1].avoid = vec![0..MIB, 1016 * MIB..2 * GIB];
    let vg = p.build().unwrap();
    assert_eq!(vg.problems(), []);
    let pieces = |vg: &VolumeGroup, lv: &str| {
        let piece = |s: &Segment| match &s.kind {
            SegmentKind::Striped { stripes, .. } => {
                (stripes[0].on.clone(), stripes[0].extent, s.extent_count)
            }
            other => panic!("{other:?}"),
        };
        vg.lv(lv)
            .unwrap()
            .segments
            .iter()
            .map(piece)
            .collect::<Vec<_>>()
    };
    let pinned = [("pv0".to_owned(), 25, 2), ("pv1".to_owned(), 253, 2)];
    assert_eq!(pieces(&vg, PINNED), pinned);
    let volume = vg.lv(PINNED).unwrap();
    assert!(!volume.is_writable() && volume.is_visible());
    // No extent is left for others.
    let total: u64 = vg.lvs.iter().map(|lv| lv.extents()).sum();
    assert_eq!(total, vg.pvs.iter().map(|pv| pv.pe_count).sum());

    let next = release_pinned(&vg, "rest").unwrap();
    assert_eq!(
        (next.problems(), next.seqno, next.lvs.len()),
        (vec![], 2, 2)
    );
    assert_eq!(next.lv("data"), vg.lv("data"));
    let mut want = pieces(&vg, "rest");
    want.extend(pinned);
    assert_eq!(pieces(&next, "rest"), want);
    assert_eq!(
        next.lv("rest").unwrap().extents(),
        vg.lv("rest").unwrap().extents() + 4
    );

    // On the devices: the old group or the new one after each write.
    let mut made = sizes.map(Device::empty);
    apply(&create(&vg, &sizes).unwrap(), &mut made, usize::MAX);
    let header = |pv: usize| made[pv].pv().areas[0].header.unwrap();
    let targets = [0, 1].map(|pv| PvTarget {
        pv,
        header: header(pv),
    });
    let steps = next_generation(&next, &targets).unwrap();
    for n in 0..=steps.len() {
        let mut cut = made.clone();
        apply(&steps, &mut cut, n);
        for device in &cut {
            let read = device.pv();
            let found = read.groups().next().unwrap();
            assert!(*found == stripped(&vg) || *found == stripped(&next), "{n}");
            assert!(n < steps.len() || *found == stripped(&next));
        }
    }
}

#[test]
fn only_our_own_volume_is_given_back() {
    let mut p = plan(&[GIB], &[("root", LvSize::Rest)]);
    let without = p.build().unwrap();
    let missing = |lv: &str| ReleaseError::NoVolume {
        vg: "vg0".into(),
        lv: lv.into(),
    };
    assert_eq!(release_pinned(&without, "root"), Err(missing(PINNED)));
    p.pinned = Some(uuid(40));
    p.pvs[0].avoid.push(0..GIB / 4);
    let vg = p.build().unwrap();
    assert_eq!(release_pinned(&vg, "x"), Err(missing("x")));
    assert!(matches!(
        release_pinned(&vg, PINNED),
        Err(ReleaseError::NotOurs { .. })
    ));
    let mut last = vg.clone();
    last.seqno = u32::MAX;
    let error = release_pinned(&last, "root");
    assert!(matches!(error, Err(ReleaseError::LastGeneration { .. })));
    let mut zero = vg.clone();
    zero.lvs[1].segments[0].kind = SegmentKind::Zero;
    assert!(matches!(
        release_pinned(&zero, "root"),
        Err(ReleaseError::NotOurs { .. })
    ));
    let mut gone = vg.clone();
    gone.pvs[0].flags.push("MISSING".into());
    assert!(matches!(
        release_pinned(&gone, "root"),
        Err(ReleaseError::Refused { .. })
    ));
    p.lvs[0].name = PINNED.into();
    assert!(matches!(p.build(), Err(PlanError::DuplicateName { .. })));
}
