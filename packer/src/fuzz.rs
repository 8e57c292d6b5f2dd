// SPDX-License-Identifier: MIT OR Apache-2.0
//! Damaged inputs for the parsers of the build machine: what a captured image
//! and a package maker's files hold.

use crate::capture::volumes::{self, Area};
use crate::initramfs::{Compression, segments};
use crate::layout::Layout;
use ondisk::cpio::Builder;
use ondisk::lvm::{LvPlan, LvSize, Origin, PvPlan, Uuid, VgPlan, decode, encode};
use testkit::{Target, is_alone};

#[test]
fn layouts() {
    if !is_alone() {
        return;
    }
    let text = "name = \"web\"\nversion = \"1\"\n[table]\ngrow_last = true\n[boot]\ncommands = [[\"grub-install\", \"{disk}\"]]\n[identity]\nhostname = true\n[[volume_group]]\nname = \"VA\"\npartitions = [2]\n[[volume_group.volume]]\nname = \"root\"\nsize = \"rest\"\n[[filesystem]]\ndevice = \"VA/root\"\nmount = \"/\"\ntype = \"ext4\"\n";
    let target = Target {
        name: "layout.toml",
        samples: vec![text.as_bytes().to_vec()],
        words: b"=~[~]]~\"~\n~-1~1e400~[[filesystem]]~\xff",
        hot: vec![],
        rounds: 4000,
    };
    let read = |bytes: &[u8], _: &mut _| {
        std::str::from_utf8(bytes).is_ok_and(|text| ondisk::document::read::<Layout>(text).is_ok())
    };
    target.read(read).at_least(200, 500);
}

#[test]
fn initramfs_images() {
    if !is_alone() {
        return;
    }
    let archive = |name: &str, data: &[u8]| {
        let mut builder = Builder::new();
        builder.file(name, 0o644, data.to_vec()).unwrap();
        builder.build()
    };
    let early = archive("kernel/x86/microcode/GenuineIntel.bin", &[7; 300]);
    let all = [
        Compression::None,
        Compression::Gzip,
        Compression::Xz,
        Compression::Zstd,
    ];
    let image = |compression: Compression| {
        let mut image = early.clone();
        image.resize(image.len().next_multiple_of(512), 0);
        image.extend(
            compression
                .pack(&archive("init", b"#!/bin/sh\n"), false)
                .unwrap(),
        );
        image
    };
    let target = Target {
        name: "segments of an initramfs",
        samples: all.map(image).to_vec(),
        words: b"070701~070702~TRAILER!!!~\x1f\x8b\x08~\xfd7zXZ\0~\x28\xb5\x2f\xfd~\0\0\0\0",
        hot: vec![],
        rounds: 3000,
    };
    let tally =
        target.read(|bytes, _| segments::unpack(bytes).is_ok_and(|s| segments::tree(&s).is_ok()));
    tally.at_least(50, 500);
}

/// A volume group that lvm2 would read is laid out or refused, whatever its
/// text says.
#[test]
fn captured_volume_groups() {
    if !is_alone() {
        return;
    }
    let uuid = |n: u8| Uuid::from_random(&[n; 32]);
    let volume = |name: &str, n, size| LvPlan {
        name: name.into(),
        uuid: uuid(n),
        size,
    };
    let plan = VgPlan {
        name: "VA".into(),
        uuid: uuid(1),
        extent_bytes: 4 << 20,
        pvs: vec![PvPlan {
            uuid: uuid(2),
            device: "/dev/sda3".into(),
            size: 1 << 30,
            avoid: Vec::new(),
        }],
        lvs: vec![
            volume("data", 3, LvSize::Bytes(64 << 20)),
            volume("root", 4, LvSize::Rest),
        ],
        pinned: None,
        origin: Origin::default(),
    };
    let target = Target {
        name: "volume groups of a captured disk",
        samples: vec![encode(&plan.build().unwrap())],
        words: b"{~}~[~]~\"~18446744073709551615~-1~0~stripe_count~segment_count~pv0~pv1",
        hot: vec![],
        rounds: 4000,
    };
    let read = |bytes: &[u8], _: &mut _| {
        let Ok(group) = decode(bytes) else {
            return false;
        };
        let slots = vec![
            Some(volumes::Member {
                number: 3,
                start: 1 << 20,
            });
            group.pvs.len()
        ];
        volumes::group_areas(&group, &slots).is_ok()
    };
    target.read(read).at_least(100, 500);
}

#[test]
fn captured_file_systems() {
    if !is_alone() {
        return;
    }
    let text = "DEVNAME=disk.raw\nUUID=3f0f8a4e-9a3c-4f0b-8f7e-0d1c8a6b2d11\nLABEL=top\nBLOCK_SIZE=4096\nTYPE=ext4\nUSAGE=filesystem\n";
    let target = Target {
        name: "what blkid says",
        samples: vec![text.as_bytes().to_vec()],
        words: b"=~\n~TYPE=~LABEL=~\xff~\0",
        hot: vec![],
        rounds: 4000,
    };
    let read = |bytes: &[u8], _: &mut _| {
        let mut superblock = [0; ondisk::ext4::SUPERBLOCK];
        for (to, from) in superblock.iter_mut().zip(bytes) {
            *to = *from;
        }
        let mut area = Area::new("partition 2".into(), 0, 1 << 20);
        area.in_use = ondisk::ext4::is_in_use(&superblock);
        area.describe(&String::from_utf8_lossy(bytes));
        area.is_known()
    };
    target.read(read).at_least(500, 500);
}
