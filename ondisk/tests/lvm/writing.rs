// SPDX-License-Identifier: MIT OR Apache-2.0
//! New groups and next generations, on devices in memory.

use ondisk::lvm::{
    LvPlan, LvSize, MdaState, Origin, PINNED, PlanError, PvPlan, PvTarget, ReleaseError, Segment,
    SegmentKind, Step, Uuid, VgPlan, VolumeGroup, WriteError, create, decode, encode,
    next_generation, release_pinned,
};

use super::fixture::{Device, apply, devices, group, text};

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

#[test]
fn a_new_group_reads_back() {
    let sizes = [GIB, 3 * GIB + 512];
    let vg = plan(
        &sizes,
        &[("root", LvSize::Bytes(GIB)), ("data", LvSize::Rest)],
    )
    .build()
    .unwrap();
    assert_eq!(vg.problems(), []);
    assert_eq!(
        vg.lvs.iter().map(|l| l.extents()).collect::<Vec<_>>(),
        [256, 255 + 767 - 256]
    );
    // What stood on the devices before is gone.
    let mut d = sizes.map(|size| Device {
        head: vec![0xaa; 1 << 20],
        ..Device::empty(size)
    });
    apply(&create(&vg, &sizes).unwrap(), &mut d, usize::MAX);
    for (device, pv) in d.iter().zip(&vg.pvs) {
        let read = device.pv();
        assert_eq!(read.groups().collect::<Vec<_>>(), [&stripped(&vg)]);
        assert_eq!(
            (read.label.uuid, read.label.device_size),
            (pv.id, device.size)
        );
        assert!(read.label.is_used());
        assert_eq!(vg.device_problems(pv, &read.label, device.size), []);
        assert!(
            device.head[..512]
                .iter()
                .chain(&device.head[1024..4096])
                .all(|b| *b == 0)
        );
    }
}

/// A crash after any write leaves orphans, or the whole group on some device.
#[test]
fn an_interrupted_creation_is_never_half_a_group() {
    let sizes = [GIB, GIB];
    let vg = plan(&sizes, &[("root", LvSize::Rest)]).build().unwrap();
    let steps = create(&vg, &sizes).unwrap();
    let writes = steps
        .iter()
        .filter(|s| matches!(s, Step::Write { .. }))
        .count();
    assert_eq!(writes, 8);
    for n in 2..=writes {
        let mut d = sizes.map(Device::empty);
        apply(&steps, &mut d, n);
        for device in &d {
            for area in device.pv().areas {
                match area.state {
                    MdaState::Empty => {}
                    MdaState::Group(found) => assert_eq!(*found, stripped(&vg)),
                    other => panic!("{n}: {other:?}"),
                }
            }
        }
    }
}

/// Every header is written after a flush of the text that it names.
#[test]
fn flushes_stand_between_text_and_headers() {
    let shape = |steps: &[Step]| {
        let one = |s: &Step| match s {
            Step::Flush => "flush".to_owned(),
            Step::Write { pv, offset, .. } => format!("{pv}@{offset}"),
        };
        steps.iter().map(one).collect::<Vec<_>>().join(" ")
    };
    let sizes = [GIB, GIB];
    let vg = plan(&sizes, &[("root", LvSize::Rest)]).build().unwrap();
    assert_eq!(
        shape(&create(&vg, &sizes).unwrap()),
        "0@0 1@0 flush 0@4608 1@4608 flush 0@4096 1@4096 flush 0@512 1@512 flush"
    );
    let mut d = sizes.map(Device::empty);
    apply(&create(&vg, &sizes).unwrap(), &mut d, usize::MAX);
    let target = |pv: usize| PvTarget {
        pv,
        header: d[pv].pv().areas[0].header.unwrap(),
    };
    let mut next = vg.clone();
    next.seqno += 1;
    assert_eq!(
        shape(&next_generation(&next, &[target(0), target(1)]).unwrap()),
        "0@6144 1@6144 flush 0@4096 1@4096 flush 0@4096 1@4096 flush"
    );
}

