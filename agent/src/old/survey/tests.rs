// SPDX-License-Identifier: MIT OR Apache-2.0
//! Which file system holds a path, and which roots and /boots are refused.

use super::*;
use crate::machine::parse_mounts;

#[test]
fn the_file_system_that_holds_a_path() {
    let mounts = parse_mounts(
        "1 0 0:1 / / rw - rootfs rootfs rw\n2 0 254:0 / / rw - ext4 /dev/mapper/a rw\n\
         3 2 8:1 / /boot rw - xfs /dev/sda1 rw\n4 2 8:2 / /bootstrap rw - xfs /dev/sda2 rw\n",
    );
    let source = |path: &str| holding(&mounts, Path::new(path)).unwrap().source.clone();
    assert_eq!(source("/"), "/dev/mapper/a");
    assert_eq!(source("/etc/upd"), "/dev/mapper/a");
    assert_eq!(source("/boot"), "/dev/sda1");
    assert_eq!(source("/boot/grub/grubenv"), "/dev/sda1");
    assert!(holding(&[], Path::new("/")).is_err());
}

#[test]
fn a_file_system_without_a_uuid_is_named_by_its_node() {
    let sys = tempfile::tempdir().unwrap();
    let device = sys.path().join("devices/cciss!c0d9/cciss!c0d9p1");
    std::fs::create_dir_all(&device).unwrap();
    std::fs::create_dir_all(sys.path().join("dev/block")).unwrap();
    std::os::unix::fs::symlink(&device, sys.path().join("dev/block/104:145")).unwrap();
    let mount = parse_mounts("2 0 104:145 / / rw - ext4 /dev/root rw\n").remove(0);
    // Why it cannot be read is said, and that is no refusal.
    let error = uuid(sys.path(), &mount).unwrap_err();
    let text = error.to_string();
    assert!(
        text.contains("/dev/cciss/c0d9p1: No such file or directory"),
        "{text}"
    );
    assert!(!error.is_refusal());
}

#[test]
fn a_root_whose_device_sysfs_does_not_know_is_named() {
    let sys = tempfile::tempdir().unwrap();
    let mount = parse_mounts("2 0 104:145 / / rw - ext4 /dev/root rw\n").remove(0);
    let error = only_disk(sys.path(), &[], &mount).unwrap_err().to_string();
    assert!(error.contains("dev/block/104:145: No such file"), "{error}");
}

#[test]
fn a_root_on_software_raid_is_refused() {
    let root = parse_mounts("2 0 9:0 / / rw - ext4 /dev/md0 rw\n").remove(0);
    let mut block = block("md0", None, None);
    refuse_raid(Some(&block), &root).unwrap();
    block.sysfs = "/sys/devices/virtual/block/md0".into();
    let error = refuse_raid(Some(&block), &root).unwrap_err().to_string();
    assert!(
        error.contains("/dev/md0 is on md0, which is software RAID"),
        "{error}"
    );
}

fn block(name: &str, parent: Option<&str>, dm: Option<&str>) -> BlockDevice {
    BlockDevice {
        parent: parent.map(String::from),
        dm_name: dm.map(String::from),
        sysfs: match dm {
            Some(_) => "/sys/devices/virtual/block/dm-0".into(),
            None => PathBuf::new(),
        },
        ..crate::block::tests::sample(name)
    }
}

#[test]
fn only_a_boot_on_a_plain_partition_of_the_disk_is_fit() {
    let blocks = [
        block("sda", None, None),
        block("sda1", Some("sda"), None),
        block("sdb", None, None),
        block("sdb1", Some("sdb"), None),
        block("dm-0", None, Some("vg-boot")),
    ];
    let judge = |name: &str, root: &str| {
        let (root, kind) = if root == "btrfs" {
            ("/", root)
        } else {
            (root, "ext4")
        };
        let line = format!("2 0 8:1 {root} /boot rw - {kind} /dev/{name} rw\n");
        let boot = parse_mounts(&line).remove(0);
        refuse_unfit_boot(&boot, name, &blocks, &blocks[0]).map_err(|e| e.to_string())
    };
    judge("sda1", "/").unwrap();
    judge("sda", "/").unwrap();
    for (name, root, words) in [
        ("dm-0", "/", "which is no plain partition"),
        ("sdb1", "/", "which is not on sda"),
        ("sda1", "/mnt/boot", "the directory /mnt/boot of /dev/sda1"),
        (
            "sda1",
            "btrfs",
            "a btrfs file system, where GRUB cannot write",
        ),
    ] {
        let error = judge(name, root).unwrap_err();
        assert!(error.contains(words), "{error}");
    }
}
