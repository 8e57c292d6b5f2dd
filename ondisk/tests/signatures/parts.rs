// SPDX-License-Identifier: MIT OR Apache-2.0
//! What belongs together, by the real tools: members know their whole, and how
//! many places it has.

use std::io::Read;
use std::process::Command;

use ondisk::signature::{Kind, Part};

use crate::image::{Image, MIB, UUID, check, luks_format};
use testkit::{Loop, run};

fn part(image: &Image, kind: Kind) -> Option<Part> {
    let found = image.find();
    let of_kind = found.into_iter().find(|signature| signature.kind == kind);
    of_kind
        .unwrap_or_else(|| panic!("{}: no {kind}", image.0.display()))
        .part
}

/// Both are members of one whole, and each is another one.
fn assert_together(one: &Part, other: &Part) {
    assert_eq!(one.whole, other.whole);
    assert!(!one.whole.is_empty());
    assert_ne!(one.member, other.member);
}

#[test]
fn btrfs_on_two_devices() {
    testkit::needs!("mkfs.btrfs", "blkid", "wipefs");
    let images = ["one", "two"].map(|name| Image::new(&format!("btrfs-{name}"), 128 * MIB));
    let mut command = Command::new("mkfs.btrfs");
    run(command
        .args(["-q", "-f"])
        .arg(&images[0].0)
        .arg(&images[1].0));
    let [one, two] = images.each_ref().map(|i| part(i, Kind::Btrfs).unwrap());
    assert_together(&one, &two);
    assert_eq!((one.slots, two.slots), (2, 2));
    let alone = Image::new("btrfs-alone", 128 * MIB).make("mkfs.btrfs", &["-q", "-f"]);
    assert_eq!(part(&alone, Kind::Btrfs).unwrap().slots, 1);
}

#[test]
fn ext_with_a_journal_elsewhere() {
    testkit::needs!("root", "mke2fs", "blkid", "wipefs");
    let journal = Image::new("ext-journal", 40 * MIB);
    let data = Image::new("ext-data", 40 * MIB);
    let device = Loop::new(&journal.0);
    let make = |words: &[&str], node: &str| run(Command::new("mke2fs").args(words).arg(node));
    make(
        &["-q", "-F", "-O", "journal_dev", "-b", "1024", "-U", UUID],
        device.name(),
    );
    let of = format!("device={}", device.name());
    let file = data.0.to_str().unwrap();
    make(&["-q", "-F", "-t", "ext3", "-b", "1024", "-J", &of], file);
    drop(device);
    let [one, two] = [
        part(&journal, Kind::ExtJournal).unwrap(),
        part(&data, Kind::Ext3).unwrap(),
    ];
    assert_together(&one, &two);
    assert_eq!(one.whole, UUID);
    assert_eq!((one.slots, two.slots), (1, 2));
    // With a journal inside, or without any.
    for kind in [Kind::Ext2, Kind::Ext3, Kind::Ext4] {
        let image = Image::new(&format!("{kind}-whole"), 40 * MIB);
        let image = image.make("mke2fs", &["-q", "-F", "-t", kind.name()]);
        assert_eq!(part(&image, kind), None);
    }
}

#[test]
fn xfs_with_a_log_elsewhere() {
    testkit::needs!("root", "mkfs.xfs", "blkid", "wipefs");
    let log = Image::new("xfs-log", 100 * MIB);
    let data = Image::new("xfs-data", 320 * MIB);
    let device = Loop::new(&log.0);
    let of = format!("logdev={}", device.name());
    let data = data.make("mkfs.xfs", &["-q", "-f", "-l", &of]);
    drop(device);
    let [one, two] = [
        part(&log, Kind::XfsLog).unwrap(),
        part(&data, Kind::Xfs).unwrap(),
    ];
    assert_together(&one, &two);
    assert_eq!((one.slots, two.slots), (2, 2));
    check(&log, Kind::XfsLog);
    let whole = Image::new("xfs-whole", 320 * MIB).make("mkfs.xfs", &["-q", "-f"]);
    assert_eq!(part(&whole, Kind::Xfs), None);
}

#[test]
fn bcache_and_its_cache() {
    testkit::needs!("root", "make-bcache", "blkid", "wipefs");
    let images = ["cache", "backing"].map(|name| Image::new(&format!("bcache-{name}"), 64 * MIB));
    let [cache, backing] = images.each_ref().map(|image| Loop::new(&image.0));
    run(Command::new("make-bcache").args(["-C", cache.name(), "-B", backing.name()]));
    drop((cache, backing));
    let [one, two] = images.each_ref().map(|i| part(i, Kind::Bcache).unwrap());
    assert_together(&one, &two);
    images.iter().for_each(|image| check(image, Kind::Bcache));
}

