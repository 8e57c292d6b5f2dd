// SPDX-License-Identifier: MIT OR Apache-2.0
//! A record written and read, and its bytes as ARCHITECTURE.md has them.

mod check;
mod head;
mod reserve;

use super::layout::{SUM, checksum};
use super::*;
use crate::lifeboat::{Filler, Run, Twin, cut};
use crate::sha256::Sha256Sum;

/// A record that a few lines of Python made.
const GOLDEN: &[u8] = include_bytes!("../../../../tests/fixtures/lifeboat/record.bin");
const ID: Id = Id([
    0xa0, 0xa1, 0xa2, 0xa3, 0xa4, 0xa5, 0xa6, 0xa7, 0xa8, 0xa9, 0xaa, 0xab, 0xac, 0xad, 0xae, 0xaf,
]);

fn file(role: Role, bytes: u64, runs: &[(u64, u64)]) -> Pinned {
    let run = |&(lba, sectors): &(u64, u64)| Run { lba, sectors };
    Pinned {
        role,
        bytes,
        sum: None,
        runs: runs.iter().map(run).collect(),
        chunks: None,
    }
}

/// What those bytes say.
fn golden() -> Record {
    let payload: Vec<u8> = (0..1300).map(|n| (n % 251) as u8).collect();
    let files = vec![
        file(Role::Record(Twin::A), 36864, &[(4096, 8), (4200, 64)]),
        file(Role::Record(Twin::B), 36864, &[(9000, 72)]),
        file(Role::State(Twin::A), 8192, &[(12290, 16)]),
        file(Role::State(Twin::B), 8192, &[(20480, 16)]),
        Pinned {
            sum: Some(Sha256Sum::of(&payload)),
            chunks: Some(Chunks {
                bytes: 1024,
                sums: payload.chunks(1024).map(Sha256Sum::of).collect(),
            }),
            ..file(Role::Payload, 1300, &[(30001, 1), (30000, 1), (40000, 2)])
        },
    ];
    let runs = files.iter().flat_map(|file| file.runs.clone());
    let mut seed = [0; 32];
    seed.iter_mut().zip(0..).for_each(|(byte, n)| *byte = n);
    Record {
        id: ID,
        disk: Disk {
            bytes: 32 << 20,
            logical_block: 512,
            physical_block: 4096,
            serial: "Sérial".into(),
            wwn: "naa.1".into(),
        },
        time: 1_700_000_000,
        host: "old.example".into(),
        seed,
        manifest: b"manifest\n".to_vec(),
        table_backup: b"table".to_vec(),
        staged: b"staged\n".to_vec(),
        protected: Protected::new(runs, 4096, 32 << 20).unwrap(),
        files,
        wipe: vec![0..512, 1 << 20..2 << 20],
        old: Some(Old {
            head: vec![1; 34 * 512],
            tail: vec![2; 33 * 512],
            armed: [3; 512],
        }),
    }
}

fn run(lba: u64, sectors: u64) -> Run {
    Run { lba, sectors }
}

/// The bytes with a right checksum, and read.
fn mended(change: impl Fn(&mut Vec<u8>)) -> RecordError {
    let mut bytes = GOLDEN.to_vec();
    change(&mut bytes);
    let sum = checksum(&bytes).0;
    bytes[SUM].copy_from_slice(&sum);
    Record::decode(&bytes, &ID).unwrap_err()
}

fn set_length(bytes: &mut [u8]) {
    let length = (bytes.len() as u64).to_le_bytes();
    bytes[24..32].copy_from_slice(&length);
}

#[test]
fn the_bytes_are_those_of_the_layout() {
    let record = golden();
    assert_eq!(Record::decode(GOLDEN, &ID), Ok(record.clone()));
    assert!(record.encode().unwrap() == GOLDEN);
    let head = Head::decode(&GOLDEN[..4096], &ID).unwrap();
    assert_eq!(head.length, GOLDEN.len() as u64);
    // Its files have one sector more than it needs.
    let runs = [0, 1].map(|i| cut(&record.files[i].runs, 0, 71).unwrap());
    assert_eq!(head.runs, runs);
}

#[test]
fn what_follows_the_record_does_not_matter() {
    let mut padded = GOLDEN.to_vec();
    padded.extend(Filler::block(&ID, Role::Record(Twin::A), 9));
    assert_eq!(Record::decode(&padded, &ID), Ok(golden()));
    let mut early = golden();
    early.old = None;
    let bytes = early.encode().unwrap();
    assert_eq!(Record::decode(&bytes, &ID), Ok(early.clone()));
    assert_eq!(bytes.len() as u64, early.length());
}

