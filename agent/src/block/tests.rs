// SPDX-License-Identifier: MIT OR Apache-2.0
//! A sysfs of files, as kernels lay it out, and what is read from it.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use super::*;

/// A disk of 1 GiB with this name.
pub(crate) fn sample(name: &str) -> BlockDevice {
    BlockDevice {
        name: name.into(),
        dev: DevNo { major: 8, minor: 0 },
        bytes: 1 << 30,
        read_only: false,
        logical_block_size: 512,
        parent: None,
        partition: None,
        model: None,
        serial: None,
        wwn: None,
        dm_name: None,
        dm_uuid: None,
        sysfs: Path::new("/sys/devices/pci0000:00").join(name),
    }
}

/// A sysfs with these files (path and content), devices linked into their class.
pub(crate) fn sysfs(files: &[(&str, &str)]) -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    fs::create_dir_all(root.path().join("class/block")).unwrap();
    for (path, content) in files {
        let path = root.path().join("devices").join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        if path.ends_with("dev") {
            let device = path.parent().unwrap();
            let name = device.file_name().unwrap();
            symlink(device, root.path().join("class/block").join(name)).unwrap();
        }
    }
    root
}

const DISK: &str = "pci0000:00/0000:00:05.0/host0/target0:0:0/0:0:0:0/block/sda";

pub(crate) fn one_disk() -> tempfile::TempDir {
    let at = |path: &str| format!("{DISK}/{path}");
    let owned = [
        (at("dev"), "8:0\n"),
        (at("size"), "16777216\n"),
        (at("ro"), "0\n"),
        (at("queue/logical_block_size"), "4096\n"),
        (at("queue/write_zeroes_max_bytes"), "2199023255040\n"),
        (at("device/vendor"), "VMware  \n"),
        (at("device/model"), "Virtual disk    \n"),
        (at("device/vpd_pg80"), "\0\u{1}\0\u{6} AB12 "),
        (at("sda10/dev"), "8:10\n"),
        (at("sda10/partition"), "10\n"),
        (at("sda10/start"), "4096\n"),
        (at("sda10/size"), "100\n"),
        (at("sda10/ro"), "1\n"),
        (at("sda2/dev"), "8:2\n"),
        (at("sda2/partition"), "2\n"),
        (at("sda2/start"), "2048\n"),
        (at("sda2/size"), "2048\n"),
        ("virtual/block/dm-0/dev".into(), "253:0\n"),
        ("virtual/block/dm-0/size".into(), "100\n"),
        ("virtual/block/dm-0/dm/name".into(), "vg-root\n"),
        ("virtual/block/dm-0/dm/uuid".into(), "LVM-abc\n"),
        ("pci0000:00/usb1/1-1/idVendor".into(), "46f4\n"),
        ("pci0000:00/usb1/1-1/serial".into(), "STICK\n"),
        (
            "pci0000:00/usb1/1-1/1-1:1.0/host1/block/sdb/dev".into(),
            "8:16\n",
        ),
        (
            "pci0000:00/0000:00:01.1/ata2/block/sr0/dev".into(),
            "11:0\n",
        ),
        (
            "pci0000:00/0000:00:01.1/ata2/block/sr0/size".into(),
            "2097151\n",
        ),
    ];
    let files: Vec<_> = owned
        .iter()
        .map(|(path, content)| (path.as_str(), *content))
        .collect();
    sysfs(&files)
}

#[test]
fn block_devices_of_a_machine() {
    let sys = one_disk();
    let devices = list(sys.path()).unwrap();
    let names: Vec<_> = devices.iter().map(|device| device.name.as_str()).collect();
    assert_eq!(names, ["dm-0", "sda", "sda2", "sda10", "sdb", "sr0"]);
    let disk = &devices[1];
    assert_eq!(disk.dev, DevNo { major: 8, minor: 0 });
    assert_eq!(disk.bytes, 8 << 30);
    assert_eq!(disk.logical_block_size, 4096);
    assert_eq!(disk.model.as_deref(), Some("VMware Virtual disk"));
    assert_eq!(disk.serial.as_deref(), Some("AB12"));
    assert_eq!(
        disk.describe(),
        "/dev/sda (8192 MiB, VMware Virtual disk, AB12)"
    );
    assert!(disk.is_disk() && !disk.is_virtual() && !disk.read_only);
    assert!(disk.makes_zeros() && !devices[0].makes_zeros());
    assert_eq!(disk.counters(), disk.sysfs.join("stat"));
    let part = &devices[3];
    assert_eq!(
        part.partition,
        Some(Partition {
            number: 10,
            start: 4096 * 512,
            length: 100 * 512,
        })
    );
    assert_eq!(part.parent.as_deref(), Some("sda"));
    assert_eq!(part.logical_block_size, 4096);
    assert!(part.read_only && !part.is_disk());
    assert_eq!(devices[0].dm_name.as_deref(), Some("vg-root"));
    assert_eq!(devices[0].dm_uuid.as_deref(), Some("LVM-abc"));
    assert!(devices[0].is_virtual() && !devices[0].is_disk());
    assert_eq!(devices[4].serial.as_deref(), Some("STICK"));
    assert!(!devices[5].is_disk());
}

