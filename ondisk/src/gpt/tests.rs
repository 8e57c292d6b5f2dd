// SPDX-License-Identifier: MIT OR Apache-2.0
//! Tests of the whole module; those against sgdisk are in `tests/`.

use super::*;

const SEED: &[u8] = include_bytes!("../../tests/fixtures/gpt/seed.gptbak");
const SEED_BYTES: u64 = 20_971_520 * 512;

fn seed() -> Table {
    Backup::parse(SEED).unwrap().table().clone()
}

fn crc(bytes: &[u8]) -> [u8; 4] {
    crate::checksum::crc32(bytes).to_le_bytes()
}

/// Makes the checksum of the header at `at` right.
fn seal(file: &mut [u8], at: usize) {
    file[at + 16..at + 20].fill(0);
    let sum = crc(&file[at..at + 92]);
    file[at + 16..at + 20].copy_from_slice(&sum);
}

/// The seed's file with bytes of both headers replaced, checksums right.
fn with_field(at: usize, bytes: &[u8]) -> Vec<u8> {
    let mut file = SEED.to_vec();
    for header in [512, 1024] {
        file[header + at..header + at + bytes.len()].copy_from_slice(bytes);
        seal(&mut file, header);
    }
    file
}

/// A disk in memory with the seed's table.
fn disk(table: &Table) -> (Vec<u8>, Vec<u8>) {
    let (mut head, mut tail) = (vec![0; 1 << 20], vec![0; 1 << 20]);
    for write in table.writes(None).unwrap() {
        let tail_at = table.disk_bytes() - (1 << 20);
        let (part, at) = match write.offset.checked_sub(tail_at) {
            Some(at) => (&mut tail, at as usize),
            None => (&mut head, write.offset as usize),
        };
        part[at..at + write.bytes.len()].copy_from_slice(&write.bytes);
    }
    (head, tail)
}

fn read_disk(head: &[u8], tail: &[u8], bytes: u64, block: u32) -> Result<Option<OnDisk>, Error> {
    Table::from_disk(bytes, block, |offset, buffer: &mut [u8]| {
        let from = |part: &[u8], at: u64| {
            let at = usize::try_from(at).ok()?;
            part.get(at..at.checked_add(buffer.len())?)
                .map(<[u8]>::to_vec)
        };
        let tail_at = bytes - tail.len() as u64;
        let found = from(head, offset).or_else(|| from(tail, offset.checked_sub(tail_at)?));
        let found = found.ok_or("no such place")?;
        buffer.copy_from_slice(&found);
        Ok::<(), &str>(())
    })
}

#[test]
fn the_seed_s_backup() {
    let backup = Backup::parse(SEED).unwrap();
    assert_eq!(backup.encode(), SEED);
    let table = backup.table();
    assert_eq!((table.block_size, table.disk_bytes()), (512, SEED_BYTES));
    assert_eq!(
        table.disk_guid.to_string(),
        "ECAB40BF-AD09-49DE-B591-C5D7CF0662CD"
    );
    let parts: Vec<_> = table
        .partitions
        .iter()
        .map(|p| {
            (
                p.number,
                p.type_guid,
                p.first_lba,
                p.last_lba,
                p.name.to_string(),
            )
        })
        .collect();
    let want = [
        (
            1,
            Guid::BIOS_BOOT,
            2048,
            6143,
            "BIOS boot partition".to_owned(),
        ),
        (
            2,
            Guid::LINUX,
            6144,
            2_103_295,
            "Linux filesystem".to_owned(),
        ),
        (3, Guid::LVM, 2_103_296, 20_781_055, "Linux LVM".to_owned()),
    ];
    assert_eq!(parts, want);
    assert_eq!(Backup::of(table, backup.sector_0()).unwrap().encode(), SEED);
    assert_eq!(
        table.fit(SEED_BYTES, 512, LastPartition::Keep).as_ref(),
        Ok(table)
    );
}

#[test]
fn a_file_that_is_too_long_or_short() {
    let longer = [SEED, &[1; 999]].concat();
    assert_eq!(
        Backup::parse(&longer).unwrap().encode(),
        SEED,
        "sgdisk leaves a longer file's end"
    );
    for len in [0, 511, 1535, 1536, 17_919] {
        assert!(Backup::parse(&SEED[..len]).is_err(), "{len}");
    }
    let error = Backup::parse(&SEED[..17_000]).unwrap_err().to_string();
    assert!(
        error.contains("17000") && error.contains("17920"),
        "{error}"
    );
    // A copy of the first MiB of a disk.
    let (head, _) = disk(&seed());
    assert_eq!(Backup::parse(&head).unwrap().table(), &seed());
    assert_eq!(Backup::parse(&head[..34 * 512]).unwrap().table(), &seed());
}