#[test]
fn what_is_no_record_is_told_apart() {
    let decode = |bytes: &[u8]| Record::decode(bytes, &ID).unwrap_err();
    assert_eq!(decode(&[]), RecordError::NoMagic);
    let filler = Filler::block(&ID, Role::Record(Twin::B), 0);
    assert!(matches!(decode(&filler), RecordError::Filler(f) if f.role == Role::Record(Twin::B)));
    let need = GOLDEN.len() as u64;
    let have = need - 1;
    assert_eq!(
        decode(&GOLDEN[..GOLDEN.len() - 1]),
        RecordError::Short { have, need }
    );
    assert_eq!(decode(&GOLDEN[..79]), RecordError::Form { what: "head" });
    let want = Id([1; 16]);
    let found = ID;
    assert_eq!(
        Record::decode(GOLDEN, &want),
        Err(RecordError::Foreign { found, want })
    );
    let (major, minor) = (2, 0);
    assert_eq!(mended(|b| b[16] = 2), RecordError::Version { major, minor });
    assert!(matches!(mended(|b| b[27] = 1), RecordError::TooLong(_)));
    assert_eq!(
        mended(|b| b[24..32].fill(0)),
        RecordError::Form { what: "head" }
    );
    // Each byte is in the sum.
    for at in (0..GOLDEN.len()).step_by(7) {
        let mut bytes = GOLDEN.to_vec();
        bytes[at] ^= 0x40;
        assert!(Record::decode(&bytes, &ID).is_err(), "{at}");
        if at >= 48 {
            assert!(
                matches!(decode(&bytes), RecordError::Damaged { .. }),
                "{at}"
            );
        }
    }
}

#[test]
fn a_newer_record_is_taken_when_all_of_it_is_known() {
    let add = |bytes: &mut Vec<u8>, kind: u32, minor: u8| {
        bytes[18] = minor;
        bytes.extend(kind.to_le_bytes());
        bytes.extend([0; 4]);
        bytes.extend(3u64.to_le_bytes());
        bytes.extend(*b"new");
        set_length(bytes);
    };
    let mut newer = GOLDEN.to_vec();
    newer[18] = 7;
    let sum = checksum(&newer).0;
    newer[SUM].copy_from_slice(&sum);
    assert_eq!(Record::decode(&newer, &ID), Ok(golden()));
    let error = mended(|bytes| add(bytes, 13, 7));
    let (major, minor, kind) = (1, 7, 13);
    assert_eq!(error, RecordError::UnknownSection { major, minor, kind });
    assert_eq!(
        error.to_string(),
        "the record has version 1.7 with section 13, which this replant (1.0) does not know"
    );
    // Of this version there is none, and none comes twice.
    let (found, want) = (13, 0);
    assert_eq!(
        mended(|bytes| add(bytes, 13, 0)),
        RecordError::Order { found, want }
    );
    let (found, want) = (12, 0);
    assert_eq!(
        mended(|bytes| add(bytes, 12, 7)),
        RecordError::Order { found, want }
    );
    // The last section is missing.
    let cut = mended(|bytes| {
        bytes.truncate(bytes.len() - 512 - 16);
        set_length(bytes);
    });
    assert_eq!(cut, RecordError::Order { found: 0, want: 12 });
    let odd = mended(|bytes| {
        bytes.push(0);
        set_length(bytes);
    });
    assert_eq!(odd, RecordError::Form { what: "end" });
}

#[test]
fn damage_is_named_with_its_place() {
    let record = golden();
    let payload = record.file(Role::Payload).unwrap();
    let mut bytes: Vec<u8> = (0..1300).map(|n| (n % 251) as u8).collect();
    assert_eq!(payload.chunk(0), Some((0, 1024)));
    assert_eq!(payload.chunk(1), Some((1024, 276)));
    assert_eq!((payload.chunk(2), payload.chunk(u64::MAX)), (None, None));
    assert_eq!(
        payload.chunk_runs(0),
        Some(vec![run(30001, 1), run(30000, 1)])
    );
    assert_eq!(payload.chunk_runs(1), Some(vec![run(40000, 1)]));
    assert_eq!(payload.checked(0, &bytes[..1024]), Ok(&bytes[..1024]));
    // As whole sectors come from the disk.
    let mut read = bytes[1024..].to_vec();
    read.resize(512, 0xee);
    assert_eq!(payload.checked(1, &read), Ok(&bytes[1024..]));
    bytes[1000] ^= 1;
    let damage = payload.checked(0, &bytes).unwrap_err();
    assert_eq!(
        damage.to_string(),
        "chunk 0 of payload is damaged: sectors of 512 bytes of the disk: 30001 to 30001, 30000 to \
         30000"
    );
    assert!(payload.checked(1, &read[..275]).is_err());
    assert!(payload.checked(2, &read).unwrap_err().runs.is_empty());
    assert!(record.files[0].checked(0, &read).is_err());
}
