// SPDX-License-Identifier: MIT OR Apache-2.0
//! Ways through a sysfs that was made for it, with tables as the kernel writes
//! them.

use super::*;
use crate::block;

/// sda with a primary and a logical partition, sdb, and maps.
fn sysfs() -> tempfile::TempDir {
    let disk = "pci0000:00/host0/block";
    let at = |path: &str| format!("{disk}/{path}");
    let files = [
        (at("sda/dev"), "8:0\n"),
        (at("sda/size"), "131072\n"),
        (at("sda/sda1/dev"), "8:1\n"),
        (at("sda/sda1/partition"), "1\n"),
        (at("sda/sda1/start"), "2048\n"),
        (at("sda/sda1/size"), "10000\n"),
        (at("sda/sda5/dev"), "8:5\n"),
        (at("sda/sda5/partition"), "5\n"),
        (at("sda/sda5/start"), "20063\n"),
        (at("sda/sda5/size"), "10000\n"),
        (at("sdb/dev"), "8:16\n"),
        (at("sdb/size"), "100000\n"),
        ("virtual/block/dm-0/dev".into(), "253:0\n"),
        ("virtual/block/dm-0/size".into(), "16000\n"),
        ("virtual/block/dm-0/dm/name".into(), "vg-root\n"),
        ("virtual/block/dm-1/dev".into(), "253:1\n"),
        ("virtual/block/dm-1/size".into(), "100\n"),
        ("virtual/block/dm-1/dm/name".into(), "upper\n"),
        ("virtual/block/md0/dev".into(), "9:0\n"),
        ("virtual/block/md0/size".into(), "100\n"),
        ("virtual/block/loop3/dev".into(), "7:3\n"),
        ("virtual/block/loop3/size".into(), "100\n"),
    ];
    let files: Vec<_> = files
        .iter()
        .map(|(path, text)| (path.as_str(), *text))
        .collect();
    block::tests::sysfs(&files)
}

fn line(text: &str) -> TableLine {
    let words: Vec<&str> = text.splitn(4, ' ').collect();
    TableLine {
        start: words[0].parse().unwrap(),
        length: words[1].parse().unwrap(),
        kind: words[2].into(),
        params: words[3].into(),
    }
}

/// The table of vg-root; `upper` lies on it.
fn table(root: &[&str]) -> impl FnMut(&str) -> Result<Vec<TableLine>, DmError> {
    let lines: Vec<TableLine> = root.iter().map(|text| line(text)).collect();
    move |name| {
        Ok(match name {
            "vg-root" => lines.clone(),
            _ => vec![line("0 100 linear 253:0 40")],
        })
    }
}

fn follow(top: &str, root: &[&str]) -> Result<Mapping, String> {
    let (sys, disk) = (sysfs(), DevNo { major: 8, minor: 0 });
    let mapping = Mapping::to(sys.path(), &mut table(root), top.parse().unwrap(), disk);
    mapping.map_err(|e| e.to_string())
}

/// Down to whatever disk of the sample that is.
pub(crate) fn down(top: &str, root: &[&str]) -> Result<Mapping, NoMapping> {
    Mapping::down(sysfs().path(), &mut table(root), top.parse().unwrap())
}

fn on_disk(mapping: &Mapping, lba: u64, sectors: u64) -> Result<Vec<(u64, u64)>, String> {
    let found = mapping
        .on_disk(Run { lba, sectors })
        .map_err(|e| e.to_string())?;
    Ok(found.iter().map(|run| (run.lba, run.sectors)).collect())
}

#[test]
fn partitions_and_disks() {
    let on = |top, lba, sectors| on_disk(&follow(top, &[]).unwrap(), lba, sectors);
    assert_eq!(on("8:0", 7, 9), Ok(vec![(7, 9)]));
    assert_eq!(on("8:1", 8, 16), Ok(vec![(2056, 16)]));
    // A logical partition has its place on the disk in sysfs, too.
    assert_eq!(on("8:5", 8, 16), Ok(vec![(20_071, 16)]));
    assert!(on("8:1", 9999, 2).unwrap_err().contains("beyond its end"));
    assert!(on("8:0", 131_071, 2).unwrap_err().contains("the disk"));
    assert!(on("8:0", u64::MAX, 2).is_err());
}

#[test]
fn maps_on_maps_on_partitions() {
    let root = ["0 64 linear 8:1 384", "64 128 striped 2 16 8:5 1 8:1 1000"];
    let mapping = follow("253:1", &root).unwrap();
    // Sectors 10..46 of upper are 50..86 of the root.
    assert_eq!(
        on_disk(&mapping, 10, 36),
        Ok(vec![(2048 + 384 + 50, 14), (20_064, 16), (3048, 6),])
    );
    assert!(on_disk(&mapping, 99, 2).unwrap_err().contains("upper"));
}

