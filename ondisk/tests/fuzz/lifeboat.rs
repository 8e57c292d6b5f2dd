// SPDX-License-Identifier: MIT OR Apache-2.0
//! Damaged states, records, addresses and blobs.

use ondisk::lifeboat::record::{Head, MAX_BYTES, Record};
use ondisk::lifeboat::state::{State, newest};
use ondisk::lifeboat::{Address, Filler, Id, Run, SECTOR, cut};
use ondisk::sha256::Sha256Sum;
use testkit::Target;

const ID: Id = Id([
    0xa0, 0xa1, 0xa2, 0xa3, 0xa4, 0xa5, 0xa6, 0xa7, 0xa8, 0xa9, 0xaa, 0xab, 0xac, 0xad, 0xae, 0xaf,
]);
const STATES: &[u8] = include_bytes!("../fixtures/lifeboat/states.bin");
const FILLER: &[u8] = include_bytes!("../fixtures/lifeboat/filler.bin");

/// Makes the checksum of each whole block right.
fn mend_states(copies: &mut [u8]) {
    for block in copies.chunks_exact_mut(4096) {
        let sum = ondisk::checksum::crc32(&block[..4092]).to_le_bytes();
        block[4092..].copy_from_slice(&sum);
    }
}

#[test]
fn states() {
    let target = Target {
        name: "states",
        samples: STATES
            .chunks(4096)
            .flat_map(|a| [&STATES[..4096], FILLER].map(|b| [a, &b[..4096]].concat()))
            .collect(),
        words: b"replant state\0\0\0~replant filler\0\0",
        hot: vec![0..64, 16..32, 48..56, 4096..4152],
        rounds: 20_000,
    };
    let tally = target.run(mend_states, |copies, _| {
        let (a, b) = copies.split_at(copies.len().min(4096));
        // What is taken is what would be written.
        for block in [a, b] {
            if let Ok(state) = State::decode(block, &ID) {
                assert!(state.encode() == *block);
            }
        }
        let Ok(newest) = newest([a, b], &ID) else {
            return false;
        };
        let blocks = [a, b].map(|block| State::decode(block, &ID).ok());
        let highest = blocks.iter().flatten().map(|state| state.generation).max();
        assert_eq!(Some(newest.state.generation), highest);
        true
    });
    tally.at_least(2000, 1000);
}

#[test]
fn filler() {
    let target = Target {
        name: "filler",
        samples: FILLER.chunks(512).map(<[u8]>::to_vec).collect(),
        words: b"replant filler\0\0",
        hot: vec![0..44, 32..44],
        rounds: 10_000,
    };
    let tally = target.read(|sector, _| {
        let Some(found) = Filler::decode(sector) else {
            return false;
        };
        let block = Filler::block(&found.id, found.role, found.sector / 8);
        let at = (found.sector % 8) as usize * 512;
        assert_eq!(sector, &block[at..at + 512]);
        true
    });
    tally.at_least(500, 2000);
}

#[test]
fn addresses() {
    let target = Target {
        name: "addresses",
        samples: ["0,1,8,16", "2051,36028797018963958,4096,98304"]
            .map(|places| format!("{ID},{places}").into_bytes())
            .to_vec(),
        words: b",~0~8~16~+~-~ ~A~18446744073709551615~36028797018963960~\xd9\xa8",
        hot: vec![30..48, 48..72],
        rounds: 20_000,
    };
    let tally = target.read(|bytes, _| {
        let text = String::from_utf8_lossy(bytes);
        let Ok(address) = text.parse::<Address>() else {
            return false;
        };
        // One spelling, and places that can be read.
        assert_eq!(address.to_string(), text);
        for lba in address.record.into_iter().chain(address.state) {
            let sectors = 8;
            assert!(Run { lba, sectors }.bytes().is_some());
        }
        true
    });
    tally.at_least(200, 5000);
}

const RECORD: &[u8] = include_bytes!("../fixtures/lifeboat/record.bin");

/// Makes length and checksum of a record right.
fn mend_record(record: &mut [u8]) {
    if record.len() >= 80 {
        let length = (record.len() as u64).to_le_bytes();
        record[24..32].copy_from_slice(&length);
        let sum = Sha256Sum::of(&[&record[..48], &record[80..]].concat());
        record[48..80].copy_from_slice(&sum.0);
    }
}

#[test]
fn records() {
    let target = Target {
        name: "record",
        samples: vec![RECORD.to_vec()],
        words: b"replant record\0\0~replant filler\0\0~\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0",
        hot: vec![0..1200, 16..24, 96..640, 600..1200],
        rounds: 20_000,
    };
    let tally = target.run(mend_record, |bytes, _| {
        let head = Head::decode(bytes, &ID);
        // It is believed before it is verified.
        if let Ok(head) = &head {
            assert!(head.length <= MAX_BYTES);
            for runs in &head.runs {
                let sectors: u64 = runs.iter().map(|run| run.sectors).sum();
                assert_eq!(sectors, head.length.div_ceil(SECTOR));
                assert!(runs.len() <= 241 && runs.iter().all(|run| run.bytes().is_some()));
            }
        }
        let Ok(record) = Record::decode(bytes, &ID) else {
            return false;
        };
        let again = record.encode().unwrap();
        // A newer version is written as this one.
        assert_eq!(again.len(), bytes.len());
        assert_eq!(Record::decode(&again, &ID), Ok(record.clone()));
        if let Ok(head) = head {
            assert_eq!(head.length, bytes.len() as u64);
            let runs = cut(&record.files[0].runs, 0, head.length.div_ceil(SECTOR));
            assert_eq!(Ok(&head.runs[0]), runs.as_ref());
        }
        for file in &record.files {
            for run in &file.runs {
                let bytes = run.bytes().unwrap();
                assert!(record.protected.outside(&bytes).is_empty());
            }
            let parts = file
                .chunks
                .iter()
                .flat_map(|chunks| 0..chunks.sums.len() as u64);
            assert!(parts.clone().all(|part| file.chunk_runs(part).is_some()));
            assert_eq!(file.chunk_runs(parts.count() as u64), None);
        }
        true
    });
    tally.at_least(1000, 3000);
}
