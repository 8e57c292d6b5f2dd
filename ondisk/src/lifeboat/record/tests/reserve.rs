// SPDX-License-Identifier: MIT OR Apache-2.0
//! The room that a record needs before its runs are known.

use super::super::layout::{ARMED, CHUNK, FILE, RANGE, RUN};
use super::*;
use testkit::Random;

fn counts(record: &Record) -> Counts {
    let chunks = record.files.iter().filter_map(|file| file.chunks.as_ref());
    Counts {
        runs: record.files.iter().map(|file| file.runs.len() as u64).sum(),
        chunks: chunks.map(|chunks| chunks.sums.len() as u64).sum(),
    }
}

/// What is known when the record's own file is made.
fn early() -> Record {
    Record {
        files: Vec::new(),
        protected: Protected::default(),
        old: None,
        ..golden()
    }
}

#[test]
fn a_records_size_is_known_before_its_place() {
    let early = early();
    let least = early.length() + 12 * FILE + 67 * 512 + ARMED;
    // As many chunks as fill a block, for each of its bytes to count.
    let counts_of = (0..128).map(|chunks| (7, chunks));
    for (runs, chunks) in counts_of.chain([(0, 0), (1024, 0), (1024, 77)]) {
        let bytes = least + runs * (RUN + RANGE) + chunks * CHUNK;
        let room = early.reserve(Counts { runs, chunks });
        assert_eq!(room, Ok(bytes.next_multiple_of(4096)));
    }
    let whole = golden();
    let room = early.reserve(counts(&whole)).unwrap();
    assert!(whole.encode().unwrap().len() as u64 <= room);
    assert_eq!(whole.reserve(counts(&whole)), Ok(room));
}

#[test]
fn no_record_is_longer_than_the_bound() {
    let too_long = |record: &Record, runs, chunks| {
        let room = record.reserve(Counts { runs, chunks });
        assert!(matches!(room, Err(RecordError::TooLong(_))), "{room:?}");
    };
    too_long(&early(), u64::MAX, 0);
    too_long(&early(), 0, u64::MAX);
    too_long(&early(), u64::MAX, u64::MAX);
    too_long(&early(), MAX_BYTES / 32, 0);
    let mut long = golden();
    long.staged = vec![0; 9 << 20];
    too_long(&long, 0, 0);
    assert!(matches!(long.encode(), Err(RecordError::TooLong(_))));
}

/// Files come in any order, each may be protected before, when it comes, or at
/// last, and there may be ranges of no file: there is always room for the whole.
#[test]
fn whatever_came_first_there_is_room() {
    let mut random = Random(5);
    for _ in 0..300 {
        let logical_block = random.pick(&[512, 4096]);
        let disk = Disk {
            bytes: 1 << 40,
            logical_block,
            ..golden().disk
        };
        let mut place = |sectors| run(random.below((1u64 << 31) - sectors), sectors);
        let extra: Vec<Run> = (0..600).map(|_| place(8)).collect();
        let mut lbas: Vec<u64> = (0..400).map(|_| place(9).lba).collect();
        let extra = &extra[..random.pick(&[0, 3, 600])];
        let mut files = Vec::new();
        for role in Role::ALL {
            // In many places, or some that are joined.
            let mut next = |random: &mut Random| match random.below(3) {
                0 => run(1000 + random.below(200u64), 3),
                _ => run(lbas.pop().unwrap(), 1 + random.below(8u64)),
            };
            let runs = (0..random.below(30)).map(|_| next(&mut random)).collect();
            let sums = vec![Sha256Sum([7; 32]); random.below(40)];
            let bytes = 4096;
            files.push(Pinned {
                role,
                bytes,
                sum: None,
                runs,
                chunks: (!sums.is_empty()).then_some(Chunks { bytes, sums }),
            });
        }
        files.truncate(random.below(13));
        let protect = |files: &[Pinned]| {
            let runs = files.iter().flat_map(|file| file.runs.clone());
            let runs = runs.chain(extra.iter().copied());
            Protected::new(runs, 4096, disk.bytes).unwrap()
        };
        let block = logical_block as usize;
        let mut now = Record {
            protected: protect(&[]),
            disk: disk.clone(),
            ..early()
        };
        let whole = Record {
            protected: protect(&files),
            files: files.clone(),
            old: Some(Old {
                head: vec![1; 34 * block],
                tail: vec![2; 33 * block],
                armed: [3; 512],
            }),
            ..now.clone()
        };
        let most = counts(&whole);
        let first = now.reserve(most).unwrap();
        let mut exact = extra.is_empty();
        while !files.is_empty() {
            assert!(now.reserve(most).unwrap() >= whole.length());
            if exact {
                assert_eq!(now.reserve(most), Ok(first));
            }
            let file = files.swap_remove(random.below(files.len()));
            now.files.push(file);
            now.files.sort_by_key(|file| file.role);
            match random.below(4) {
                0 => {}
                // Of those that are still missing, too.
                1 => (now.protected, exact) = (whole.protected.clone(), false),
                _ => now.protected = protect(&now.files),
            }
        }
        assert!(now.reserve(most).unwrap() >= whole.length());
        // What is there counts, whatever is said of it.
        let (runs, chunks) = (0, 0);
        assert!(whole.reserve(Counts { runs, chunks }).unwrap() >= whole.length());
    }
}
