// SPDX-License-Identifier: MIT OR Apache-2.0
//! Damaged payloads before the inventory.

use std::io::Read;

use ondisk::cpu::{Level, demanded};
use ondisk::inventory::{Facts, Inventory, Report, Target};
use ondisk::manifest::Manifest;
use ondisk::pax::Parser;

use super::pax::mend;
use testkit::Target as Fuzzed;

const MANIFEST: &str = include_str!("../fixtures/manifest/migration.toml");
const ARCHIVE: &[u8] = include_bytes!("../fixtures/pax/pax-1.0.tar.xz");

/// The least ELF program with an interpreter.
fn elf() -> Vec<u8> {
    let mut bytes = vec![0; 120];
    bytes[..6].copy_from_slice(b"\x7fELF\x02\x01");
    (bytes[18], bytes[32], bytes[54], bytes[56], bytes[64]) = (62, 64, 56, 1, 3);
    (bytes[72], bytes[96]) = (120, 9);
    bytes.extend(b"/lib/ld\0\0");
    bytes
}

/// The least library that demands a processor.
fn library() -> Vec<u8> {
    let mut bytes = elf();
    bytes.truncate(120);
    (bytes[64], bytes[72], bytes[96]) = (4, 120, 32);
    for word in [4_u32, 16, 5, 0x0055_4e47, 0xc000_8002, 4, 3, 0] {
        bytes.extend(word.to_le_bytes());
    }
    bytes
}

#[test]
fn libraries() {
    assert_eq!(demanded(&library()), Some(Level::V2));
    let target = Fuzzed {
        name: "what a library demands",
        samples: vec![library()],
        words: b"\x7fELF\x02\x01~GNU\0~\x02\x80\0\xc0~\xff\xff\xff\xff~\0\0\0\0",
        hot: vec![],
        rounds: 20_000,
    };
    let tally = target.read(|bytes, _| demanded(bytes).is_some());
    tally.at_least(100, 100);
}

/// A small system, most of whose bytes mean something.
fn system() -> Vec<u8> {
    let mut archive = tar::Builder::new(Vec::new());
    let mut add = |path: &str, kind: tar::EntryType, link: &str, data: &[u8]| {
        let mut header = tar::Header::new_ustar();
        header.set_entry_type(kind);
        header.set_mode(0o755);
        header.set_size(data.len() as u64);
        if !link.is_empty() {
            header.set_link_name(link).unwrap();
        }
        archive.append_data(&mut header, path, data).unwrap();
    };
    use tar::EntryType::{Directory, Link, Regular, Symlink};
    let elf = elf();
    add("boot", Directory, "", b"");
    add("lib", Symlink, "usr/lib", b"");
    add("usr/lib/ld", Regular, "", &elf);
    add("usr/sbin/grub-install", Regular, "", &elf);
    add("usr/sbin/dracut", Regular, "", b"#!/usr/bin/env sh -x\n");
    add("usr/bin/env", Link, "usr/sbin/grub-install", b"");
    add("bin", Symlink, "/usr/bin", b"");
    add("boot/vmlinuz-6.1", Regular, "", b"x");
    add("usr/lib/modules/6.1/modules.dep", Regular, "", b"x");
    add(
        "usr/lib/modules/6.1/modules.alias",
        Regular,
        "",
        b"alias pci:* x\n",
    );
    add("usr/lib64/libc.so.6", Regular, "", &library());
    add("etc/fstab", Regular, "", b"/dev/VA/root / ext4\n");
    add("etc/default/grub", Link, "etc/fstab", b"");
    add("data", Symlink, "../srv", b"");
    archive.into_inner().unwrap()
}

/// All of an archive that can be read.
fn look(archive: &[u8], piece: usize) -> (u64, Report) {
    let mut inventory = Inventory::new(Target::of(&Manifest::parse(MANIFEST).unwrap()));
    let mut parser = Parser::new();
    let mut entries = 0;
    for mut input in archive.chunks(piece) {
        while let Ok(Some(event)) = parser.next(&mut input) {
            entries += u64::from(matches!(event, ondisk::pax::Event::Entry(_)));
            inventory.event(&event);
        }
    }
    (entries, inventory.finish())
}

#[test]
fn payloads() {
    let mut real = Vec::new();
    liblzma::read::XzDecoder::new(ARCHIVE)
        .read_to_end(&mut real)
        .unwrap();
    real.truncate(40_000);
    let target = Fuzzed {
        name: "payload",
        samples: vec![system(), real],
        words:
            b"\x7fELF\x02\x01~#!~#! /bin/sh\n~/~../~boot/vmlinuz-~etc/fstab~usr/sbin/lvm~data/x~\
            0000777~0~1~2~3~5~\xff\xff\xff\xff",
        hot: vec![],
        rounds: 3000,
    };
    let tally = target.run(mend, |archive, random| {
        let (entries, found) = look(archive, archive.len().max(1));
        assert_eq!(found.facts.payload.entries, entries);
        assert_eq!(
            found.facts.payload.fstab,
            found.texts.get("etc/fstab").is_some()
        );
        let content = found.facts.content.iter();
        assert!(content.clone().map(|c| c.entries).sum::<u64>() == entries);
        assert!(
            content
                .clone()
                .all(|c| c.block >= 1024 && c.block.is_power_of_two())
        );
        for finding in found.refusals.iter().chain(found.warnings.iter()) {
            let text = finding.to_string();
            assert!(!text.contains('\n') && text.len() < 4000, "{text}");
        }
        let text = ondisk::document::write(&found.facts).unwrap();
        assert_eq!(ondisk::document::read::<Facts>(&text).unwrap(), found.facts);
        let _ = found.refusals.to_string();
        // As long as no error ends the reading, pieces make no difference.
        if look(archive, 1 + random.below(700)).0 == entries {
            entries > 5
        } else {
            false
        }
    });
    tally.at_least(100, 100);
}
