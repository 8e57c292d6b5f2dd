// SPDX-License-Identifier: MIT OR Apache-2.0
//! File systems and swap.

use std::os::unix::fs::FileExt;
use std::path::Path;
use std::process::Command;

use ondisk::signature::Kind;

use crate::image::{Image, MIB, UUID, check};

#[test]
fn ext2_ext3_ext4() {
    testkit::needs!("mke2fs", "blkid", "wipefs");
    for (kind, label) in [
        (Kind::Ext2, "old one"),
        (Kind::Ext3, "exactly16letters"),
        (Kind::Ext4, ""),
    ] {
        let image = Image::new(kind.name(), 40 * MIB);
        check(
            &image.make(
                "mke2fs",
                &["-q", "-F", "-t", kind.name(), "-U", UUID, "-L", label],
            ),
            kind,
        );
    }
    let image = Image::new("jbd", 40 * MIB);
    check(
        &image.make("mke2fs", &["-q", "-F", "-O", "journal_dev", "-U", UUID]),
        Kind::ExtJournal,
    );
}

#[test]
fn xfs_and_btrfs() {
    testkit::needs!("mkfs.xfs", "mkfs.btrfs", "blkid", "wipefs");
    let options = ["-q", "-f", "-m", &format!("uuid={UUID}"), "-L", "data"];
    check(
        &Image::new("xfs", 320 * MIB).make("mkfs.xfs", &options),
        Kind::Xfs,
    );
    let image = Image::new("btrfs", 128 * MIB)
        .make("mkfs.btrfs", &["-q", "-f", "-L", "a label", "-U", UUID]);
    assert_eq!(image.find()[0].clear.len(), 2, "the copy at 64 MiB, too");
    check(&image, Kind::Btrfs);
}

#[test]
fn vfat_of_three_sizes() {
    testkit::needs!("mkfs.vfat", "blkid", "wipefs");
    for (name, size, bits) in [
        ("fat12", 2 * MIB, "12"),
        ("fat16", 20 * MIB, "16"),
        ("fat32", 40 * MIB, "32"),
    ] {
        let options = ["-F", bits, "-i", "1234ABCD", "-n", "EFI PART"];
        check(
            &Image::new(name, size).make("mkfs.vfat", &options),
            Kind::Vfat,
        );
    }
    // The label in the root directory counts, not its copy in the boot sector.
    for (name, bits, at) in [("fat16-renamed", "16", 43), ("fat32-renamed", "32", 71)] {
        let image = Image::new(name, 40 * MIB).make("mkfs.vfat", &["-F", bits, "-n", "NEW"]);
        image.put(at, b"OLD        ");
        assert_eq!(image.find()[0].label.as_deref(), Some("NEW"));
        check(&image, Kind::Vfat);
    }
    let image = Image::new("fat-unnamed", 20 * MIB).make("mkfs.vfat", &["-i", "00000001"]);
    check(&image, Kind::Vfat);
}

#[test]
fn swap_of_two_page_sizes() {
    testkit::needs!("mkswap", "blkid", "wipefs");
    let image = Image::new("swap", 20 * MIB).make("mkswap", &["-q", "-L", "swap one", "-U", UUID]);
    check(&image, Kind::Swap);
    let image = Image::new("swap64k", 20 * MIB).make("mkswap", &["-q", "-p", "65536", "-U", UUID]);
    check(&image, Kind::Swap);
}

#[test]
fn iso_9660() {
    testkit::needs!("genisoimage", "blkid", "wipefs");
    let image = Image::new("iso", 0);
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("signature-iso");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("file"), vec![1; 2_000_000]).unwrap();
    let output = Command::new("genisoimage")
        .args(["-quiet", "-V", "CDROM 1", "-o"])
        .arg(&image.0)
        .arg(&folder)
        .output();
    let output = output.expect("genisoimage: install it");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    check(&image, Kind::Iso9660);
}

#[test]
fn rests_of_something_older_are_reported_too() {
    testkit::needs!("mkswap", "mke2fs", "blkid", "wipefs");
    // XFS and ext4 where a swap space and a PV were.
    let image = Image::new("rests", 40 * MIB).make("mkswap", &["-q", "-U", UUID]);
    let file = image.file();
    let mut magic = [0; 10];
    file.read_exact_at(&mut magic, 4086).unwrap();
    let image = image.make("mke2fs", &["-q", "-F", "-t", "ext4", "-U", UUID]);
    image.put(4086, &magic);
    image.put(0, b"XFSB");
    let mut kinds: Vec<_> = image
        .find()
        .into_iter()
        .map(|signature| signature.kind)
        .collect();
    kinds.sort();
    assert_eq!(kinds, [Kind::Ext4, Kind::Xfs, Kind::Swap]);
}
