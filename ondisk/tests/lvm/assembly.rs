// SPDX-License-Identifier: MIT OR Apache-2.0
//! Several devices.

use ondisk::lvm::{Assembly, GroupProblem, assemble};

use super::fixture::{Device, apply, devices, group};

fn join(devices: &[Device]) -> Assembly<usize> {
    let read = devices.iter().enumerate();
    let read: Vec<_> = read.map(|(n, d)| (n, d.size, d.pv())).collect();
    assemble(&read)
}

/// One generation more, on the first `n` devices only.
fn advance(devices: &mut [Device], n: usize, change: impl Fn(&mut ondisk::lvm::VolumeGroup)) {
    let mut vg = devices[0].pv().groups().next().unwrap().clone();
    vg.seqno += 1;
    change(&mut vg);
    let targets: Vec<_> = (0..n)
        .map(|pv| ondisk::lvm::PvTarget {
            pv,
            header: devices[pv].pv().areas[0].header.unwrap(),
        })
        .collect();
    apply(
        &ondisk::lvm::next_generation(&vg, &targets).unwrap(),
        devices,
        usize::MAX,
    );
}

fn complete(group: &ondisk::lvm::Group<usize>) -> bool {
    group.slots.iter().all(|slot| slot.device.is_some())
}

#[test]
fn devices_are_found_by_identifier_in_any_order() {
    let mut d = devices("span2");
    let vg = group("span2");
    for order in [[0, 1], [1, 0]] {
        let found = join(&d);
        assert_eq!(found.groups.len(), 1);
        let g = &found.groups[0];
        assert_eq!(g.vg, vg);
        assert!(complete(g) && g.problems.is_empty(), "{:?}", g.problems);
        assert_eq!(
            [g.device(&vg.pvs[0].id), g.device(&vg.pvs[1].id)],
            [Some(&order[0]), Some(&order[1])]
        );
        d.reverse();
    }
}

#[test]
fn an_ignored_area_takes_the_text_from_the_others() {
    let found = join(&devices("extra"));
    assert!(complete(&found.groups[0]));
    assert!(found.orphans.is_empty());
    // The device with the ignored area alone knows no group.
    let alone = join(&devices("extra")[1..]);
    assert!(alone.groups.is_empty());
    assert_eq!(alone.orphans, [0]);
}

#[test]
fn a_missing_device_is_reported() {
    let found = join(&devices("span2")[..1]);
    let g = &found.groups[0];
    assert!(!complete(g));
    let hint = Some("/dev/loop1".to_owned());
    assert_eq!(
        g.problems,
        [GroupProblem::MissingPv {
            uuid: g.vg.pvs[1].id,
            hint
        }]
    );
}

#[test]
fn a_clone_is_reported_and_used_by_nobody() {
    let mut d = devices("span2");
    d.push(d[1].clone());
    let g = join(&d).groups.remove(0);
    let uuid = g.vg.pvs[1].id;
    assert_eq!(
        g.problems,
        [GroupProblem::DuplicatePv {
            uuid,
            devices: vec![1, 2]
        }]
    );
    assert_eq!(g.device(&uuid), None);
}

#[test]
fn two_groups_of_one_name_are_reported_on_both() {
    let mut d = devices("single3");
    let mut other = devices("orphan").remove(0);
    let mut vg = group("single3");
    vg.id = ondisk::lvm::Uuid::from_random(&[9; 32]);
    vg.lvs.clear();
    vg.pvs[0].id = other.pv().label.uuid;
    vg.pvs[0].pe_count = 255;
    let header = other.pv().areas[0].header.unwrap();
    let steps =
        ondisk::lvm::next_generation(&vg, &[ondisk::lvm::PvTarget { pv: 0, header }]).unwrap();
    apply(&steps, std::slice::from_mut(&mut other), usize::MAX);
    d.push(other);
    let found = join(&d);
    assert_eq!(found.groups.len(), 2);
    for (g, o) in [(0, 1), (1, 0)] {
        let (own, other) = (found.groups[g].vg.id, found.groups[o].vg.id);
        let [
            GroupProblem::SameName {
                own: first,
                own_devices,
                other: second,
                other_devices,
            },
        ] = &found.groups[g].problems[..]
        else {
            panic!("{:?}", found.groups[g].problems);
        };
        assert_eq!((own, other), (*first, *second));
        assert_eq!([own_devices.len(), other_devices.len()], [1, 1]);
        assert_ne!(own_devices, other_devices);
    }
}

#[test]
fn the_highest_generation_counts() {
    let mut d = devices("span2");
    let old = group("span2").seqno;
    advance(&mut d, 1, |vg| vg.tags.push("new".into()));
    for reversed in [false, true] {
        let g = join(&d).groups.remove(0);
        assert_eq!((g.vg.seqno, g.vg.tags.len()), (old + 1, 1));
        let device = usize::from(!reversed);
        assert_eq!(g.problems, [GroupProblem::Outdated { device, seqno: old }]);
        assert!(complete(&g));
        d.reverse();
    }
}

#[test]
fn one_generation_with_two_texts_is_a_conflict() {
    let mut d = devices("span2");
    let mut second = d.clone();
    advance(&mut d, 1, |vg| vg.tags.push("one".into()));
    advance(&mut second, 2, |vg| vg.tags.push("two".into()));
    d[1] = second.remove(1);
    let g = join(&d).groups.remove(0);
    assert_eq!(g.problems, [GroupProblem::Conflict { device: 1 }]);
}

#[test]
fn a_device_that_was_taken_out_is_reported() {
    let mut d = devices("span2");
    advance(&mut d, 1, |vg| {
        vg.pvs.truncate(1);
        vg.lvs.retain(|lv| lv.name == "small");
    });
    let found = join(&d);
    assert_eq!(
        found.groups[0].problems,
        [GroupProblem::Expelled { device: 1 }]
    );
    assert_eq!(found.orphans, [1]);
}

#[test]
fn a_device_that_shrank_is_reported() {
    let mut d = devices("single3");
    d[0].size /= 2;
    let g = join(&d).groups.remove(0);
    assert!(
        matches!(g.problems[..], [GroupProblem::Device { device: 0, .. }]),
        "{:?}",
        g.problems
    );
}
