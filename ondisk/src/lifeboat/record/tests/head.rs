// SPDX-License-Identifier: MIT OR Apache-2.0
//! The head of a record, alone and damaged.

use super::super::layout::{FILE, OWN_RUNS, RUN, SECTION};
use super::*;
use crate::lifeboat::SECTOR;
use testkit::Random;

/// Where the golden record's first block has its own files: A in two runs, B in
/// one.
const ENTRY: usize = SUM.end + SECTION as usize + 8;
const ENTRIES: usize = (2 * FILE + 3 * RUN) as usize;
/// How many sectors A's first run has.
const FIRST_SECTORS: usize = ENTRY + FILE as usize + 8;
/// Where the record says how long it is.
const LENGTH: usize = 24;
/// The first sectors of both copies.
const COPIES: [usize; 2] = [4096, 9000];

/// The first block names all of a record's runs, or there is no record.
#[test]
fn the_first_block_leads_to_the_rest() {
    let with = |a: u64, b: u64| {
        let mut record = golden();
        for (file, number, at, sectors) in [(0, a, 4096, 1), (1, b, 12288 + 16384, 5)] {
            // The first block is in one piece.
            let sectors = |i| if i == 0 { 8 } else { sectors };
            let runs: Vec<Run> = (0..number).map(|i| run(at + 16 * i, sectors(i))).collect();
            record.files[file].bytes = 512 * runs.iter().map(|run| run.sectors).sum::<u64>();
            record.files[file].runs = runs;
        }
        let runs = record.files.iter().flat_map(|file| file.runs.clone());
        record.protected = Protected::new(runs, 4096, record.disk.bytes).unwrap();
        // All of the runs are needed; of the last one of B not all.
        record.staged.clear();
        record.staged = vec![7; 207 * 512 - 100 - record.length() as usize];
        record
    };
    assert_eq!(OWN_RUNS, 241);
    let record = with(200, 41);
    let bytes = record.encode().unwrap();
    let head = Head::decode(&bytes[..4096], &ID).unwrap();
    let mut runs = [0, 1].map(|i| record.files[i].runs.clone());
    runs[1][40].sectors = 4;
    assert_eq!(head.runs, runs);
    assert_eq!(head.length, bytes.len() as u64);
    let (runs, max) = (242, 241);
    assert_eq!(
        with(200, 42).encode(),
        Err(RecordError::OwnRuns { runs, max })
    );
    let (have, need) = (4095, 4096);
    assert_eq!(
        Head::decode(&bytes[..4095], &ID),
        Err(RecordError::Short { have, need })
    );
    // Runs of A that are too short for the record, and no entry of B.
    for at in [FIRST_SECTORS + 16, ENTRY + FILE as usize + 2 * 16] {
        let mut odd = GOLDEN[..4096].to_vec();
        assert!(Head::decode(&odd, &ID).is_ok());
        odd[at] = 3;
        let form = Err(RecordError::Form {
            what: "first block",
        });
        assert_eq!(Head::decode(&odd, &ID), form, "{at}");
    }
    // Another section first.
    let mut odd = GOLDEN[..4096].to_vec();
    odd[SUM.end] = 2;
    let what = "first block";
    assert_eq!(Head::decode(&odd, &ID), Err(RecordError::Form { what }));
    assert_eq!(Head::decode(&[0; 4096], &ID), Err(RecordError::NoMagic));
}

/// A disk with both copies of the golden record.
fn disk() -> Vec<u8> {
    let mut disk = vec![0xee; 9100 * 512];
    for file in &golden().files[..2] {
        let mut bytes = GOLDEN.to_vec();
        bytes.resize(file.bytes as usize, 0);
        let mut rest = bytes.as_slice();
        for run in &file.runs {
            let (part, after) = rest.split_at(run.sectors as usize * 512);
            disk[run.lba as usize * 512..][..part.len()].copy_from_slice(part);
            rest = after;
        }
    }
    disk
}

/// What these runs of a disk hold; nothing where it ends before.
fn read(disk: &[u8], runs: &[Run]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for run in runs {
        let place = run.bytes().unwrap();
        let end = place.end.min(disk.len() as u64) as usize;
        let start = (place.start as usize).min(end);
        bytes.extend_from_slice(&disk[start..end]);
    }
    bytes
}