#[test]
fn a_backing_device_that_is_attached_has_a_cache() {
    testkit::needs!("root", "make-bcache", "blkid", "wipefs");
    let image = Image::new("bcache-attached", 64 * MIB);
    let device = Loop::new(&image.0);
    run(Command::new("make-bcache").args(["-B", device.name()]));
    drop(device);
    assert_eq!(part(&image, Kind::Bcache).unwrap().slots, 1);
    // As the kernel writes it: clean.
    image.put(4096 + 104 + 7, &[0x20]);
    assert_eq!(part(&image, Kind::Bcache).unwrap().slots, 2);
}

#[test]
fn luks_with_a_detached_header() {
    testkit::needs!("cryptsetup", "blkid", "wipefs");
    for version in ["luks1", "luks2"] {
        let data = Image::new(&format!("{version}-data"), 32 * MIB);
        let header = Image::new(&format!("{version}-header"), 32 * MIB);
        luks_format(&data, version, &["--header", header.0.to_str().unwrap()]);
        let found = part(&header, Kind::Luks).unwrap();
        assert_eq!((found.whole.as_str(), found.slots), (UUID, 2));
        assert_eq!(data.find(), []);
    }
}

/// By zpool of zfs-fuse: a mirror of two, a log, a cache and a spare.
#[test]
fn zfs_with_mirror_and_log() {
    testkit::needs!("blkid", "wipefs");
    let label = |name: &str| {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/zfs");
        let file = std::fs::File::open(format!("{folder}/{name}.label.xz")).unwrap();
        let mut bytes = Vec::new();
        liblzma::read::XzDecoder::new(file)
            .read_to_end(&mut bytes)
            .unwrap();
        let image = Image::new(&format!("zfs-{name}"), 80 * MIB);
        for place in [
            0,
            256 << 10,
            (80 * MIB) - (512 << 10),
            (80 * MIB) - (256 << 10),
        ] {
            image.put(place, &bytes);
        }
        image
    };
    let images = ["mirror0", "mirror1", "log"].map(label);
    let [one, two, log] = images.each_ref().map(|i| part(i, Kind::Zfs).unwrap());
    assert_together(&one, &two);
    assert_together(&one, &log);
    // Data and log, of which the data are there twice.
    assert_eq!((one.slots, log.slots), (2, 2));
    assert_eq!(one.slot, two.slot);
    assert_ne!(one.slot, log.slot);
    images.iter().for_each(|image| check(image, Kind::Zfs));
    for name in ["cache", "spare"] {
        assert!(
            label(name).find().iter().all(|s| s.part.is_none()),
            "{name}"
        );
    }
}

/// No tool here makes them without a kernel of its own: written by hand, and
/// compared with blkid.
#[test]
fn integrity_stratis_bluestore_and_bcachefs() {
    testkit::needs!("blkid", "wipefs");
    let image = Image::new("integrity", 40 * MIB);
    image.put(0, b"integrt\0\x01\x0f");
    assert_eq!(part(&image, Kind::Integrity), None);
    check(&image, Kind::Integrity);
    image.put(0, b"integrt\0\x04\x00");
    assert_eq!(part(&image, Kind::Integrity).unwrap().slots, 2);

    let image = Image::new("bluestore", 40 * MIB);
    image.put(0, format!("bluestore block device\n{UUID}\n").as_bytes());
    assert_eq!(part(&image, Kind::BlueStore).unwrap().whole, UUID);
    check(&image, Kind::BlueStore);

    let image = Image::new("stratis", 40 * MIB);
    let (pool, own) = (UUID.replace('-', ""), "0".repeat(31) + "1");
    for at in [512, 9 * 512] {
        image.put(at + 4, b"!Stra0tis\x86\xff\x02^\x41rh");
        image.put(at + 32, pool.as_bytes());
        image.put(at + 64, own.as_bytes());
    }
    let found = part(&image, Kind::Stratis).unwrap();
    assert_eq!((found.whole, found.member), (pool, own));

    let image = Image::new("bcachefs", 40 * MIB);
    let magic = b"\xc6\x85\x73\xf6\x66\xce\x90\xa9\xd9\x6a\x60\xcf\x80\x3d\xf7\xef";
    image.put(4096 + 24, magic);
    image.put(4096 + 40, &[1; 16]);
    image.put(4096 + 122, &[1, 3]);
    let found = part(&image, Kind::Bcachefs).unwrap();
    assert_eq!((found.member.as_str(), found.slots), ("1", 3));
}
