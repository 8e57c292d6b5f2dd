// SPDX-License-Identifier: MIT OR Apache-2.0
//! Our reader on what lvm2 wrote.

use replant::lvm::{mapping, scan};
use tempfile::TempDir;
use testkit::Random;

use super::lvm2::{Loop, Lvm2, devices};
use super::ours::our_segments;

const MIB: u64 = 1 << 20;

/// A random group, changed a number of times by lvm2, read after each change.
fn round(rng: &mut Random) {
    let dir = TempDir::new().unwrap();
    let count = rng.range(1..4);
    let loops: Vec<Loop> = (0..count)
        .map(|n| {
            Loop::new(
                &dir,
                &format!("pv{n}"),
                rng.range(100 * MIB..2000 * MIB) / 512 * 512,
            )
        })
        .collect();
    let lvm2 = Lvm2::new(&loops);
    for l in &loops {
        let copies = rng.range(1..3);
        // Small areas wrap soon.
        let size = ["", " --metadatasize 36k --dataalignment 64k"][rng.below(2)];
        let name = l.path.display();
        lvm2.quiet(
            &format!("pvcreate -qq --pvmetadatacopies {copies}{size} {name}"),
            &[],
        );
    }
    let names: Vec<String> = loops.iter().map(|l| l.path.display().to_string()).collect();
    let extent = ["64k", "1m", "4m", "16m"][rng.below(4)];
    lvm2.quiet(
        &format!("vgcreate -qq -s {extent} their-vg {}", names.join(" ")),
        &[],
    );
    let mut live: Vec<String> = Vec::new();
    for n in 0..rng.range(4..14) {
        let free: u64 = lvm2.rows("vgs -o vg_free_count their-vg")[0][0]
            .parse()
            .unwrap();
        let size = rng.range(1..(free / 4).max(2));
        match rng.below(6) {
            0 if !live.is_empty() => {
                let lv = live.remove(rng.below(live.len()));
                lvm2.quiet(&format!("lvremove -qq -y their-vg/{lv}"), &[]);
            }
            1 if !live.is_empty() && free > size => {
                let lv = &live[rng.below(live.len())];
                lvm2.quiet(
                    &format!("lvextend -qq --alloc anywhere -i1 -l +{size} their-vg/{lv}"),
                    &[],
                );
            }
            2 => {
                lvm2.quiet(
                    &format!("vgchange -qq --addtag t{n}-{} their-vg", "x".repeat(300)),
                    &[],
                );
            }
            3 if free > 8 && count > 1 => {
                let lv = format!("str-{n}");
                let line = format!(
                    "lvcreate -qq -an -Zn -Wn --alloc anywhere -i2 -I16k -l 4 -n {lv} their-vg"
                );
                lvm2.quiet(&line, &["not zeroed", "is smaller than", "Rounding"]);
                live.push(lv);
            }
            _ if free > size => {
                let lv = format!("lin-{n}");
                let line = format!("lvcreate -qq -an -Zn -Wn -l {size} -n {lv} their-vg");
                lvm2.quiet(&line, &["not zeroed"]);
                live.push(lv);
            }
            _ => {}
        }
        compare(&lvm2, &loops);
    }
}

fn compare(lvm2: &Lvm2, loops: &[Loop]) {
    let found = scan(&devices(loops));
    assert!(found.failures.is_empty(), "{:?}", found.failures);
    let group = found.group("their-vg").unwrap();
    assert!(group.problems.is_empty(), "{:?}", group.problems);
    assert_eq!(group.vg.problems(), []);
    let mut segments =
        lvm2.rows("lvs --segments -o lv_name,seg_start_pe,seg_pe_ranges,segtype their-vg");
    segments.sort();
    assert_eq!(our_segments(group), segments);
    let vg = lvm2
        .rows("vgs -o vg_uuid,seqno,vg_extent_size,vg_tags their-vg")
        .remove(0);
    let mut theirs: Vec<&str> = vg[3].split(',').collect();
    theirs.sort_unstable();
    let mut tags = group.vg.tags.clone();
    tags.sort();
    let ours = [
        group.vg.id.to_string(),
        group.vg.seqno.to_string(),
        group.vg.extent_bytes().to_string(),
    ];
    assert_eq!(vg[..3], ours);
    assert_eq!(theirs.join(","), tags.join(","));
    for lv in &group.vg.lvs {
        mapping(group, lv).unwrap();
    }
}

#[test]
fn we_read_what_lvm2_writes() {
    testkit::needs!("root", "lvm");
    let mut rng = Random(0x0123_4567_89ab_cdef);
    for _ in 0..8 {
        round(&mut rng);
    }
}