#[test]
fn what_cannot_be_followed_is_named() {
    for (top, root, words) in [
        (
            "253:0",
            "0 8 crypt x",
            "vg-root, which is a device-mapper target of type crypt",
        ),
        ("253:0", "0 8 thin 253:4 1", "of type thin"),
        (
            "253:0",
            "0 8 snapshot-origin 8:1",
            "of type snapshot-origin",
        ),
        ("253:0", "0 8 zero ", "of type zero"),
        ("253:0", "0 8 linear 8:1", "cannot be read"),
        (
            "253:0",
            "0 8 linear 8:16 0",
            "lies on sdb, which is not the disk sda",
        ),
        ("8:16", "", "lies on sdb"),
        ("253:0", "0 8 linear 9:0 0", "md0, which is software RAID"),
        ("7:3", "", "loop3, which is a loop device"),
        ("0:44", "", "0:44, which is no block device"),
        (
            "253:0",
            "0 8 linear 253:9 0",
            "253:9, which is no block device",
        ),
    ] {
        let root: Vec<&str> = [root].into_iter().filter(|t| !t.is_empty()).collect();
        let error = follow(top, &root).unwrap_err();
        assert!(error.contains(words), "{error}");
    }
    let error = follow("253:0", &[]).unwrap_err();
    assert!(
        error.contains("vg-root, which is a device-mapper map without"),
        "{error}"
    );
    // A map on itself, which the kernel has not, ends.
    let mapping = follow("253:1", &["0 900 linear 253:1 0"]).unwrap();
    assert!(
        on_disk(&mapping, 0, 1)
            .unwrap_err()
            .contains("lies on itself")
    );
}

#[test]
fn without_a_disk_it_is_the_one_that_is_found() {
    for (top, root) in [("8:0", ""), ("8:5", ""), ("253:1", "0 900 linear 8:1 0")] {
        let root: Vec<&str> = [root].into_iter().filter(|t| !t.is_empty()).collect();
        assert_eq!(down(top, &root).unwrap(), follow(top, &root).unwrap());
    }
    let error = |top, root: &[&str]| down(top, root).unwrap_err().to_string();
    let two = error("253:0", &["0 8 linear 8:1 0", "8 8 linear 8:16 0"]);
    assert!(two.starts_with("a part of it lies on sd"), "{two}");
    let round = error("253:1", &["0 900 linear 253:1 0"]);
    assert!(round.contains("lies on itself"), "{round}");
    // A loop device has no device below it, a RAID has.
    assert_eq!(on_disk(&down("7:3", &[]).unwrap(), 9, 1), Ok(vec![(9, 1)]));
    let sys = sysfs();
    let slaves = sys.path().join("devices/virtual/block/md0/slaves/sda1");
    std::fs::create_dir_all(slaves).unwrap();
    let dev = DevNo { major: 9, minor: 0 };
    let raid = Mapping::down(sys.path(), &mut table(&[]), dev).unwrap_err();
    assert_eq!(raid.to_string(), "it lies on md0, which is software RAID");
}

#[test]
fn a_map_before_it_is_made_lies_where_it_will() {
    let of = |lines: &[&str]| {
        let targets: Vec<_> = lines.iter().map(|text| line(text)).collect();
        let targets: Vec<_> = targets
            .iter()
            .map(|line| Target {
                start: line.start,
                length: line.length,
                kind: TargetKind::parse(&line.kind, &line.params).unwrap(),
            })
            .collect();
        let root = &mut table(&["0 64 linear 8:1 384"]);
        Mapping::of_map(sysfs().path(), root, "vg-new", &targets).map_err(|e| e.to_string())
    };
    let mapping = of(&["0 8 linear 8:5 16", "8 8 linear 253:0 4"]).unwrap();
    assert_eq!(
        on_disk(&mapping, 4, 8),
        Ok(vec![(20_063 + 20, 4), (2048 + 388, 4)])
    );
    assert!(on_disk(&mapping, 15, 2).unwrap_err().contains("vg-new has"));
    for (lines, words) in [
        (&["0 8 linear 8:1 0", "8 8 zero "][..], "vg-new, which is"),
        (&[], "vg-new, which is a device-mapper map without"),
        (&["0 8 linear 8:1 0", "8 8 linear 8:16 0"], "not the disk"),
        (&["0 8 linear 8:9 0"], "8:9, which is no block device"),
    ] {
        let error = of(lines).unwrap_err();
        assert!(error.contains(words), "{error}");
    }
}

#[test]
fn a_file_is_its_own_disk() {
    let mapping = Mapping::of_file(1025);
    assert_eq!(on_disk(&mapping, 1, 2), Ok(vec![(1, 2)]));
    assert!(on_disk(&mapping, 2, 2).unwrap_err().contains("beyond"));
}
