// SPDX-License-Identifier: MIT OR Apache-2.0
//! New groups.

use ondisk::lvm::{LvSize, MdaState, PvTarget, Step, create, decode, encode, next_generation};

use super::super::fixture::{Device, apply, text};
use super::{GIB, plan, stripped};

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
