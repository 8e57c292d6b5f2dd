// SPDX-License-Identifier: MIT OR Apache-2.0
//! The next generation of a group.

use ondisk::lvm::{PvTarget, Step, VolumeGroup, WriteError, next_generation};

use super::super::fixture::{apply, devices, group};
use super::stripped;

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
