// SPDX-License-Identifier: MIT OR Apache-2.0
//! LVM, LUKS, md, ZFS.

use std::process::Command;

use ondisk::signature::Kind;

use crate::image::{Image, MIB, check, luks_format};
use testkit::{Loop, run};

#[test]
fn lvm_physical_volumes() {
    testkit::needs!("root", "pvcreate", "blkid", "wipefs");
    for (name, sector, copies) in [("pv1", "1", "1"), ("pv0", "0", "1"), ("pv3", "3", "2")] {
        let image = Image::new(name, 40 * MIB);
        let device = Loop::new(&image.0);
        run(Command::new("pvcreate")
            .args([
                "-q",
                "-ff",
                "-y",
                "--driverloaded",
                "n",
                "--labelsector",
                sector,
            ])
            .args(["--metadatacopies", copies])
            .args([
                "--config",
                "devices{use_devicesfile=0} global{locking_type=1}",
            ])
            .arg(&device.0));
        drop(device);
        let clear = image.find()[0].clear.len();
        assert_eq!(
            clear,
            1 + copies.parse::<usize>().unwrap(),
            "the metadata areas, too"
        );
        check(&image, Kind::LvmPv);
    }
}

#[test]
fn luks_1_and_2() {
    testkit::needs!("cryptsetup", "blkid", "wipefs");
    for version in ["luks1", "luks2"] {
        let image = Image::new(version, 32 * MIB);
        let is_2 = version == "luks2";
        let label: &[&str] = if is_2 { &["--label", "secrets"] } else { &[] };
        luks_format(&image, version, label);
        if is_2 {
            assert_eq!(image.find()[0].clear.len(), 2, "the second header, too");
        }
        check(&image, Kind::Luks);
    }
}

/// A superblock of version 1 as mdadm writes it, as far as it matters.
fn md_1(place: u64) -> Vec<u8> {
    let mut block = vec![0; 4096];
    block[0..4].copy_from_slice(&0xa92b_4efc_u32.to_le_bytes());
    block[4] = 1;
    block[16..32].copy_from_slice(b"\x01\x23\x45\x67\x89\xab\xcd\xef0123ABCD");
    block[32..41].copy_from_slice(b"host:data");
    block[144..152].copy_from_slice(&(place / 512).to_le_bytes());
    block
}

#[test]
fn md_of_four_versions() {
    testkit::needs!("blkid", "wipefs");
    // No md in this kernel may be: the superblocks are written by hand.
    let size = 40 * MIB + 512 * 5;
    let places = [
        (Kind::Md10, (size & !4095) - 8192),
        (Kind::Md11, 0),
        (Kind::Md12, 4096),
    ];
    for (kind, place) in places {
        let image = Image::new(&format!("md-{place}"), size);
        image.put(place, &md_1(place));
        check(&image, kind);
    }
    for big in [false, true] {
        let image = Image::new(&format!("md-0.90-{big}"), size);
        let mut block = vec![0; 4096];
        let fields = [
            (0, 0xa92b_4efc_u32),
            (8, 90),
            (20, 0x0102_0304),
            (52, 5),
            (56, 6),
            (60, 0xfedc_ba98),
        ];
        for (at, value) in fields {
            let bytes = if big {
                value.to_be_bytes()
            } else {
                value.to_le_bytes()
            };
            block[at..at + 4].copy_from_slice(&bytes);
        }
        image.put((size & !0xffff) - 0x1_0000, &block);
        check(&image, Kind::Md090);
    }
}

#[test]
fn zfs_pools() {
    testkit::needs!("blkid", "wipefs");
    // blkid wants 64 MiB.
    let image = Image::new("zfs", 70 * MIB);
    let mut label = vec![0; 256 << 10];
    let mut list = vec![1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
    let mut pair = |name: &str, value: &[u8]| {
        let mut body = u32::try_from(name.len()).unwrap().to_be_bytes().to_vec();
        body.extend(name.bytes());
        body.resize(body.len().next_multiple_of(4), 0);
        body.extend(value);
        let size = u32::try_from(body.len() + 8).unwrap().to_be_bytes();
        list.extend(size.iter().chain(&size).chain(&body));
    };
    pair(
        "version",
        &[&[0, 0, 0, 8, 0, 0, 0, 1][..], &5000_u64.to_be_bytes()].concat(),
    );
    pair(
        "name",
        &[&[0, 0, 0, 9, 0, 0, 0, 1, 0, 0, 0, 4][..], b"tank"].concat(),
    );
    pair(
        "pool_guid",
        &[
            &[0, 0, 0, 8, 0, 0, 0, 1][..],
            &1_234_567_890_123_456_789_u64.to_be_bytes(),
        ]
        .concat(),
    );
    list.extend([0; 8]);
    label[16 << 10..(16 << 10) + list.len()].copy_from_slice(&list);
    for index in 0..6 {
        let at = (128 << 10) + index * 1024;
        label[at..at + 8].copy_from_slice(&0x00ba_b10c_u64.to_le_bytes());
    }
    for place in [0, 256 << 10, 70 * MIB - (512 << 10), 70 * MIB - (256 << 10)] {
        image.put(place, &label);
    }
    check(&image, Kind::Zfs);
}
