// SPDX-License-Identifier: MIT OR Apache-2.0
//! Labels, areas, texts and reports.

use std::collections::BTreeMap;

use ondisk::lvm::{
    Area, Label, LabelError, MdaError, MdaHeader, MdaState, SegmentKind, Uuid, decode, encode,
};

use super::fixture::{GROUPS, NO_GROUP, devices, group, report, text, texts};

/// The line after `prefix`, up to `end`.
fn after<'a>(text: &'a str, prefix: &str, end: &str) -> &'a str {
    let rest = &text[text.find(prefix).unwrap() + prefix.len()..];
    &rest[..rest.find(end).unwrap()]
}

#[test]
fn every_text_is_found_and_whole() {
    for case in GROUPS {
        let mut found = Vec::new();
        for device in devices(case) {
            let Ok(Some(pv)) = device.try_pv() else {
                continue;
            };
            assert_eq!(pv.damage().count(), 0, "{case}");
            found.extend(pv.groups().cloned());
        }
        let want = texts(case);
        assert_eq!(found.len(), want.len(), "{case}");
        for (vg, text) in found.iter().zip(want) {
            assert_eq!(*vg, decode(text.as_bytes()).unwrap(), "{case}");
            assert_eq!(vg.problems(), [], "{case}");
        }
    }
}

#[test]
fn devices_without_a_group_have_no_text() {
    for case in NO_GROUP {
        let [device] = devices(case).try_into().ok().unwrap();
        let pv = device.try_pv().unwrap();
        match *case {
            "pvremoved" | "pvremove_ff" => assert_eq!(pv, None, "{case}"),
            _ => {
                let pv = pv.unwrap();
                assert_eq!(pv.areas[0].state, MdaState::Empty, "{case}");
                assert!(!pv.label.is_used(), "{case}");
            }
        }
    }
}

#[test]
fn labels_agree_with_pvs() {
    for case in GROUPS.iter().chain(NO_GROUP) {
        let rows = report(case, "pvs.json");
        let mut seen = 0;
        for (n, device) in devices(case).iter().enumerate() {
            let Ok(Some(pv)) = device.try_pv() else {
                continue;
            };
            let row = rows
                .iter()
                .find(|r| r["pv_uuid"] == pv.label.uuid.to_string())
                .unwrap_or_else(|| panic!("{case}: pv{n}"));
            seen += 1;
            let number = |key: &str| row[key].parse::<u64>().unwrap();
            assert_eq!(row["pv_name"], format!("/dev/loop{n}"));
            assert_eq!(number("dev_size") * 512, device.size);
            assert_eq!(pv.label.device_size, device.size);
            assert_eq!(number("pe_start") * 512, pv.label.data_areas[0].offset);
            assert_eq!(number("pv_ext_vsn"), u64::from(pv.label.extension_version));
            assert_eq!(row["pv_in_use"] == "used", pv.label.is_used());
            assert_eq!(number("pv_mda_count"), pv.areas.len() as u64);
            let used = pv
                .areas
                .iter()
                .filter(|a| a.state != MdaState::Ignored)
                .count();
            assert_eq!(number("pv_mda_used_count"), used as u64);
            let ba = pv.label.bootloader_areas.first().copied();
            let Area { offset, size } = ba.unwrap_or(Area { offset: 0, size: 0 });
            assert_eq!(
                (number("pv_ba_start") * 512, number("pv_ba_size") * 512),
                (offset, size)
            );
            if row["vg_name"].is_empty() {
                continue;
            }
            let vg = group(case);
            let own = vg.pvs.iter().find(|p| p.id == pv.label.uuid).unwrap();
            assert_eq!(number("pv_pe_count"), own.pe_count, "{case}");
            assert_eq!(number("pe_start"), own.pe_start, "{case}");
            let exported = own.status.iter().any(|s| s == "EXPORTED");
            assert_eq!(row["pv_exported"] == "exported", exported, "{case}");
            assert_eq!(
                vg.device_problems(own, &pv.label, device.size),
                [],
                "{case}"
            );
        }
        assert_eq!(seen, rows.len(), "{case}");
    }
}