/// A crash after any write of a change leaves the old or the new generation.
#[test]
fn an_interrupted_change_is_the_old_or_the_new_group() {
    for case in ["wrap", "wrap_next", "span2", "mda2"] {
        let old = group(case);
        let mut new = old.clone();
        new.seqno += 1;
        new.tags.push("changed".into());
        let fresh = devices(case);
        let targets: Vec<PvTarget> = fresh
            .iter()
            .enumerate()
            .flat_map(|(pv, d)| {
                let areas = d.pv().areas.into_iter();
                areas.map(move |a| PvTarget {
                    pv,
                    header: a.header.unwrap(),
                })
            })
            .collect();
        let steps = next_generation(&new, &targets).unwrap();
        let writes = steps
            .iter()
            .filter(|s| matches!(s, Step::Write { .. }))
            .count();
        for n in 0..=writes {
            let mut d = fresh.clone();
            apply(&steps, &mut d, n);
            let found: Vec<VolumeGroup> = d
                .iter()
                .flat_map(|d| d.pv().groups().cloned().collect::<Vec<_>>())
                .collect();
            assert_eq!(found.len(), targets.len(), "{case} {n}");
            assert!(
                found
                    .iter()
                    .all(|vg| *vg == stripped(&old) || *vg == stripped(&new)),
                "{case} {n}"
            );
            if n == writes {
                assert!(found.iter().all(|vg| *vg == stripped(&new)));
            }
        }
    }
}

/// The text goes where lvm2 put its next one.
#[test]
fn the_next_generation_stands_where_lvm2_puts_it() {
    let mut d = devices("wrap");
    let next = group("wrap_next");
    let header = d[0].pv().areas[0].header.unwrap();
    let steps = next_generation(&next, &[PvTarget { pv: 0, header }]).unwrap();
    apply(&steps, &mut d, usize::MAX);
    let ours = d[0].pv().areas[0].header.unwrap().committed;
    let theirs = devices("wrap_next")[0].pv().areas[0]
        .header
        .unwrap()
        .committed;
    assert_eq!(ours.offset, theirs.offset);
    assert_eq!(ours.offset, 2048);
    assert_eq!(d[0].pv().groups().next(), Some(&next));
}

/// The update that wraps, from the text before it.
#[test]
fn a_text_that_wraps_is_read_back() {
    let mut d = devices("wrap");
    let mut header = d[0].pv().areas[0].header.unwrap();
    header.committed.offset = 1028608;
    header.committed.size = 8506;
    let vg = group("wrap");
    let steps = next_generation(&vg, &[PvTarget { pv: 0, header }]).unwrap();
    apply(&steps, &mut d, usize::MAX);
    let slot = d[0].pv().areas[0].header.unwrap().committed;
    assert!(slot.offset + slot.size > header.size, "{slot:?}");
    assert_eq!(d[0].pv().groups().next(), Some(&vg));
}

#[test]
fn ignored_areas_are_left_alone() {
    let d = devices("extra");
    let mut vg = group("extra");
    vg.seqno += 1;
    let target = |pv: usize| PvTarget {
        pv,
        header: d[pv].pv().areas[0].header.unwrap(),
    };
    let steps = next_generation(&vg, &[target(0), target(1)]).unwrap();
    assert!(
        steps
            .iter()
            .all(|s| !matches!(s, Step::Write { pv: 1, .. }))
    );
    assert!(matches!(
        next_generation(&vg, &[target(1)]),
        Err(WriteError::NoArea { .. })
    ));
}