#[test]
fn no_sysfs_is_an_error_and_no_disk_is_none() {
    let sys = sysfs(&[]);
    assert_eq!(list(sys.path()).unwrap(), []);
    let error = list(Path::new("/nowhere")).unwrap_err();
    assert!(
        error.to_string().contains("/nowhere/class/block"),
        "{error}"
    );
}

#[test]
fn what_is_a_disk() {
    let at = |path: &str, name: &str, more: &[(&str, &str)]| {
        let mut files = vec![(format!("{path}/{name}/dev"), "259:0\n")];
        files.push((format!("{path}/{name}/size"), "2048\n"));
        files.extend(
            more.iter()
                .map(|(p, text)| (format!("{path}/{name}/{p}"), *text)),
        );
        let files: Vec<_> = files.iter().map(|(p, text)| (p.as_str(), *text)).collect();
        let sys = sysfs(&files);
        let devices = list(sys.path()).unwrap();
        devices[0].clone()
    };
    let head = at("virtual/nvme-subsystem/nvme-subsys0", "nvme0n1", &[]);
    assert!(head.is_disk() && !head.is_virtual());
    for name in ["loop0", "ram0", "zram0", "md0", "dm-0"] {
        assert!(!at("virtual/block", name, &[]).is_disk(), "{name}");
    }
    assert!(!at("virtual/nvme-fabrics/ctl/nvme0", "nvme0n1", &[]).is_disk());
    let old = at("pci0000:00/0000:01:00.0", "cciss!c0d0", &[("ro", "1\n")]);
    assert!(old.is_disk() && old.read_only);
    assert_eq!(old.path(), Path::new("/dev/cciss/c0d0"));
}

/// Whatever stands in them, and however much of it.
#[test]
fn malformed_numbers_in_sysfs_do_no_harm() {
    for odd in ["", "-1\n", "99999999999999999999\n", "0x10", "\0", "8:"] {
        let at = |path: &str| format!("{DISK}/{path}");
        let names = [
            "size",
            "ro",
            "queue/logical_block_size",
            "device/vpd_pg80",
            "serial",
        ];
        let mut files: Vec<_> = names.iter().map(|name| (at(name), odd)).collect();
        files.push((at("dev"), "8:0\n"));
        files.push((at("sda1/dev"), odd));
        files.push((at("sda1/partition"), odd));
        let files: Vec<_> = files.iter().map(|(p, text)| (p.as_str(), *text)).collect();
        let sys = sysfs(&files);
        let devices = list(sys.path()).unwrap();
        assert_eq!((devices.len(), devices[0].bytes), (1, 0), "{odd:?}");
        assert!(!devices[0].is_disk());
    }
}

pub(crate) fn part(number: u32, start: u64, length: u64) -> Partition {
    Partition {
        number,
        start,
        length,
    }
}

#[test]
fn partitions_come_from_sysfs() {
    let sys = tempfile::tempdir().unwrap();
    let disk = sys.path().join("class/block/vda");
    for (name, number, start, size) in [
        ("vda2", "2\n", "4096\n", "8\n"),
        ("vda10", "10\n", "5000\n", "9\n"),
        ("vda1", "1\n", "34\n", "2048\n"),
    ] {
        let part = disk.join(name);
        fs::create_dir_all(&part).unwrap();
        fs::write(part.join("partition"), number).unwrap();
        fs::write(part.join("start"), start).unwrap();
        fs::write(part.join("size"), size).unwrap();
    }
    fs::create_dir(disk.join("queue")).unwrap();
    let want = [
        part(1, 34 * 512, 1 << 20),
        part(2, 4096 * 512, 4096),
        part(10, 2560000, 4608),
    ];
    assert_eq!(partitions(sys.path(), "vda").unwrap(), want);
    fs::write(disk.join("vda2/start"), "no\n").unwrap();
    let error = partitions(sys.path(), "vda").unwrap_err().to_string();
    assert!(error.contains("vda2/start"), "{error}");
}

#[test]
fn names_of_real_devices() {
    let of = |major, minor| name_of(Path::new(SYS), DevNo { major, minor });
    assert_eq!(of(7, 0).unwrap(), "loop0");
    assert!(of(4000, 7).is_err());
}

