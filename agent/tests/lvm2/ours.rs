// SPDX-License-Identifier: MIT OR Apache-2.0
//! lvm2 on what we wrote.

use std::os::unix::fs::FileExt;

use ondisk::lifeboat::Protected;
use ondisk::lvm::{PINNED, Uuid};
use ondisk::manifest::{Size, Volume};
use replant::lvm::{FoundGroup, create, release_pinned, scan};
use tempfile::TempDir;
use testkit::Random;

use super::lvm2::{Loop, Lvm2, devices};
use super::wanted::{plan, pv_devices, volume};

const MIB: u64 = 1 << 20;

/// Makes a random group, and has lvm2 judge, print and change it.
fn round(rng: &mut Random) {
    let dir = TempDir::new().unwrap();
    let loops: Vec<Loop> = (0..rng.range(1..4))
        .map(|n| {
            Loop::new(
                &dir,
                &format!("pv{n}"),
                rng.range(40 * MIB..4000 * MIB) / 512 * 512,
            )
        })
        .collect();
    let total: u64 = loops.iter().map(|l| l.size).sum();
    let mut volumes: Vec<Volume> = (0..rng.below(6))
        .map(|n| volume(&format!("lv-{n}"), Size::Bytes(rng.range(1..total / 8))))
        .collect();
    let rest = rng.below(2) == 1;
    if rest {
        let at = rng.below(volumes.len() + 1);
        volumes.insert(at, volume("rest", Size::Rest));
    }
    let mut planned = plan("my-vg", &pv_devices(&loops), &volumes).unwrap();
    // One hole per device, somewhere.
    for pv in &mut planned.pvs {
        if rng.below(2) == 1 {
            continue;
        }
        let start = rng.below(pv.size);
        pv.avoid.push(start..start + rng.range(1..pv.size / 10));
    }
    if rng.below(2) == 1 {
        planned.pinned = Some(Uuid::from_random(&[40; 32]));
    }
    let lvm2 = Lvm2::new(&loops);
    let group = create(&planned, &devices(&loops), &Protected::default()).unwrap();
    let pinned = group.vg.lv(PINNED).map_or(0, |lv| lv.extents());

    for l in &loops {
        let out = lvm2.quiet(&format!("pvck --dump headers {}", l.path.display()), &[]);
        assert!(!out.contains("CHECK"), "{out}");
        lvm2.quiet(&format!("pvck {}", l.path.display()), &[]);
    }
    lvm2.quiet("vgck my-vg", &[]);
    let want = vec![
        group.vg.id.to_string(),
        "1".to_owned(),
        group
            .vg
            .pvs
            .iter()
            .map(|p| p.pe_count)
            .sum::<u64>()
            .to_string(),
        loops.len().to_string(),
        (volumes.len() + usize::from(pinned > 0)).to_string(),
    ];
    assert_eq!(
        lvm2.rows("vgs -o vg_uuid,seqno,vg_extent_count,pv_count,lv_count"),
        [want]
    );
    let rows = lvm2.rows("pvs -o pv_uuid,dev_size,pv_pe_count,pe_start,pv_in_use");
    for pv in &group.vg.pvs {
        let row = rows.iter().find(|r| r[0] == pv.id.to_string()).unwrap();
        let size = pv.dev_size.unwrap() * 512;
        let want = [
            size.to_string(),
            pv.pe_count.to_string(),
            MIB.to_string(),
            "used".into(),
        ];
        assert_eq!(row[1..], want);
    }
    // Every segment where we think that it is.
    assert_eq!(lvm2_segments(&lvm2), our_segments(&group));
    if pinned > 0 {
        let [list] = lvm2
            .rows("lvs -o lv_permissions,lv_size my-vg/replant-pinned")
            .try_into()
            .unwrap();
        assert_eq!(
            list,
            [
                "read-only".to_owned(),
                (pinned * planned.extent_bytes).to_string()
            ]
        );
        // All that is avoided is taken: lvm2 finds no room there.
        let total: u64 = group.vg.pvs.iter().map(|p| p.pe_count).sum();
        let used: u64 = group.vg.lvs.iter().map(|lv| lv.extents()).sum();
        let free = lvm2.rows("vgs -o vg_free_count");
        assert_eq!(free, [[(total - used).to_string()]]);
    }
    let released = u32::from(pinned > 0 && rest);
    if released == 1 {
        release(&loops, &lvm2, &group);
    }
    lvm2.quiet("vgcfgbackup my-vg", &[]);
    assert!(lvm2.dir().join("backup/my-vg").exists());

    // lvm2 goes on from there.
    let free: u64 = lvm2.rows("vgs -o vg_free_count")[0][0].parse().unwrap();
    let mut changes = 0;
    if free >= 2 {
        lvm2.quiet(
            "lvcreate -qq -an -Zn -Wn -l 1 -n added my-vg",
            &["my-vg/added not zeroed"],
        );
        lvm2.quiet("lvextend -qq -l +1 my-vg/added", &[]);
        changes += 2;
    }
    if rest {
        lvm2.quiet("lvremove -qq -y my-vg/rest", &[]);
        changes += 1;
    }
    lvm2.quiet("vgchange -qq --addtag seen my-vg", &[]);
    lvm2.quiet("vgck my-vg", &[]);
    changes += 1;
    let found = scan(&devices(&loops));
    assert!(
        found.failures.is_empty() && found.orphans.is_empty(),
        "{:?}",
        found.failures
    );
    let again = found.group("my-vg").unwrap();
    assert!(again.problems.is_empty(), "{:?}", again.problems);
    assert_eq!(again.vg.seqno, 1 + released + changes);
    assert_eq!(again.vg.tags, ["seen"]);
    assert_eq!(again.vg.lv("added").is_some(), free >= 2);
    assert!(again.vg.lv("rest").is_none());
}