#[test]
fn one_damaged_header_of_a_backup() {
    for header in [512, 1024] {
        let mut file = SEED.to_vec();
        file[header + 60] ^= 1;
        assert_eq!(Backup::parse(&file).unwrap().table(), &seed(), "{header}");
    }
    let mut file = SEED.to_vec();
    file[512 + 60] ^= 1;
    file[1024 + 60] ^= 1;
    assert!(matches!(
        Backup::parse(&file),
        Err(Error::BothDamaged { .. })
    ));
    let mut file = SEED.to_vec();
    file[1536 + 40] ^= 1;
    assert!(matches!(
        Backup::parse(&file),
        Err(Error::EntriesChecksum { .. })
    ));
}

#[test]
fn wild_header_fields() {
    let unsupported =
        |at: usize, value: u32| match Backup::parse(&with_field(at, &value.to_le_bytes())) {
            Err(Error::BothDamaged { primary, .. }) => {
                matches!(*primary, Error::Unsupported { .. })
            }
            other => panic!("{at} {value}: {other:?}"),
        };
    for size in [0, 1, 127, 136, 256, u32::MAX] {
        assert!(unsupported(84, size));
    }
    for count in [0, 32769, u32::MAX] {
        assert!(unsupported(80, count));
    }
    assert!(unsupported(8, 0x0002_0000));
    assert!(unsupported(12, 512));
    // Within the bound, but there are not so many bytes.
    let file = with_field(80, &32768u32.to_le_bytes());
    assert!(matches!(
        Backup::parse(&file),
        Err(Error::FileSize { count: 32768, .. })
    ));
    for (at, value) in [
        (24, 5),
        (32, 0),
        (32, u64::MAX),
        (40, 0),
        (40, u64::MAX),
        (48, 0),
        (72, 0),
    ] {
        let file = with_field(at, &u64::to_le_bytes(value));
        assert!(Backup::parse(&file).is_err(), "field at {at}: {value}");
    }
}

#[test]
fn fit_says_what_is_missing() {
    let need = 20_781_089 * 512;
    let fit = |bytes| seed().fit(bytes, 512, LastPartition::Grow);
    assert!(fit(need).is_ok());
    for have in [0, 512, need - 512, need - 1] {
        assert_eq!(fit(have), Err(Error::DoesNotFit { need, have }));
    }
    let text = fit(need - 512).unwrap_err().to_string();
    assert!(
        text.contains(&format!("{need}")) && text.contains(": 512 bytes too few"),
        "{text}"
    );
}

#[test]
fn the_last_partition_grows_to_a_full_mib() {
    let bytes = (20 << 30) + 4096;
    let grown = seed().fit(bytes, 512, LastPartition::Grow).unwrap();
    assert_eq!(grown.last_usable_lba, bytes / 512 - 34);
    let last = grown.last_partition().unwrap();
    assert_eq!((last.number, last.first_lba), (3, 2_103_296));
    // The disk's last MiB is not whole: 33 blocks of it hold the backup copy.
    assert_eq!(grown.byte_range(last).end, (20 << 30) - (1 << 20));
    assert_eq!(grown.partitions[..2], seed().partitions[..2]);
    // It never shrinks, even where it ends within the last MiB.
    let mut full = seed();
    full.partitions[2].last_lba = full.last_usable_lba;
    let same = full.fit(SEED_BYTES, 512, LastPartition::Grow).unwrap();
    assert_eq!(same, full);
}

#[test]
fn blocks_of_another_size() {
    let big = seed().fit(SEED_BYTES, 4096, LastPartition::Keep).unwrap();
    assert_eq!((big.first_usable_lba, big.disk_blocks), (6, 20_971_520 / 8));
    for (a, b) in seed().partitions.iter().zip(&big.partitions) {
        assert_eq!(seed().byte_range(a), big.byte_range(b));
    }
    assert_eq!(
        big.fit(SEED_BYTES, 512, LastPartition::Keep).unwrap(),
        seed()
    );
    let mut odd = seed();
    odd.partitions[1].last_lba -= 1;
    assert!(matches!(
        odd.fit(SEED_BYTES, 4096, LastPartition::Keep),
        Err(Error::Unaligned {
            number: 2,
            block_size: 4096,
            ..
        })
    ));
    for block in [0, 1, 256, 513, 1 << 17] {
        assert_eq!(
            seed().fit(SEED_BYTES, block, LastPartition::Keep),
            Err(Error::BlockSize(block))
        );
    }
}