/// A /sys with sda (sda1, sda2) and dm or md devices on it.
pub(crate) fn stack(holders: &[(&str, &str)]) -> tempfile::TempDir {
    let tmp = tempfile::tempdir().unwrap();
    let block = tmp.path().join("devices");
    let disk = block.join("sda");
    for part in ["sda1", "sda2"] {
        fs::create_dir_all(disk.join(part).join("holders")).unwrap();
        fs::write(disk.join(part).join("partition"), "1\n").unwrap();
    }
    fs::create_dir_all(disk.join("holders")).unwrap();
    fs::create_dir_all(tmp.path().join("dev/block")).unwrap();
    symlink(&disk, tmp.path().join("dev/block/8:0")).unwrap();
    let dir = |name: &str| match name.strip_prefix("sda") {
        Some("") => disk.clone(),
        Some(_) => disk.join(name),
        None => block.join(name),
    };
    for (below, holder) in holders {
        let upper = block.join(holder);
        fs::create_dir_all(upper.join("holders")).unwrap();
        let n: u32 = holder[2..].trim_start_matches('-').parse().unwrap();
        fs::write(upper.join("dev"), format!("254:{n}\n")).unwrap();
        if holder.starts_with("dm") {
            fs::create_dir_all(upper.join("dm")).unwrap();
            fs::write(upper.join("dm/name"), format!("name{n}\n")).unwrap();
        }
        symlink(&upper, dir(below).join("holders").join(holder)).unwrap();
    }
    tmp
}

fn names(holders: &[(&str, &str)]) -> Vec<String> {
    let tmp = stack(holders);
    let list = stacked_on(tmp.path(), DevNo { major: 8, minor: 0 }).unwrap();
    list.into_iter()
        .map(|h| h.device.dm_name.unwrap_or(h.device.name))
        .collect()
}

#[test]
fn what_stands_on_top_comes_first() {
    assert!(names(&[]).is_empty());
    // dm-0 and dm-1 on a partition, dm-2 (crypt) on dm-0, dm-3 on dm-2 and dm-1.
    let got = names(&[
        ("sda1", "dm-0"),
        ("sda2", "dm-1"),
        ("dm-0", "dm-2"),
        ("dm-2", "dm-3"),
        ("dm-1", "dm-3"),
    ]);
    assert_eq!(got, ["name3", "name2", "name0", "name1"]);
}

#[test]
fn other_holders_are_named() {
    assert_eq!(names(&[("sda", "md0"), ("md0", "dm-1")]), ["name1", "md0"]);
}

#[test]
fn a_disk_that_is_not_there_is_an_error() {
    let tmp = stack(&[]);
    let e = stacked_on(tmp.path(), DevNo { major: 9, minor: 9 }).unwrap_err();
    assert!(e.to_string().contains("dev/block/9:9"), "{e}");
}

#[test]
fn walks_device_mapper_and_partitions_down_to_the_disks() {
    let sys = tempfile::tempdir().unwrap();
    let sys = sys.path();
    for dir in ["sda/sda1", "sda/sda2", "sdb", "dm-0/slaves", "dm-1/slaves"] {
        fs::create_dir_all(sys.join("devices").join(dir)).unwrap();
    }
    for part in ["sda/sda1/partition", "sda/sda2/partition"] {
        fs::write(sys.join("devices").join(part), "1\n").unwrap();
    }
    fs::create_dir_all(sys.join("dev/block")).unwrap();
    symlink("../../devices/dm-1", sys.join("dev/block/254:1")).unwrap();
    symlink("../../devices/sda/sda1", sys.join("dev/block/8:1")).unwrap();
    symlink("../../sda/sda2", sys.join("devices/dm-0/slaves/sda2")).unwrap();
    symlink("../../dm-0", sys.join("devices/dm-1/slaves/dm-0")).unwrap();
    let disks = |(major, minor)| {
        disks_below(sys, DevNo { major, minor })
            .unwrap()
            .into_iter()
            .collect::<Vec<_>>()
    };
    assert_eq!(disks((254, 1)), ["sda"]);
    assert_eq!(disks((8, 1)), ["sda"]);
    symlink("../../sdb", sys.join("devices/dm-1/slaves/sdb")).unwrap();
    assert_eq!(disks((254, 1)), ["sda", "sdb"]);
    assert_eq!(
        name_of(
            sys,
            DevNo {
                major: 254,
                minor: 1
            }
        )
        .unwrap(),
        "dm-1"
    );
    // A partition of an md array of two disks, and a volume on such an array.
    for dir in ["md0/md0p1", "md0/slaves", "dm-2/slaves"] {
        fs::create_dir_all(sys.join("devices").join(dir)).unwrap();
    }
    fs::write(sys.join("devices/md0/md0p1/partition"), "1\n").unwrap();
    symlink("../../sda/sda1", sys.join("devices/md0/slaves/sda1")).unwrap();
    symlink("../../devices/md0/md0p1", sys.join("dev/block/259:0")).unwrap();
    assert_eq!(disks((259, 0)), ["sda"]);
    symlink("../../sdb", sys.join("devices/md0/slaves/sdb")).unwrap();
    symlink("../../md0", sys.join("devices/dm-2/slaves/md0")).unwrap();
    symlink("../../devices/dm-2", sys.join("dev/block/254:2")).unwrap();
    assert_eq!(disks((259, 0)), ["sda", "sdb"]);
    assert_eq!(disks((254, 2)), ["sda", "sdb"]);
    // An array that holds itself, by a sysfs that lies, is walked once.
    symlink("../../md0", sys.join("devices/md0/slaves/md0")).unwrap();
    assert_eq!(disks((259, 0)), ["sda", "sdb"]);
    assert!(disks_below(sys, DevNo { major: 9, minor: 9 }).is_err());
}