/// Gives the pinned extents to the volume `rest`, and has lvm2 look at it.
fn release(loops: &[Loop], lvm2: &Lvm2, group: &FoundGroup) {
    let next = release_pinned(group, "rest", &Protected::default()).unwrap();
    for l in loops {
        lvm2.quiet(&format!("pvck {}", l.path.display()), &[]);
    }
    lvm2.quiet("vgck my-vg", &[]);
    assert_eq!(lvm2_segments(lvm2), our_segments(&next));
}

/// Rows of `lvs --segments`.
fn lvm2_segments(lvm2: &Lvm2) -> Vec<Vec<String>> {
    let mut segments = lvm2.rows(
        "lvs --segments -o lv_name,seg_start_pe,seg_pe_ranges,segtype -O lv_name,seg_start_pe",
    );
    segments.sort();
    segments
}

/// Rows of `lvs --segments` as our metadata give them.
pub fn our_segments(group: &FoundGroup) -> Vec<Vec<String>> {
    use ondisk::lvm::SegmentKind;
    let mut out = Vec::new();
    for lv in &group.vg.lvs {
        for s in &lv.segments {
            let SegmentKind::Striped { stripes, .. } = &s.kind else {
                panic!("{s:?}")
            };
            let per_leg = s.extent_count / stripes.len() as u64;
            let leg = |stripe: &ondisk::lvm::Stripe| {
                let n = group
                    .vg
                    .pvs
                    .iter()
                    .position(|p| p.section == stripe.on)
                    .unwrap();
                let device = group.slots[n].device.as_ref().unwrap();
                format!("{device}:{}-{}", stripe.extent, stripe.extent + per_leg - 1)
            };
            let legs: Vec<String> = stripes.iter().map(leg).collect();
            let kind = if stripes.len() == 1 {
                "linear"
            } else {
                "striped"
            };
            out.push(vec![
                lv.name.clone(),
                s.start_extent.to_string(),
                legs.join(" "),
                kind.into(),
            ]);
        }
    }
    out.sort();
    out
}

#[test]
fn lvm2_accepts_and_changes_what_we_write() {
    testkit::needs!("root", "lvm");
    let mut rng = Random(0x6b8b_4567_327b_23c6);
    for _ in 0..12 {
        round(&mut rng);
    }
}

/// What lvm2 calls the same group after a round through its own backup.
#[test]
fn lvm2_restores_our_group_from_its_backup() {
    testkit::needs!("root", "lvm");
    let dir = TempDir::new().unwrap();
    let loops = [Loop::new(&dir, "pv0", 512 * MIB)];
    let volumes = [
        volume("root", Size::Bytes(100 * MIB)),
        volume("data", Size::Rest),
    ];
    let planned = plan("vg0", &pv_devices(&loops), &volumes).unwrap();
    let group = create(&planned, &devices(&loops), &Protected::default()).unwrap();
    let lvm2 = Lvm2::new(&loops);
    lvm2.quiet("vgcfgbackup vg0", &[]);
    let backup = lvm2.dir().join("backup/vg0");
    // It asks the driver whether the group is active, without the option that says there is none.
    let driver = [
        "/dev/mapper/control: open failed",
        "Failure to communicate with kernel device-mapper driver",
        "Check that device-mapper is available in the kernel",
        "and kernel driver (unknown version)",
        "Failed to check for active volumes in volume group",
    ];
    lvm2.quiet(
        &format!("vgcfgrestore -f {} vg0", backup.display()),
        &driver,
    );
    let found = scan(&devices(&loops));
    let again = &found.group("vg0").unwrap().vg;
    assert_eq!(
        (again.id, &again.pvs, &again.lvs),
        (group.vg.id, &group.vg.pvs, &group.vg.lvs)
    );
}

/// A page cache with old contents does not hide what was written elsewhere.
#[test]
fn a_stale_page_cache_is_not_believed() {
    testkit::needs!("root", "lvm");
    let dir = TempDir::new().unwrap();
    let first = Loop::new(&dir, "pv0", 64 * MIB);
    let second = Loop::over(&first.file);
    // The first device's cache holds zeros for as long as somebody has it open.
    let open = std::fs::File::open(&first.path).unwrap();
    let mut cached = vec![0; 65536];
    open.read_exact_at(&mut cached, 0).unwrap();
    assert!(cached.iter().all(|b| *b == 0));
    let loops = [second];
    let planned = plan("vg0", &pv_devices(&loops), &[]).unwrap();
    create(&planned, &devices(&loops), &Protected::default()).unwrap();
    let mut cached = vec![0; 4096];
    std::io::Read::read_exact(&mut std::fs::File::open(&first.path).unwrap(), &mut cached).unwrap();
    let stale = cached.iter().all(|b| *b == 0);
    assert!(
        stale,
        "the kernel dropped the cache, this test shows nothing"
    );
    assert!(scan(&[first.device()]).group("vg0").is_ok());
}
