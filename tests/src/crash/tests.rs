// SPDX-License-Identifier: MIT OR Apache-2.0
//! The judge, on disks that the product's encoders and GRUB's own tools made.

use super::boots::{Boots, Knows, what_boots};
use super::cut::Medium;
use super::log::WriteLog;
use super::{SECTOR, Sectors, numbers};
use crate::armed::{Armed, Places, damage};
use crate::probe;
use ondisk::lifeboat::record::Head;
use ondisk::lifeboat::{Id, Run};
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use testkit::Random;

const ID: [u8; 16] = [
    0xa0, 0xa1, 0xa2, 0xa3, 0xa4, 0xa5, 0xa6, 0xa7, 0xa8, 0xa9, 0xaa, 0xab, 0xac, 0xad, 0xae, 0xaf,
];
/// Where the two copies of the state are put.
const STATES: [u64; 2] = [1_000, 4_000];
const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../ondisk/tests/fixtures");

fn fixture(name: &str) -> Vec<u8> {
    std::fs::read(Path::new(FIXTURES).join(name)).expect("a fixture")
}

/// GRUB's boot sector and core image, which begins at sector 2048 there; its
/// sectors but the first are any.
fn grub() -> (Vec<u8>, Vec<u8>) {
    let mut core = fixture("grub/gpt-core-2048.img");
    core.extend((0..105 * 512u32).map(|n| (n / 512 + n % 251) as u8));
    (fixture("grub/gpt-boot.img"), core)
}

struct Disk {
    _dir: tempfile::TempDir,
    path: PathBuf,
    places: Places,
    records: [u64; 2],
    head: Head,
}

impl Disk {
    /// GRUB, and above it an armed loader with record and state (phase 3).
    fn armed() -> Disk {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("disk");
        let (boot, core) = grub();
        let record = fixture("lifeboat/record.bin");
        let head = Head::decode(&record[..4096], &Id(ID)).unwrap();
        let records = [head.runs[0][0].lba, head.runs[1][0].lba];
        let noise = |count: u32| (0..count).map(|n| (n.wrapping_mul(n) >> 7) as u8);
        let kernel: Vec<u8> = probe::KERNEL.into_iter().chain(noise(9000)).collect();
        let initramfs: Vec<u8> = noise(30_001).collect();
        let mut armed = Armed::new(&kernel, &initramfs);
        armed.id = Id(ID);
        armed.words = format!(
            "quiet replant.lifeboat={},{},{},{},{} x",
            Id(ID),
            records[0],
            records[1],
            STATES[0],
            STATES[1]
        );
        (armed.pieces, armed.from, armed.way_back) = (5, 20_000, true);
        armed.old_sector = boot[..512].try_into().unwrap();
        let places = armed.write(&path);
        let disk = Disk {
            _dir: dir,
            path,
            places,
            records,
            head,
        };
        disk.put(2048, &core);
        for runs in &disk.head.runs.clone() {
            let mut rest = record.as_slice();
            for run in runs {
                let bytes = rest.len().min((run.sectors * SECTOR) as usize);
                disk.put(run.lba, &rest[..bytes]);
                rest = &rest[bytes..];
            }
        }
        let states = fixture("lifeboat/states.bin");
        disk.put(STATES[0], &states[4096..8192]);
        disk.put(STATES[1], &states[8192..12288]);
        disk
    }

    fn file(&self) -> File {
        let mut options = File::options();
        options.read(true).write(true).open(&self.path).unwrap()
    }

    fn put(&self, lba: u64, bytes: &[u8]) {
        self.file().write_all_at(bytes, lba * SECTOR).unwrap();
    }

    fn boots(&self) -> Boots {
        what_boots(&self.file())
    }

    fn damage(&self, runs: &[Run]) {
        // The first bytes of a kernel are its setup, which the blob has.
        damage(&self.path, runs.last().unwrap(), 0);
    }
}

fn tiny(blob: usize, phase: u64, records: usize) -> Boots {
    // The number of starts, as the fixture has it in these two.
    let step = if phase == 3 { 1 } else { 3 };
    let knows = Knows {
        phase,
        step,
        records,
    };
    Boots::Tiny { blob, knows }
}

