// SPDX-License-Identifier: MIT OR Apache-2.0
//! Tables and refusals.

use std::collections::{BTreeMap, BTreeSet};

use ondisk::DevNo;
use ondisk::lvm::{Mapping, MappingError, Refusal, VolumeGroup, decode};

use super::fixture::{GROUPS, group, path, text};

fn map(vg: &VolumeGroup, lv: &str) -> Result<Mapping, MappingError> {
    let number = |uuid: &ondisk::lvm::Uuid| {
        let minor = vg.pvs.iter().position(|p| p.id == *uuid)?;
        Some(DevNo {
            major: 7,
            minor: minor as u32,
        })
    };
    vg.mapping(vg.lv(lv).unwrap(), number)
}

fn refusal(vg: &VolumeGroup, lv: &str) -> Refusal {
    match map(vg, lv) {
        Err(MappingError::Refused(r)) => r,
        other => panic!("{}/{lv}: {other:?}", vg.name),
    }
}

/// `dmsetup table` of a real activation: names with their lines.
fn dm_tables(case: &str) -> BTreeMap<String, Vec<String>> {
    let mut out: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for line in text(case, "dm.txt").lines() {
        if let Some((name, table)) = line.split_once(": ")
            && table.starts_with(|c: char| c.is_ascii_digit())
        {
            out.entry(name.to_owned())
                .or_default()
                .push(table.trim_end().to_owned());
        }
    }
    out
}

/// Volumes that we map, per case. Every other one must be refused.
fn expected(case: &str) -> Option<&'static [&'static str]> {
    Some(match case {
        "thin" => &["lin"],
        "raid" => &["z", "e"],
        "cache" | "pvmove" | "exported" => &[],
        "extra" => &["ro", "noauto"],
        _ => return None,
    })
}

#[test]
fn tables_are_those_of_lvm2() {
    let mut tables = 0;
    for case in GROUPS {
        let vg = group(case);
        let real = if path(case, "dm.txt").exists() {
            dm_tables(case)
        } else {
            BTreeMap::new()
        };
        let info = if real.is_empty() {
            String::new()
        } else {
            text(case, "dm.txt")
        };
        let mut mapped = BTreeSet::new();
        for lv in &vg.lvs {
            let Ok(m) = map(&vg, &lv.name) else { continue };
            mapped.insert(lv.name.clone());
            if real.is_empty() {
                continue;
            }
            let lines: Vec<String> = m
                .targets
                .iter()
                .map(|t| t.to_string().trim_end().to_owned())
                .collect();
            assert_eq!(real.get(&m.name), Some(&lines), "{case} {}", lv.name);
            tables += 1;
            let row = info
                .lines()
                .find(|l| l.split_whitespace().nth(1) == Some(&m.uuid));
            let row = row.unwrap_or_else(|| panic!("{case}: {}", m.uuid));
            assert_eq!(row.split_whitespace().next(), Some(m.name.as_str()));
            assert_eq!(row.contains("Read-only"), m.read_only, "{case} {}", lv.name);
        }
        let want: BTreeSet<String> = match expected(case) {
            Some(list) => list.iter().map(|s| (*s).to_owned()).collect(),
            None => vg.lvs.iter().map(|l| l.name.clone()).collect(),
        };
        assert_eq!(mapped, want, "{case}");
    }
    assert!(tables > 35, "{tables}");
}

#[test]
fn other_types_are_refused_by_name() {
    let kind = |case: &str, lv: &str| match refusal(&group(case), lv) {
        Refusal::SegmentType {
            kind, lv: named, ..
        } if named == lv => kind,
        r => panic!("{case} {lv}: {r}"),
    };
    assert_eq!(kind("thin", "pool"), "thin-pool");
    assert_eq!(kind("thin", "thin1"), "thin");
    assert_eq!(kind("raid", "r1"), "raid1");
    assert_eq!(kind("raid", "r0"), "raid0");
    assert_eq!(kind("raid", "m1"), "mirror");
    assert_eq!(kind("raid", "snapshot0"), "snapshot");
    assert_eq!(kind("cache", "main"), "cache+CACHE_USES_CACHEVOL");
    assert_eq!(kind("cache", "wmain"), "writecache");
    assert_eq!(kind("cache", "ri_rimage_0"), "integrity");
    assert_eq!(kind("pvmove", "pvmove0"), "mirror");
    assert_eq!(
        refusal(&group("thin"), "thin1").to_string(),
        "logical volume vgthin/thin1 has the segment type thin, which only lvm2 can activate"
    );
}

/// Both look like plain linear volumes.
#[test]
fn a_snapshot_and_its_origin_are_refused() {
    let vg = group("raid");
    let Refusal::SnapshotOrigin { snapshot, .. } = refusal(&vg, "lin") else {
        panic!()
    };
    assert_eq!(snapshot, "snap");
    let Refusal::SnapshotCow { origin, .. } = refusal(&vg, "snap") else {
        panic!()
    };
    assert_eq!(origin, "lin");
    // Were it visible, as other versions write it, it would still be refused.
    let text = text("raid", "pv0.mda0.txt")
        .replace("id = \"s82KE7-f2XI-B1de-f9aa-MvQA-NUCb-hzSQ2U\"\nstatus = [\"READ\", \"WRITE\"]",
            "id = \"s82KE7-f2XI-B1de-f9aa-MvQA-NUCb-hzSQ2U\"\nstatus = [\"READ\", \"WRITE\", \"VISIBLE\"]");
    let visible = decode(text.as_bytes()).unwrap();
    assert!(visible.lv("snap").unwrap().is_visible());
    assert!(matches!(
        refusal(&visible, "snap"),
        Refusal::SnapshotCow { .. }
    ));
}

