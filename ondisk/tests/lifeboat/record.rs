// SPDX-License-Identifier: MIT OR Apache-2.0
use ondisk::lifeboat::record::{Chunks, Disk, Head, Old, Pinned, Record};
use ondisk::lifeboat::{Protected, Role, Run, Twin, cut};
use ondisk::sha256::Sha256Sum;

const ID: &str = "a0a1a2a3a4a5a6a7a8a9aaabacadaeaf";
const GOLDEN: &[u8] = include_bytes!("../fixtures/lifeboat/record.bin");

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

fn record() -> Record {
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
        id: ID.parse().unwrap(),
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

#[test]
fn records() {
    let record = record();
    assert_eq!(Record::decode(GOLDEN, &record.id), Ok(record.clone()));
    assert!(record.encode().unwrap() == GOLDEN);
    let head = Head::decode(&GOLDEN[..4096], &record.id).unwrap();
    assert_eq!(head.length, GOLDEN.len() as u64);
    // Its files have one sector more than it needs.
    let runs = [0, 1].map(|i| cut(&record.files[i].runs, 0, 71).unwrap());
    assert_eq!(head.runs, runs);
}