#[test]
fn groups_agree_with_vgs() {
    for case in GROUPS {
        let rows = report(case, "vgs.json");
        let [row] = rows.as_slice() else {
            panic!("{case}")
        };
        let vg = group(case);
        let number = |key: &str| row[key].parse::<u64>().unwrap();
        assert_eq!(row["vg_name"], vg.name);
        assert_eq!(Uuid::parse(&row["vg_uuid"]).unwrap(), vg.id);
        assert_eq!(number("vg_seqno"), u64::from(vg.seqno));
        assert_eq!(number("vg_extent_size"), vg.extent_size);
        assert_eq!(number("pv_count"), vg.pvs.len() as u64);
        assert_eq!(
            number("vg_extent_count"),
            vg.pvs.iter().map(|p| p.pe_count).sum::<u64>()
        );
        assert_eq!(row["vg_tags"], vg.tags.join(","));
        assert_eq!(row["vg_exported"] == "exported", vg.is_exported(), "{case}");
        let snapshot =
            |k: &SegmentKind| matches!(k, SegmentKind::Other { name, .. } if name == "snapshot");
        let visible = vg.lvs.iter().filter(|l| l.is_visible());
        let real = visible.filter(|l| !snapshot(&l.segments[0].kind)).count() as u64;
        // A snapshot's store counts, although its text does not call it visible.
        assert_eq!(number("lv_count"), real + number("snap_count"), "{case}");
    }
}

#[test]
fn volumes_agree_with_lvs() {
    for case in GROUPS.iter().filter(|c| **c != "exported") {
        let vg = group(case);
        let rows = report(case, "lvs.json");
        // One row for each segment, named after its devices.
        let links = vg
            .lvs
            .iter()
            .filter(|l| l.name.starts_with("snapshot"))
            .count();
        let segments: usize = vg.lvs.iter().map(|l| l.segments.len()).sum();
        assert_eq!(rows.len(), segments - links, "{case}");
        let mut nth = BTreeMap::new();
        for row in &rows {
            let name = row["lv_name"].trim_matches(['[', ']']);
            let lv = vg.lv(name).unwrap_or_else(|| panic!("{case}: {name}"));
            assert_eq!(row["lv_uuid"], lv.id.to_string());
            assert_eq!(
                row["lv_size"],
                (lv.extents() * vg.extent_size).to_string(),
                "{case} {name}"
            );
            assert_eq!(row["seg_count"], lv.segments.len().to_string());
            let n = nth.entry(name).and_modify(|n| *n += 1).or_insert(0usize);
            let segment = &lv.segments[*n].kind;
            let kind = match segment {
                SegmentKind::Striped { stripes, .. } if stripes.len() == 1 => "linear",
                SegmentKind::Striped { .. } => "striped",
                SegmentKind::Zero => "zero",
                SegmentKind::Error => "error",
                SegmentKind::Other { name, .. } => name.split('+').next().unwrap(),
            };
            assert_eq!(row["segtype"], kind, "{case} {name}");
            if let SegmentKind::Striped { stripes, .. } = segment {
                let leg = |s: &ondisk::lvm::Stripe| match s
                    .on
                    .strip_prefix("pv")
                    .map(str::parse::<u32>)
                {
                    Some(Ok(n)) => format!("/dev/loop{n}({})", s.extent),
                    _ => format!("{}({})", s.on, s.extent),
                };
                let legs: Vec<String> = stripes.iter().map(leg).collect();
                assert_eq!(row["devices"], legs.join(","), "{case} {name}");
            }
        }
    }
}

/// Byte for byte, for groups of volumes that we make; in meaning for the others.
#[test]
fn texts_are_written_as_lvm2_writes_them() {
    for case in GROUPS {
        for text in texts(case) {
            let vg = decode(text.as_bytes()).unwrap();
            assert_eq!(decode(&encode(&vg)).unwrap(), vg, "{case}");
            let other = |l: &ondisk::lvm::LogicalVolume| {
                l.segments
                    .iter()
                    .any(|s| matches!(s.kind, SegmentKind::Other { .. }))
            };
            if vg.lvs.iter().any(other) {
                continue;
            }
            let mut full = vg.clone();
            full.origin.generator = after(&text, "# Generated by ", ": ").to_owned();
            full.origin.host_comment = after(&text, "\"\t# ", "\n").to_owned();
            let written = String::from_utf8(encode(&full)).unwrap();
            assert_eq!(written, text, "{case}");
        }
    }
}