#[test]
fn a_merging_snapshot_is_a_snapshot() {
    let text = text("raid", "pv0.mda0.txt").replace("cow_store", "merging_store");
    let vg = decode(text.as_bytes()).unwrap();
    assert!(
        matches!(refusal(&vg, "lin"), Refusal::SnapshotOrigin { snapshot, .. } if snapshot == "snap")
    );
    assert!(matches!(refusal(&vg, "snap"), Refusal::SnapshotCow { .. }));
}

#[test]
fn parts_of_volumes_are_refused() {
    for (case, lv, by) in [
        ("raid", "r1_rimage_0", "r1"),
        ("raid", "r1_rmeta_1", "r1"),
        ("raid", "m1_mimage_0", "m1"),
        ("raid", "r0_rimage_1", "r0"),
        ("thin", "pool_tdata", "pool"),
        ("thin", "pool_tmeta", "pool"),
        ("cache", "main_corig", "main"),
        ("cache", "fast_cvol", "main"),
        ("cache", "wfast_cvol", "wmain"),
        ("cache", "ri_rimage_0_imeta", "ri_rimage_0"),
    ] {
        match refusal(&group(case), lv) {
            Refusal::PartOf { by: found, .. } => assert_eq!(found, by, "{case} {lv}"),
            r => panic!("{case} {lv}: {r}"),
        }
    }
    assert!(matches!(
        refusal(&group("thin"), "lvol0_pmspare"),
        Refusal::Hidden { .. }
    ));
}

#[test]
fn a_volume_under_pvmove_is_refused() {
    let r = refusal(&group("pvmove"), "x");
    assert_eq!(
        r.to_string(),
        "logical volume vgpm/x stands on the logical volume pvmove0: a pvmove is under way; \
         finish it or run pvmove --abort"
    );
}

#[test]
fn states_of_groups_and_volumes_are_refused() {
    assert!(matches!(
        refusal(&group("exported"), "x"),
        Refusal::Exported { .. }
    ));
    assert!(matches!(
        refusal(&group("extra"), "fixed"),
        Refusal::ActivationSkip { .. }
    ));
    let mut vg = group("single3");
    vg.lock_type = Some("sanlock".into());
    assert!(
        matches!(refusal(&vg, "root"), Refusal::Shared { manager, .. } if manager == "sanlock")
    );
    vg.lock_type = Some("none".into());
    assert!(map(&vg, "root").is_ok());
    vg.status.push("CLUSTERED".into());
    assert!(matches!(refusal(&vg, "root"), Refusal::Shared { .. }));
    let mut vg = group("single3");
    vg.lvs[0].status.push("LOCKED".into());
    assert!(matches!(refusal(&vg, "root"), Refusal::Status { status, .. } if status == "LOCKED"));
    assert!(map(&vg, "swap").is_ok());
    let mut vg = group("span2");
    vg.pvs[1].flags.push("MISSING".into());
    assert!(matches!(refusal(&vg, "big"), Refusal::MissingPv { .. }));
    assert!(map(&vg, "small").is_ok());
}

/// A flag that we do not know makes the type one that we do not know.
#[test]
fn unknown_segment_flags_are_refused() {
    let text = text("single3", "pv0.mda0.txt").replacen("\"striped\"", "\"striped+NEW\"", 1);
    let vg = decode(text.as_bytes()).unwrap();
    assert!(
        matches!(refusal(&vg, "root"), Refusal::SegmentType { kind, .. } if kind == "striped+NEW")
    );
    assert!(map(&vg, "swap").is_ok());
}

#[test]
fn contradictions_refuse_the_whole_group() {
    let text = text("single3", "pv0.mda0.txt").replacen("\"pv0\", 1024", "\"pv0\", 1000", 1);
    let vg = decode(text.as_bytes()).unwrap();
    for lv in ["root", "swap", "home"] {
        assert!(matches!(refusal(&vg, lv), Refusal::Problem { .. }), "{lv}");
    }
}

#[test]
fn a_missing_device_is_named() {
    let vg = group("span2");
    let only_first =
        |uuid: &ondisk::lvm::Uuid| (vg.pvs[0].id == *uuid).then_some(DevNo { major: 8, minor: 1 });
    assert!(vg.mapping(vg.lv("small").unwrap(), only_first).is_ok());
    let e = vg.mapping(vg.lv("big").unwrap(), only_first).unwrap_err();
    assert!(e.to_string().contains("last seen as /dev/loop1"), "{e}");
}

#[test]
fn another_hosts_group_is_read_and_said() {
    let text = text("single3", "pv0.mda0.txt").replacen(
        "extent_size",
        "system_id = \"otherhost\"\nextent_size",
        1,
    );
    let vg = decode(text.as_bytes()).unwrap();
    assert!(map(&vg, "root").is_ok());
    assert_eq!(vg.system_id.as_deref(), Some("otherhost"));
}