/// The record by the head at each of these sectors, and all that failed.
fn find(disk: &[u8], heads: &[usize]) -> (Option<Record>, Vec<RecordError>) {
    let mut failed = Vec::new();
    for &lba in heads {
        let head = match Head::decode(&disk[lba * 512..][..4096], &ID) {
            Ok(head) => head,
            Err(error) => {
                failed.push(error);
                continue;
            }
        };
        assert!(head.length <= MAX_BYTES);
        assert!(head.runs.iter().map(Vec::len).sum::<usize>() <= OWN_RUNS);
        for runs in &head.runs {
            let sectors: u64 = runs.iter().map(|run| run.sectors).sum();
            assert_eq!(sectors, head.length.div_ceil(SECTOR));
            match Record::decode(&read(disk, runs), &ID) {
                Ok(record) => return (Some(record), failed),
                Err(error) => failed.push(error),
            }
        }
    }
    (None, failed)
}

/// A head has no checksum of its own: whatever it says, the record is either the
/// one that was written, from the other copy if need be, or there is none.
#[test]
fn a_damaged_head_leads_to_no_other_record() {
    let whole = disk();
    assert_eq!(find(&whole, &COPIES), (Some(golden()), vec![]));
    let mut random = Random(9);
    let (mut by_sum, mut otherwise, mut lost) = (0, 0, 0);
    for round in 0..3000 {
        let mut disk = whole.clone();
        let both = round % 2 == 0;
        for _ in 0..=random.below(3) {
            let at = match random.below(4) {
                0 => LENGTH,
                _ => ENTRY + random.below(ENTRIES),
            };
            let value = match random.below(4) {
                0 => 1 << random.below(64),
                1 => u64::MAX,
                2 => random.below(10_000),
                _ => random.next(),
            };
            let bytes = value.to_le_bytes();
            let bytes = &bytes[..random.pick(&[1, 4, 8])];
            for copy in &COPIES[..1 + usize::from(both)] {
                disk[copy * 512 + at..][..bytes.len()].copy_from_slice(bytes);
            }
        }
        let changed = disk[COPIES[0] * 512..][..4096] != GOLDEN[..4096];
        let (found, failed) = find(&disk, &COPIES);
        match found {
            Some(found) => assert_eq!(found, golden()),
            None => {
                assert!(both);
                lost += 1;
            }
        }
        assert_eq!(changed, !failed.is_empty());
        for error in failed {
            match error {
                RecordError::Damaged { .. } => by_sum += 1,
                _ => otherwise += 1,
            }
        }
    }
    assert!(by_sum > 500 && otherwise > 500 && lost > 500);
}

/// The most that a head can have read, and what is more than that.
#[test]
fn a_damaged_head_has_little_read() {
    let with = |length: u64, sectors: u64, lba: u64| {
        let mut block = GOLDEN[..4096].to_vec();
        block[LENGTH..LENGTH + 8].copy_from_slice(&length.to_le_bytes());
        // Of A's first run, and of B's only one.
        for at in [FIRST_SECTORS, FIRST_SECTORS + (RUN + FILE + RUN) as usize] {
            block[at..at + 8].copy_from_slice(&sectors.to_le_bytes());
            block[at - 8..at].copy_from_slice(&lba.to_le_bytes());
        }
        Head::decode(&block, &ID)
    };
    let most = with(MAX_BYTES, 1 << 54, 7).unwrap();
    let only = vec![run(7, MAX_BYTES / 512)];
    assert_eq!(most.runs, [only.clone(), only]);
    let more = MAX_BYTES + 1;
    assert_eq!(with(more, 1 << 54, 7), Err(RecordError::TooLong(more)));
    let what = "first block";
    let form = Err(RecordError::Form { what });
    // Bytes that have no number of 64 bits, and fewer than the record's.
    assert_eq!(with(MAX_BYTES, 1 << 54, u64::MAX / 512), form);
    assert_eq!(with(MAX_BYTES, 8, 7), form);
    // Runs as far as the block goes, and beyond.
    let runs = |number: u32| {
        let mut block = GOLDEN[..4096].to_vec();
        let at = ENTRY + 56;
        block[at..at + 4].copy_from_slice(&number.to_le_bytes());
        Head::decode(&block, &ID)
    };
    assert!(runs(2).is_ok());
    for number in [3, 241, 242, 1 << 28, u32::MAX] {
        assert_eq!(runs(number), form, "{number}");
    }
}