#[test]
fn what_contradicts_itself_is_not_written() {
    let mut vg = plan(&[GIB], &[("root", LvSize::Rest)]).build().unwrap();
    vg.pvs[0].pe_count -= 1;
    assert!(matches!(
        create(&vg, &[GIB]),
        Err(WriteError::Problem { .. })
    ));
    assert!(matches!(
        next_generation(&vg, &[]),
        Err(WriteError::Problem { .. })
    ));
    vg.pvs[0].pe_count = u64::MAX / 4;
    let e = create(&vg, &[u64::MAX]).unwrap_err().to_string();
    assert!(e.contains("physical volume pv0: a number is beyond"), "{e}");
    let e = vg.mapping(&vg.lvs[0], |_| None).unwrap_err().to_string();
    assert!(e.contains("physical volume pv0: a number is beyond"), "{e}");
    let header = devices("single3")[0].pv().areas[0].header.unwrap();
    let odd = PvTarget {
        pv: 0,
        header: ondisk::lvm::MdaHeader {
            size: 1044400,
            ..header
        },
    };
    let e = next_generation(&group("single3"), &[odd]).unwrap_err();
    assert!(matches!(e, WriteError::Unaligned { .. }), "{e}");
    let mut lost = header;
    lost.committed.offset = u64::MAX - 100;
    let e = next_generation(
        &group("single3"),
        &[PvTarget {
            pv: 0,
            header: lost,
        }],
    )
    .unwrap_err();
    assert!(matches!(e, WriteError::Area { .. }), "{e}");
    let mut long = group("single3");
    long.tags = (0..60_000).map(|n| format!("tag{n}")).collect();
    let e = next_generation(&long, &[PvTarget { pv: 0, header }]).unwrap_err();
    assert!(matches!(e, WriteError::Ring { .. }), "{e}");
}

#[test]
fn a_group_is_not_made_on_devices_that_do_not_fit() {
    let vg = plan(&[GIB, GIB], &[("root", LvSize::Rest)])
        .build()
        .unwrap();
    assert!(create(&vg, &[GIB, GIB]).is_ok());
    let e = create(&vg, &[GIB]).unwrap_err();
    assert!(
        matches!(
            e,
            WriteError::Sizes {
                pvs: 2,
                sizes: 1,
                ..
            }
        ),
        "{e}"
    );
    let e = create(&vg, &[GIB, GIB - (8 << 20)])
        .unwrap_err()
        .to_string();
    assert!(e.contains("pv1") && e.contains("cut short"), "{e}");
}

#[test]
fn plans_that_cannot_be_are_refused() {
    let ok = plan(&[GIB], &[("root", LvSize::Rest)]);
    let with = |change: &dyn Fn(&mut VgPlan)| {
        let mut p = ok.clone();
        change(&mut p);
        p.build().unwrap_err()
    };
    assert!(ok.build().is_ok());
    assert!(matches!(
        with(&|p| p.name = "a/b".into()),
        PlanError::Name(_)
    ));
    assert!(matches!(
        with(&|p| p.lvs[0].name = "x_tdata".into()),
        PlanError::Name(_)
    ));
    assert!(matches!(
        with(&|p| p.lvs.push(p.lvs[0].clone())),
        PlanError::DuplicateName { .. }
    ));
    assert!(matches!(
        with(&|p| p.extent_bytes = 5000),
        PlanError::ExtentSize { .. }
    ));
    assert!(matches!(
        with(&|p| p.extent_bytes = 0),
        PlanError::ExtentSize { .. }
    ));
    assert!(matches!(with(&|p| p.pvs.clear()), PlanError::NoPv { .. }));
    assert!(matches!(
        with(&|p| p.pvs[0].size = 5 << 20 >> 1),
        PlanError::SmallDevice { .. }
    ));
    assert!(matches!(
        with(&|p| p.pvs[0].size = u64::MAX),
        PlanError::TooManyExtents { .. }
    ));
    let e = with(&|p| p.lvs[0].size = LvSize::Bytes(2 * GIB));
    assert_eq!(
        e.to_string(),
        "volume group vg0: logical volumes need 2147483648 bytes (root 2147483648), the volume \
         group has 1069547520 free (0 of its 1069547520 bytes are kept)"
    );
}

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

/// No volume group of lvm2's has such a name; a text may.
#[test]
fn names_that_need_quotes_are_written_with_quotes() {
    let text = text("single3", "pv0.mda0.txt");
    let name = text.split(' ').next().unwrap();
    for odd in ["v g", "", "v{", "v=", "v#", "v\\\"g", "v\ng", "}"] {
        let quoted = format!("\"{}\"", odd.replace('\\', "\\\\").replace('"', "\\\""));
        let vg = decode(text.replacen(name, &quoted, 1).as_bytes()).unwrap();
        assert_eq!(vg.name, odd);
        assert_eq!(decode(&encode(&vg)).unwrap().name, odd);
    }
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
