// SPDX-License-Identifier: MIT OR Apache-2.0
//! The old boot code comes back.

use crate::disk::Disk;
use crate::old::protection::{is_armed, put_back};
use ondisk::checksum::crc32;
use ondisk::lifeboat::BootSector;
use ondisk::lifeboat::boot_sector::BlobPlace;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;

const BLOBS: [u64; 2] = [100, 3000];

/// An image whose old first sector is armed; each blob has five sectors, the
/// old sector last.
fn armed(dir: &tempfile::TempDir, way_back: bool) -> (PathBuf, [u8; 512]) {
    let path = testkit::sparse(dir.path().join("disk"), 4 << 20);
    let disk = std::fs::File::options().write(true).open(&path).unwrap();
    let mut old = [0xaa; 512];
    old[440..].fill(0x11);
    old[510..].copy_from_slice(&[0x55, 0xaa]);
    let blob = [&[9; 4 * 512][..], &old].concat();
    let blobs = BLOBS.map(|lba| {
        disk.write_all_at(&blob, lba * 512).unwrap();
        BlobPlace::of(lba, 1, &blob).unwrap()
    });
    let sector = BootSector {
        start: *b"disk",
        blobs,
        way_back: way_back.then(|| crc32(&old)),
    };
    let sector = sector.encode(&loader::STAGE1, &old).unwrap();
    disk.write_all_at(&sector, 0).unwrap();
    (path, old)
}

fn first(disk: &Disk) -> Vec<u8> {
    disk.read_fresh(0, 512).unwrap()
}

#[test]
fn the_code_comes_back_and_the_table_stays() {
    for way_back in [true, false] {
        let dir = tempfile::tempdir().unwrap();
        let (path, old) = armed(&dir, way_back);
        let disk = Disk::open_writable(&path).unwrap();
        // Somebody has made a partition since.
        let mut expected = old;
        expected[450] = 0x83;
        let file = std::fs::File::options().write(true).open(&path).unwrap();
        file.write_all_at(&[0x83], 450).unwrap();
        assert!(is_armed(&disk).unwrap());
        assert!(put_back(&disk).unwrap());
        assert_eq!(first(&disk), expected);
        assert!(!is_armed(&disk).unwrap() && !put_back(&disk).unwrap());
        assert_eq!(first(&disk), expected);
    }
}

#[test]
fn from_the_other_blob_or_not_at_all() {
    let dir = tempfile::tempdir().unwrap();
    let (path, old) = armed(&dir, true);
    let disk = Disk::open_writable(&path).unwrap();
    let file = std::fs::File::options().write(true).open(&path).unwrap();
    let loader = first(&disk);
    // The old sector in the first one is another now.
    file.write_all_at(&[1], (BLOBS[0] + 4) * 512 + 5).unwrap();
    assert!(put_back(&disk).unwrap());
    assert_eq!(first(&disk), old);
    // Only the rest of it: the sector has a checksum of its own.
    file.write_all_at(&loader, 0).unwrap();
    file.write_all_at(&[1], BLOBS[1] * 512).unwrap();
    assert!(put_back(&disk).unwrap());
    file.write_all_at(&loader, 0).unwrap();
    file.write_all_at(&[1], (BLOBS[1] + 4) * 512 + 5).unwrap();
    let error = put_back(&disk).unwrap_err().to_string();
    assert!(error.contains("grub-install"), "{error}");
    assert_eq!(first(&disk), loader);
    // A loader that is damaged itself.
    file.write_all_at(&[0xff; 8], 0x168).unwrap();
    assert!(is_armed(&disk).unwrap());
    assert!(put_back(&disk).is_err());
}

#[test]
fn another_boot_sector_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let path = testkit::sparse(dir.path().join("disk"), 1 << 20);
    let grub = include_bytes!("../../../../../ondisk/tests/fixtures/grub/gpt-boot.img");
    let file = std::fs::File::options().write(true).open(&path).unwrap();
    file.write_all_at(grub, 0).unwrap();
    let disk = Disk::open_writable(&path).unwrap();
    assert!(!is_armed(&disk).unwrap() && !put_back(&disk).unwrap());
    assert_eq!(first(&disk), grub);
}