#[test]
fn the_backup_form_means_the_same() {
    for case in GROUPS {
        let vg = group(case);
        let mut backup = decode(text(case, &format!("backup.{}.txt", vg.name)).as_bytes()).unwrap();
        backup.origin = vg.origin.clone();
        assert_eq!(backup, vg, "{case}");
    }
}

#[test]
fn labels_and_headers_are_written_as_lvm2_writes_them() {
    let mut labels = 0;
    for case in GROUPS.iter().chain(NO_GROUP) {
        for device in devices(case) {
            let Ok(Some(pv)) = device.try_pv() else {
                continue;
            };
            labels += 1;
            assert_eq!(
                pv.label.encode().unwrap()[..],
                device.head[512..1024],
                "{case}"
            );
            for area in &pv.areas {
                let header = area.header.unwrap();
                assert_eq!(
                    header.encode()[..],
                    device.read(area.area.offset, 512),
                    "{case}"
                );
            }
        }
    }
    assert_eq!(labels, 24);
}

/// Bytes of one label and header, spelled out.
#[test]
fn offsets_are_those_of_the_format() {
    let head = &devices("single3")[0].head;
    let pv = devices("single3")[0].pv();
    assert_eq!(
        pv.label.uuid.to_string(),
        "6UptPU-03J6-7xFo-nqv0-01Mh-yTb3-VO5ptC"
    );
    assert_eq!(
        pv.label.metadata_areas,
        [Area {
            offset: 4096,
            size: 1044480
        }]
    );
    assert_eq!(
        (pv.label.extension_version, pv.label.extension_flags),
        (2, 1)
    );
    assert_eq!(head[528..532], [0x8d, 0xa2, 0xf1, 0xdf]);
    let slot = pv.areas[0].header.unwrap().committed;
    assert_eq!((slot.offset, slot.size, slot.crc), (4608, 1613, 0x59e7615e));
    let wrap = devices("wrap")[0].pv().areas[0].header.unwrap().committed;
    assert_eq!((wrap.offset, wrap.size), (1037312, 8489));
}

#[test]
fn a_label_counts_in_each_of_four_sectors() {
    let label = devices("single3")[0].pv().label;
    let mut head = vec![0u8; 2048];
    for sector in [3u64, 2, 0] {
        let moved = Label {
            sector,
            ..label.clone()
        };
        let at = sector as usize * 512;
        head[at..at + 512].copy_from_slice(&moved.encode().unwrap());
        // The first valid one counts.
        assert_eq!(Label::find(&head).unwrap().unwrap().sector, sector);
    }
    head[20] ^= 1;
    assert_eq!(Label::find(&head).unwrap().unwrap().sector, 2);
    let mut four = vec![0u8; 2560];
    four[2048..].copy_from_slice(&Label { sector: 4, ..label }.encode().unwrap());
    assert_eq!(Label::find(&four), Ok(None));
}

#[test]
fn damaged_labels_are_errors_that_name_the_sector() {
    let good = devices("single3").remove(0);
    let mut bad = good.clone();
    bad.head[600] ^= 1;
    let e = bad.try_pv().unwrap_err();
    assert!(matches!(e, LabelError::Crc { sector: 1, .. }), "{e}");
    let mut moved = good.clone();
    moved.head.copy_within(512..1024, 1024);
    moved.head[512..1024].fill(0);
    assert_eq!(
        moved.try_pv(),
        Err(LabelError::Misplaced { sector: 2, own: 1 })
    );
}

#[test]
fn damaged_metadata_is_reported_and_the_other_copy_counts() {
    let mut device = devices("mda2").remove(0);
    let slot = device.pv().areas[0].header.unwrap().committed;
    device.head[(4096 + slot.offset + 10) as usize] ^= 0x20;
    let pv = device.pv();
    assert!(matches!(
        pv.damage().next(),
        Some(MdaError::TextCrc { start: 4096, .. })
    ));
    assert_eq!(pv.groups().count(), 1);
    let mut header = devices("mda2").remove(0);
    header.head[4100] ^= 1;
    assert!(matches!(
        header.pv().damage().next(),
        Some(MdaError::HeaderCrc { start: 4096, .. })
    ));
}

