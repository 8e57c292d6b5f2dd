// SPDX-License-Identifier: MIT OR Apache-2.0
//! Records whose parts contradict each other.

use super::super::Inconsistent as I;
use super::*;
use crate::lifeboat::ProtectedError;

const PAYLOAD: Role = Role::Payload;
/// Where the golden record has the payload.
const AT: usize = 4;
const MIB: u64 = 1 << 20;

/// What is wrong with the golden record after a change, for who writes it.
fn fault(change: impl Fn(&mut Record)) -> I {
    let mut record = golden();
    change(&mut record);
    match record.encode().unwrap_err() {
        RecordError::Inconsistent(why) => why,
        other => panic!("{other}"),
    }
}

/// What is wrong with it when all of its files are protected.
fn protected(change: impl Fn(&mut Record)) -> Result<(), I> {
    let mut record = golden();
    change(&mut record);
    let runs = record.files.iter().flat_map(|file| file.runs.clone());
    record.protected = Protected::new(runs, 4096, record.disk.bytes).unwrap();
    record.check()
}

#[test]
fn who_reads_checks_what_who_writes_checks() {
    // The payload's size, in its entry.
    let role = [11, 0, 0, 0, 0, 0, 0, 0];
    let entry = GOLDEN.windows(8).position(|b| b == role).unwrap();
    let read = mended(|bytes| bytes[entry + 8..entry + 16].fill(0));
    let why = fault(|r| r.files[AT].bytes = 0);
    assert_eq!(read, RecordError::Inconsistent(why));
}

#[test]
fn blocks_of_a_disk() {
    for bytes in [0, 256, 1536, 8192] {
        let block = fault(|r| r.disk.logical_block = bytes);
        assert_eq!(block, I::LogicalBlock(bytes));
    }
    let block = I::Protected(ProtectedError::BlockSize(7));
    assert_eq!(fault(|r| r.disk.physical_block = 7), block);
    // Ranges of 4096 bytes are no whole blocks.
    let larger = fault(|r| r.disk.physical_block = 16384);
    assert!(matches!(larger, I::Protected(_)));
    let beyond = fault(|r| r.disk.bytes = 16 * MIB);
    assert!(matches!(beyond, I::Protected(_)));
}

#[test]
fn texts_are_short() {
    type Field = fn(&mut Record) -> &mut String;
    let fields: [(_, Field); 3] = [
        ("serial number", |r| &mut r.disk.serial),
        ("world wide name", |r| &mut r.disk.wwn),
        ("host name", |r| &mut r.host),
    ];
    for (what, field) in fields {
        let (bytes, long) = (1025, "x".repeat(1025));
        let why = fault(|r| field(r).clone_from(&long));
        assert_eq!(why, I::Text { what, bytes });
        let mut longest = Record {
            old: None,
            ..golden()
        };
        *field(&mut longest) = "x".repeat(1024);
        assert_eq!(longest.check(), Ok(()));
    }
}

#[test]
fn files_come_once_and_in_order() {
    let first = Role::Record(Twin::A);
    assert_eq!(fault(|r| r.files.swap(0, 1)), I::Order(first));
    let twice = fault(|r| r.files.push(r.files[AT].clone()));
    assert_eq!(twice, I::Order(PAYLOAD));
    for (at, role) in Role::ALL.into_iter().enumerate().take(4) {
        assert_eq!(fault(|r| drop(r.files.remove(at))), I::Missing(role));
    }
}

#[test]
fn files_lie_on_the_disk_and_are_protected() {
    let (end, role) = (32 * MIB / 512, PAYLOAD);
    for run in [
        run(1, 0),
        run(end, 1),
        run(end - 1, 2),
        run(u64::MAX, 1),
        run(u64::MAX, 2),
    ] {
        let outside = I::Outside { role, run };
        assert_eq!(fault(|r| r.files[AT].runs.push(run)), outside);
    }
    let last = |r: &mut Record| r.files[AT].runs.push(run(end - 1, 1));
    assert_eq!(protected(last), Ok(()));
    // One sector of two is.
    let run = run(40007, 2);
    let why = fault(|r| r.files[AT].runs[2] = run);
    assert_eq!(why, I::Unprotected { role, run });
}

#[test]
fn no_sector_belongs_to_two() {
    let (a, b, lba) = (Role::Record(Twin::B), PAYLOAD, 9071);
    let why = fault(|r| r.files[AT].runs[2] = run(9071, 1));
    assert_eq!(why, I::Overlap { a, b, lba });
    // Nor twice to one.
    let (a, b, lba) = (PAYLOAD, PAYLOAD, 30001);
    let why = fault(|r| r.files[AT].runs[1] = run(30000, 2));
    assert_eq!(why, I::Overlap { a, b, lba });
}