fn brick(boots: Boots) -> String {
    match boots {
        Boots::Brick(why) => why,
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_loader_starts_the_first_whole_copy() {
    let disk = Disk::armed();
    assert_eq!(disk.boots(), tiny(0, 3, 2));
    disk.damage(&disk.places.kernels[0]);
    assert_eq!(disk.boots(), tiny(1, 3, 2));
    // Both lead to the old system then, by GRUB.
    disk.damage(&disk.places.initramfses[1]);
    let Boots::Grub(core) = disk.boots() else {
        panic!("{:?}", disk.boots())
    };
    disk.put(0, &grub().0[..512]);
    assert_eq!(disk.boots(), Boots::Grub(core));
    // Where the blobs are damaged, their old sectors are whole, or nothing is.
    let disk = Disk::armed();
    disk.damage(&[disk.places.blobs[0]]);
    assert_eq!(disk.boots(), tiny(1, 3, 2));
    disk.damage(&[disk.places.blobs[1]]);
    assert_eq!(disk.boots(), Boots::Grub(core));
    for blob in &disk.places.blobs {
        let old = blob.lba + blob.sectors - 1;
        damage(
            &disk.path,
            &Run {
                lba: old,
                sectors: 1,
            },
            7,
        );
    }
    assert_eq!(
        brick(disk.boots()),
        "entry 1: checksum; entry 2: checksum; entry 3: checksum; entry 4: checksum"
    );
}

#[test]
fn a_tiny_system_that_knows_nothing_is_a_brick() {
    let disk = Disk::armed();
    let at = |lba| [Run { lba, sectors: 8 }];
    disk.damage(&at(STATES[1]));
    assert_eq!(disk.boots(), tiny(0, 2, 2));
    disk.damage(&at(disk.records[0]));
    assert_eq!(disk.boots(), tiny(0, 2, 1));
    // Its end, too, is of the record.
    let last = disk.head.runs[1].last().unwrap();
    let sectors: u64 = disk.head.runs[1].iter().map(|run| run.sectors).sum();
    let spare = sectors * SECTOR - disk.head.length;
    damage(&disk.path, last, last.sectors * SECTOR - spare - 1);
    // Without a way back nothing is left.
    let zeros = [0; 40];
    disk.file().write_all_at(&zeros, 0x190).unwrap();
    assert_eq!(
        brick(disk.boots()),
        "entry 1: no record; entry 2: no record"
    );
    let disk = Disk::armed();
    disk.file().write_all_at(&zeros, 0x190).unwrap();
    STATES.iter().for_each(|lba| disk.damage(&at(*lba)));
    assert_eq!(brick(disk.boots()), "entry 1: no state; entry 2: no state");
}

#[test]
fn what_grub_would_not_start_is_a_brick() {
    let (boot, core) = grub();
    let mut bytes = vec![0; 4096 * 512];
    let judged = |bytes: &[u8]| what_boots(bytes);
    assert_eq!(brick(judged(&bytes)), "LBA 0 is no boot sector");
    bytes[510..512].copy_from_slice(&[0x55, 0xaa]);
    assert!(brick(judged(&bytes)).starts_with("LBA 0 is neither"));
    bytes[..512].copy_from_slice(&boot[..512]);
    assert_eq!(brick(judged(&bytes)), "core.img has no block list");
    bytes[2048 * 512..][..core.len()].copy_from_slice(&core);
    let Boots::Grub(whole) = judged(&bytes) else {
        panic!("GRUB")
    };
    // Each byte of the core image counts, and none behind it.
    let last = 2048 * 512 + core.len() - 1;
    bytes[last] ^= 1;
    assert_ne!(judged(&bytes), Boots::Grub(whole));
    bytes[last] ^= 1;
    bytes[last + 1] ^= 1;
    assert_eq!(judged(&bytes), Boots::Grub(whole));
}

/// A log of one write of two sectors at 8, a flush, then one of a block at LBA 0,
/// one of two blocks, a durable one of a sector.
fn log(dir: &Path) -> WriteLog {
    let entry = |numbers: &[u64]| {
        let mut bytes: Vec<u8> = numbers.iter().flat_map(|n| n.to_le_bytes()).collect();
        bytes.resize(512, 0);
        bytes
    };
    let parts = [
        entry(&[0x006a_7366_7773_6872, 1, 5, 512]),
        entry(&[8, 2, 0, 0]),
        vec![1; 1024],
        entry(&[0, 0, 1, 0]),
        entry(&[0, 8, 0, 0]),
        vec![2; 4096],
        entry(&[16, 16, 0, 0]),
        vec![3; 8192],
        entry(&[11, 1, 2, 0]),
        vec![4; 512],
    ];
    std::fs::write(dir.join("log"), parts.concat()).unwrap();
    WriteLog::open(&dir.join("log"))
}

#[test]
fn a_cut_keeps_what_was_flushed_and_any_part_of_the_rest() {
    let dir = tempfile::tempdir().unwrap();
    let log = log(dir.path());
    let path = testkit::sparse(dir.path().join("disk"), 64 * 512);
    let image = File::options().read(true).write(true).open(path).unwrap();
    let mut medium = Medium::new(&log, image);
    // The first byte of each sector tells what is there.
    let contents = |disk: &dyn Sectors| -> Vec<u8> {
        let bytes = disk.read(0, 32);
        bytes.chunks(512).map(|sector| sector[0]).collect()
    };
    assert!(medium.advance());
    assert_eq!(medium.pending(), 1);
    assert_eq!(contents(&medium.prefix(0)), [0; 32]);
    let first = [[0; 8], [1, 1, 0, 0, 0, 0, 0, 0], [0; 8], [0; 8]].concat();
    assert_eq!(contents(&medium.prefix(1)), first);
    assert!(medium.advance());
    assert_eq!(contents(&medium.prefix(0)), first);
    let all = [[2; 8], [1, 1, 0, 4, 0, 0, 0, 0], [3; 8], [3; 8]].concat();
    assert_eq!(contents(&medium.prefix(3)), all);
    let mut random = Random(7);
    let (mut seen, mut torn, mut late) = ([false; 2], false, [false; 2]);
    for _ in 0..200 {
        let sectors = contents(&medium.part(1, &mut random));
        // LBA 0 comes in one piece.
        assert!(sectors[..8] == [0; 8] || sectors[..8] == [2; 8]);
        seen[usize::from(sectors[0] == 2)] = true;
        torn |= sectors[16..24].contains(&0) && sectors[16..24].contains(&3);
        late[usize::from(sectors[11] == 4)] = true;
        let blocks = contents(&medium.part(8, &mut random));
        assert!(blocks[16..24] == [0; 8] || blocks[16..24] == [3; 8]);
    }
    assert_eq!((seen, torn, late), ([true; 2], true, [true; 2]));
    assert!(!medium.advance());
}

#[test]
fn the_judges_checksums_are_those_of_everybody() {
    assert_eq!(numbers::crc32(b"123456789"), 0xcbf4_3926);
    assert_eq!(numbers::sha256([&b"a"[..], b"bc"])[..3], [0xba, 0x78, 0x16]);
}