/// What a header says about the place of its text is not trusted.
#[test]
fn impossible_places_are_refused() {
    let device = devices("single3").remove(0);
    let good = device.pv().areas[0].header.unwrap();
    for (offset, size) in [
        (100, 10),
        (512, 0x7fff_ffff_ffff),
        (2_000_000, 10),
        (512, 1044480),
        (u64::MAX, 2),
    ] {
        let mut header = MdaHeader { ..good };
        header.committed.offset = offset;
        header.committed.size = size;
        let mut bad = device.clone();
        bad.write(4096, &header.encode());
        let pv = bad.pv();
        let e = pv.damage().next().unwrap();
        assert!(
            matches!(e, MdaError::Location { .. }),
            "{offset} {size}: {e}"
        );
    }
    for (start, size) in [(8192, 1044480), (4096, 100), (4096, u64::MAX)] {
        let mut bad = device.clone();
        bad.write(
            4096,
            &MdaHeader {
                start,
                size,
                ..good
            }
            .encode(),
        );
        assert!(
            matches!(bad.pv().damage().next(), Some(MdaError::Header { .. })),
            "{start}"
        );
    }
}

#[test]
fn what_lvm2_refuses_is_refused() {
    let text = text("single3", "pv0.mda0.txt");
    let change = |from: &str, to: &str| {
        assert!(text.contains(from), "{from}");
        decode(text.replacen(from, to, 1).as_bytes()).map(|vg| vg.problems())
    };
    let error = |from: &str, to: &str| change(from, to).unwrap_err().to_string();
    assert_eq!(
        error("\"RESIZEABLE\"", "\"RESIZEABLE\", \"NEVERHEARD\""),
        "LVM metadata, volume group vg0: unknown status \"NEVERHEARD\": made by a newer lvm2"
    );
    assert_eq!(
        error("segment_count = 1", "segment_count = 2"),
        "LVM metadata, logical volume root: 2 segments are announced, 1 are there"
    );
    assert!(error("seqno = 4", "").contains("\"seqno\" is missing"));
    assert!(error("version = 1", "version = 2").contains("\"version\""));
    assert!(error("extent_size = 8192", "extent_size = 0").contains("extent_size"));
    assert!(error("id = \"6UptPU", "id = \"6Upt/U").contains("identifier"));
    assert_eq!(
        change("\"pv0\", 1024", "\"pv0\", 1000").unwrap()[0].to_string(),
        "logical volumes root and swap both use extent 1000 of pv0"
    );
    assert_eq!(
        change("\"pv0\", 1280", "\"pv0\", 1281").unwrap()[0].to_string(),
        "logical volume home ends at extent 2560 of pv0, which has 2559"
    );
    assert!(
        change("\"pv0\", 1280", "\"pv7\", 0").unwrap()[0]
            .to_string()
            .contains("\"pv7\"")
    );
    assert!(
        change("start_extent = 0", "start_extent = 5").unwrap()[0]
            .to_string()
            .contains("begins at extent 5")
    );
    assert!(
        !change("extent_count = 1024", "extent_count = 9223372036854775807")
            .unwrap()
            .is_empty()
    );
    // Unknown keys and compatible flags mean nothing.
    assert_eq!(
        change("metadata_copies = 0\n", "metadata_copies = 0\nfancy = 7\n").unwrap(),
        []
    );
    assert_eq!(
        change("flags = []", "flags = [\"NEVERHEARD\"]").unwrap(),
        []
    );
    // Of two values the first counts.
    assert_eq!(
        change("max_pv = 0\n", "max_pv = 0\nmax_pv = 5\n").unwrap(),
        []
    );
}

/// lvm2 does not see that a device is smaller than its volume.
#[test]
fn a_device_that_is_too_small_is_seen() {
    let device = devices("single3").remove(0);
    let vg = group("single3");
    let label = device.pv().label;
    let end = (2048 + 2559 * 8192) * 512;
    assert_eq!(vg.device_problems(&vg.pvs[0], &label, end), []);
    let problem = vg.device_problems(&vg.pvs[0], &label, end - 1).remove(0);
    assert!(problem.to_string().contains("cut short"), "{problem}");
    let mut low = vg.clone();
    low.pvs[0].pe_start = 100;
    let problem = low
        .device_problems(&low.pvs[0], &label, device.size)
        .remove(0);
    assert!(
        problem
            .to_string()
            .contains("overlap the metadata area at byte 4096"),
        "{problem}"
    );
}