#[test]
fn tables_that_contradict_themselves() {
    let broken = |change: fn(&mut Table)| {
        let mut table = seed();
        change(&mut table);
        assert!(
            table.writes(None).is_err() && table.fit(1 << 40, 512, LastPartition::Grow).is_err()
        );
        table.check().unwrap_err()
    };
    let overlap = broken(|t| t.partitions[2].first_lba -= 1);
    assert_eq!(
        overlap,
        Error::Overlap {
            a: 2,
            b: 3,
            lba: 2_103_295
        }
    );
    assert!(matches!(
        broken(|t| t.partitions[0].first_lba = 33),
        Error::Bounds { number: 1, .. }
    ));
    assert!(matches!(
        broken(|t| t.partitions[0].last_lba = 1),
        Error::Bounds { number: 1, .. }
    ));
    assert!(matches!(
        broken(|t| t.partitions[2].last_lba = u64::MAX),
        Error::Bounds { .. }
    ));
    assert!(matches!(
        broken(|t| t.partitions[1].number = 3),
        Error::Number { number: 3, .. }
    ));
    assert!(matches!(
        broken(|t| t.partitions[1].number = 0),
        Error::Number { number: 0, .. }
    ));
    assert!(matches!(
        broken(|t| t.partitions[1].number = 129),
        Error::Number { .. }
    ));
    let twin = broken(|t| t.partitions[1].guid = t.partitions[2].guid);
    assert!(matches!(twin, Error::SameGuid { a: 2, b: 3, .. }));
    broken(|t| t.disk_blocks = u64::MAX);
    broken(|t| t.disk_blocks = 3);
    broken(|t| t.entry_count = u32::MAX);
    broken(|t| t.entries_lba = 3);
    broken(|t| t.backup_entries_lba += 1);
    broken(|t| t.last_usable_lba += 1);
}

#[test]
fn writes_are_in_order_and_whole() {
    for (block, entries) in [(512u32, 32u64), (4096, 4)] {
        let table = Table::new(1 << 30, block, Guid([7; 16])).unwrap();
        let code: Vec<u8> = (0..512).map(|i| i as u8 | 1).collect();
        let writes = table.writes(Some(&code)).unwrap();
        let b = u64::from(block);
        let end = 1 << 30;
        let places: Vec<_> = writes
            .iter()
            .map(|w| (w.offset, w.bytes.len() as u64))
            .collect();
        let want = [
            (end - (entries + 1) * b, entries * b),
            (end - b, b),
            (2 * b, entries * b),
            (b, b),
            (0, b),
        ];
        assert_eq!(places, want);
        let sector_0 = &writes[4].bytes;
        assert_eq!(sector_0[..446], code[..446]);
        assert_eq!(sector_0[462..510], [0; 48]);
        assert!(sector_0[512..].iter().all(|&b| b == 0));
        assert_eq!(
            table.writes(Some(&code[..10])).unwrap()[4].bytes[10..446],
            [0; 436]
        );
    }
    let huge = Table::new(4 << 40, 512, Guid([7; 16])).unwrap();
    assert_eq!(
        huge.protective_mbr(None)[446 + 5..446 + 16],
        [0xff, 0xff, 0xff, 1, 0, 0, 0, 0xff, 0xff, 0xff, 0xff]
    );
}

#[test]
fn a_disk_with_one_damaged_copy() {
    let (head, tail) = disk(&seed());
    let sound = read_disk(&head, &tail, SEED_BYTES, 512).unwrap().unwrap();
    assert_eq!(sound.table, seed());
    assert_eq!((sound.primary_problem, sound.backup_problem), (None, None));
    let empty = vec![0; 1 << 20];
    let from_tail = read_disk(&empty, &tail, SEED_BYTES, 512).unwrap().unwrap();
    assert_eq!(from_tail.table, seed());
    assert_eq!(
        from_tail.primary_problem,
        Some(Error::NoSignature(Copy::Primary))
    );
    let from_head = read_disk(&head, &empty, SEED_BYTES, 512).unwrap().unwrap();
    assert_eq!(from_head.table, seed());
    assert_eq!(
        from_head.backup_problem,
        Some(Error::NoSignature(Copy::Backup))
    );
    assert_eq!(read_disk(&empty, &empty, SEED_BYTES, 512), Ok(None));
    // A disk that was cut off still shows its partitions.
    let cut = read_disk(&head, &empty, SEED_BYTES / 2, 512)
        .unwrap()
        .unwrap();
    assert_eq!(cut.table.partitions, seed().partitions);
    let unreadable = Table::from_disk(SEED_BYTES, 512, |_, _: &mut [u8]| Err("bad sector"));
    assert!(unreadable.unwrap_err().to_string().contains("bad sector"));
}

/// Some tools clear only the type of an entry. The file made of such a table
/// must be whole all the same.
#[test]
fn a_plain_copy_with_rests_in_unused_entries() {
    let mut plain = [&SEED[..1024], &SEED[1536..]].concat();
    plain[1024 + 9 * 128 + 40] = 7;
    let sum = crc(&plain[1024..]);
    plain[512 + 88..512 + 92].copy_from_slice(&sum);
    seal(&mut plain, 512);
    let backup = Backup::parse(&plain).unwrap();
    assert_eq!(backup.table(), &seed());
    assert_eq!(backup.encode(), SEED);
}
