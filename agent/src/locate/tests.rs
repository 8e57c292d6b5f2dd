// SPDX-License-Identifier: MIT OR Apache-2.0
//! Which root is found among others, and which questions stay open.

use super::*;
use ondisk::lvm::GroupProblem;
use std::process::Command;
use testkit::{Loop, sparse, tool};

fn block(name: &str, parent: Option<&str>) -> BlockDevice {
    let place = match name.starts_with("sd") {
        true => "pci0000:00",
        false => "virtual/block",
    };
    BlockDevice {
        parent: parent.map(String::from),
        partition: parent.map(|_| crate::block::Partition {
            number: 1,
            start: 1 << 20,
            length: 1 << 20,
        }),
        dm_name: name.starts_with("dm").then(|| "vg-root".into()),
        dm_uuid: name.starts_with("dm").then(|| "LVM-GROUPvolume".into()),
        sysfs: Path::new("/sys/devices").join(place).join(name),
        ..crate::block::tests::sample(name)
    }
}

#[test]
fn a_disk_with_partitions_is_no_physical_volume() {
    let blocks = [
        block("sda", None),
        block("sda1", Some("sda")),
        block("sdb", None),
        block("md0", None),
        block("dm-0", None),
    ];
    let found = lvm_devices(&blocks);
    let nodes: Vec<_> = found.iter().map(|d| d.to_string()).collect();
    assert_eq!(nodes, ["/dev/sda1", "/dev/sdb", "/dev/md0"]);
}

#[test]
fn only_one_real_disk_that_takes_writes_will_do() {
    let mut blocks = [block("sda", None), block("sdb", None), block("loop0", None)];
    let of = |blocks: &[BlockDevice], names: &[&str]| {
        let names = names.iter().map(|n| n.to_string()).collect();
        only_disk(blocks, names, Path::new("/dev/dm-0")).map_err(|e| e.to_string())
    };
    assert_eq!(of(&blocks, &["sdb"]).unwrap().name, "sdb");
    for names in [&[][..], &["loop0"], &["sdz"]] {
        let error = of(&blocks, names).unwrap_err();
        assert!(error.starts_with("/dev/dm-0 lies on no disk"), "{error}");
    }
    let error = of(&blocks, &["sda", "sdb"]).unwrap_err();
    let words = "/dev/dm-0 lies on 2 disks (sda, sdb); replant needs a machine whose system \
                 is on one disk: look with lsblk -s /dev/dm-0, and ";
    assert!(error.starts_with(words), "{error}");
    blocks[0].read_only = true;
    let error = of(&blocks, &["sda"]).unwrap_err();
    assert!(
        error.starts_with("/dev/sda (1024 MiB) is read-only; "),
        "{error}"
    );
}

fn trouble(prefix: &str) -> Trouble {
    let problem = GroupProblem::Conflict {
        device: block("sdb", None),
    };
    let error = LvmError::Group {
        vg: "vg".into(),
        problem: Box::new(problem),
    };
    let prefix = prefix.into();
    Trouble { prefix, error }
}

#[test]
fn a_group_that_cannot_be_used_counts_for_its_own_volumes() {
    let spec = RootSpec::Label("root".into());
    let ext4 = Content {
        kind: "ext4".into(),
        ..Content::default()
    };
    let (volume, part) = (block("dm-0", None), block("sda1", Some("sda")));
    let judge = |devices: &[&BlockDevice], troubles| {
        let matches: Vec<_> = devices.iter().map(|b| (*b, ext4.clone())).collect();
        super::judge(&matches, troubles, &spec)
    };
    let other = || vec![trouble("LVM-OTHER")];
    let own = || vec![trouble("LVM-OTHER"), trouble("LVM-GROUP")];
    assert!(matches!(judge(&[], vec![]), Ok(Outcome::Nothing)));
    assert!(matches!(judge(&[], other()), Ok(Outcome::Blocked(_))));
    assert!(matches!(judge(&[&volume], other()), Ok(Outcome::Root(_))));
    assert!(matches!(judge(&[&part], own()), Ok(Outcome::Root(_))));
    assert!(matches!(
        judge(&[&volume], own()),
        Err(Error::Lvm(LvmError::Group { .. }))
    ));
    assert!(matches!(
        judge(&[&volume, &part], vec![]),
        Err(Error::Ambiguous { .. })
    ));
    // What is no group's fault is told at the end.
    let taken = LvmError::NodeTaken {
        path: "/dev/vg".into(),
    };
    let node = Trouble {
        prefix: "LVM-GROUP".into(),
        error: taken,
    };
    assert!(matches!(
        judge(&[], vec![node]),
        Err(Error::Lvm(LvmError::NodeTaken { .. }))
    ));
}

#[test]
fn the_name_of_a_partition_is_in_its_table() {
    testkit::needs!("root", "sfdisk", "partx");
    let dir = tempfile::tempdir().unwrap();
    let image = dir.path().join("disk");
    for label in ["gpt", "dos"] {
        sparse(&image, 64 << 20);
        let script = format!("label: {label}\nsize=8M\nsize=8M\n");
        std::fs::write(dir.path().join("script"), script).unwrap();
        let script = std::fs::File::open(dir.path().join("script")).unwrap();
        let mut sfdisk = Command::new("sfdisk");
        let made = sfdisk.arg("-q").arg(&image).stdin(script).status();
        assert!(made.unwrap().success());
        let device = Loop::new(&image);
        let blkid = |number| tool("partx", &["-g", "-o", "UUID", "-n", number, device.name()]);
        let theirs = [blkid("1"), blkid("2")];
        drop(device);
        let table = table::read(&Disk::open(&image).unwrap()).unwrap();
        let ours = |number| table_uuid(&table, number).unwrap().to_ascii_lowercase();
        assert_eq!([ours(1), ours(2)], theirs);
    }
}
