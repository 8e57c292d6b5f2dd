// SPDX-License-Identifier: MIT OR Apache-2.0
//! What is neither planned nor written.

use ondisk::lvm::{LvSize, PlanError, PvTarget, VgPlan, WriteError, create, next_generation};

use super::super::fixture::{devices, group};
use super::{GIB, plan};

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