#[test]
fn sizes_sums_and_chunks_belong_together() {
    let size = |bytes, sectors| I::Size {
        role: PAYLOAD,
        bytes,
        sectors,
    };
    assert_eq!(fault(|r| r.files[AT].bytes = 0), size(0, 4));
    assert_eq!(fault(|r| r.files[AT].bytes = 2049), size(2049, 4));
    assert_eq!(fault(|r| r.files[AT].runs.clear()), size(1300, 0));
    assert_eq!(fault(|r| r.files[AT].sum = None), I::Sum(PAYLOAD));
    for (at, role) in Role::ALL.into_iter().enumerate().take(4) {
        let sum = Some(Sha256Sum([1; 32]));
        assert_eq!(fault(|r| r.files[at].sum = sum), I::Sum(role));
    }
    // With its two sums.
    let bytes = |bytes| move |r: &mut Record| r.files[AT].chunks.as_mut().unwrap().bytes = bytes;
    for wrong in [0, 511, 512, 1023, 1025, 1536] {
        assert_eq!(fault(bytes(wrong)), I::Chunks(PAYLOAD), "{wrong}");
    }
    // With one.
    let one = |size| {
        move |r: &mut Record| {
            bytes(size)(r);
            r.files[AT].chunks.as_mut().unwrap().sums.truncate(1);
        }
    };
    assert_eq!(protected(one(MAX_CHUNK)), Ok(()));
    for wrong in [1024, MAX_CHUNK + 512, u64::MAX / 512 * 512] {
        assert_eq!(fault(one(wrong)), I::Chunks(PAYLOAD), "{wrong}");
    }
}

#[test]
fn its_own_files_have_room_for_it() {
    let need = GOLDEN.len() as u64;
    for (at, role, first) in [
        (0, Role::Record(Twin::A), 4096),
        (1, Role::Record(Twin::B), 9000),
    ] {
        let bytes = need - 1;
        let why = fault(|r| r.files[at].bytes = bytes);
        assert_eq!(why, I::Room { role, bytes, need });
        let exact = |r: &mut Record| r.files[at].bytes = need;
        assert_eq!(protected(exact), Ok(()));
        let torn = |r: &mut Record| {
            r.files[at].runs = vec![run(first, 7), run(first + 100, 65)];
        };
        assert_eq!(protected(torn), Err(I::FirstBlock(role)));
    }
}

#[test]
fn states_have_a_block_each_and_are_apart() {
    for (at, role, lba) in [
        (2, Role::State(Twin::A), 12290),
        (3, Role::State(Twin::B), 20482),
    ] {
        // Twice a part of an aligned block.
        let torn = |r: &mut Record| r.files[at].runs = vec![run(lba, 13), run(lba + 14, 3)];
        assert_eq!(protected(torn), Err(I::NoBlock(role)));
    }
    // The block of A begins at sector 12296.
    let b_at = |lba| protected(|r| r.files[3].runs = vec![run(lba, 16)]);
    let near = |b| Err(I::Near { a: 12296, b });
    assert_eq!(b_at(12296 + 2040), near(14336));
    assert_eq!(b_at(12296 + 2048), Ok(()));
    assert_eq!(b_at(12296 - 2040), near(10256));
    assert_eq!(b_at(12296 - 2048), Ok(()));
}

#[test]
fn what_is_wiped_is_in_order_and_on_the_disk() {
    let end = 32 * MIB;
    for (start, end) in [
        (0, 1),
        (2 * MIB, 2 * MIB),
        (2 * MIB - 1, 3 * MIB),
        (2 * MIB, end + 1),
        (u64::MAX, 0),
    ] {
        let why = fault(|r| r.wipe.push(start..end));
        assert_eq!(why, I::Wipe { start, end });
    }
    let rest = |r: &mut Record| r.wipe.push(2 * MIB..end);
    assert_eq!(protected(rest), Ok(()));
    let nothing = |r: &mut Record| r.wipe.clear();
    assert_eq!(protected(nothing), Ok(()));
}

#[test]
fn what_was_at_the_ends_of_the_disk_is_whole() {
    let old = |what, have, want| I::Old { what, have, want };
    let mut cases = Vec::new();
    for more in [-1, 1] {
        let size = |bytes: u64| bytes.wrapping_add_signed(more);
        cases.extend([
            ("head", size(34 * 512), 34 * 512),
            ("tail", size(33 * 512), 33 * 512),
        ]);
    }
    for (what, have, want) in cases {
        let why = fault(|r| {
            let old = r.old.as_mut().unwrap();
            let part = if what == "head" {
                &mut old.head
            } else {
                &mut old.tail
            };
            part.resize(have as usize, 0);
        });
        assert_eq!(why, old(what, have, want));
    }
    // In blocks of the disk.
    let why = fault(|r| r.disk.logical_block = 1024);
    assert_eq!(why, old("head", 34 * 512, 34 * 1024));
}
