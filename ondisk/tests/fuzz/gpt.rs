// SPDX-License-Identifier: MIT OR Apache-2.0
//! Damaged partition tables.

use ondisk::gpt::{Backup, LastPartition, OnDisk, Table};

use testkit::Target;

const SEED: &[u8] = include_bytes!("../fixtures/gpt/seed.gptbak");
const DISK: u64 = 20_971_520 * 512;
/// Headers and their entries, as far as they are in use.
const HEADER: usize = 92;
const USED: usize = 600;

fn u32_at(bytes: &[u8], at: usize) -> usize {
    let field = bytes.get(at..at + 4).unwrap_or(&[0; 4]);
    u32::from_le_bytes(field.try_into().unwrap()) as usize
}

/// Makes the checksums of a header and of its entries right.
fn mend(bytes: &mut [u8], header: usize, entries: usize) {
    let array = u32_at(bytes, header + 80).saturating_mul(128);
    let array = bytes
        .get(entries..)
        .and_then(|b| b.get(..array))
        .map(ondisk::checksum::crc32);
    let Some(header) = bytes.get_mut(header..header + HEADER) else {
        return;
    };
    if let Some(sum) = array {
        header[88..92].copy_from_slice(&sum.to_le_bytes());
    }
    header[16..20].fill(0);
    let sum = ondisk::checksum::crc32(header);
    header[16..20].copy_from_slice(&sum.to_le_bytes());
}

/// What a table writes is what is read again.
fn written(table: &Table) {
    let writes = table.writes(None).unwrap();
    let read = |offset: u64, buffer: &mut [u8]| {
        let write = writes.iter().find(|w| w.offset == offset);
        buffer.copy_from_slice(&write.ok_or("nothing was written there")?.bytes[..buffer.len()]);
        Ok::<(), &str>(())
    };
    let again = Table::from_disk(table.disk_bytes(), table.block_size, read);
    let again = again.unwrap().unwrap();
    assert!(again.table == *table, "another table was read");
    assert_eq!((again.primary_problem, again.backup_problem), (None, None));
}

#[test]
fn backups() {
    let plain = [&SEED[..1024], &SEED[1536..]].concat();
    let target = Target {
        name: "sgdisk --backup",
        samples: vec![SEED.to_vec(), SEED.to_vec(), plain],
        words: b"EFI PART",
        hot: vec![512..512 + HEADER, 1024..1024 + HEADER, 1536..1536 + USED],
        rounds: 8000,
    };
    let repair = |file: &mut [u8]| {
        let plain = file.get(1024..1032) != Some(b"EFI PART");
        let entries = if plain { 1024 } else { 1536 };
        mend(file, 512, entries);
        if !plain {
            mend(file, 1024, entries);
        }
    };
    let tally = target.run(repair, |file, _| {
        let Ok(backup) = Backup::parse(file) else {
            return false;
        };
        let again = Backup::parse(&backup.encode()).unwrap();
        assert!(again == backup, "another backup was read");
        for (block, last) in [
            (512, LastPartition::Grow),
            (4096, LastPartition::Grow),
            (512, LastPartition::Keep),
        ] {
            if let Ok(table) = backup.table().fit(DISK * 2, block, last) {
                written(&table);
                if block == 512 {
                    let copy = Backup::of(&table, backup.sector_0()).unwrap();
                    let again = Backup::parse(&copy.encode()).unwrap();
                    assert!(*again.table() == table, "another table was read");
                }
            }
        }
        true
    });
    tally.at_least(1000, 1000);
}

/// Head and tail of a disk with the seed's table, one behind the other.
fn disk(block: u32) -> (Vec<u8>, Vec<u8>) {
    let seed = Backup::parse(SEED).unwrap();
    let table = seed.table().fit(DISK, block, LastPartition::Keep).unwrap();
    let (mut head, mut tail) = (vec![0; 5 * 4096 + 16384], Vec::new());
    for write in table.writes(Some(seed.sector_0())).unwrap() {
        if write.offset > DISK / 2 {
            tail.extend(write.bytes);
        } else {
            let at = write.offset as usize;
            head[at..at + write.bytes.len()].copy_from_slice(&write.bytes);
        }
    }
    (head, tail)
}

#[test]
fn disks() {
    for block in [512, 4096] {
        let (head, tail) = disk(block);
        let (at, length) = (head.len(), head.len() + tail.len());
        let step = block as usize;
        let (first, second) = (step, length - step);
        let target = Target {
            name: "GPT disk",
            samples: vec![[head, tail].concat()],
            words: b"EFI PART",
            hot: vec![
                first..first + HEADER,
                second..second + HEADER,
                2 * step..2 * step + USED,
                at..at + USED,
            ],
            rounds: 4000,
        };
        let read_from = |bytes: &[u8], size: u64| -> Result<Option<OnDisk>, _> {
            let read = |offset: u64, buffer: &mut [u8]| {
                assert!(buffer.len() <= 4 << 20 && offset + buffer.len() as u64 <= size);
                let from_end = (DISK - offset.min(DISK)) as usize;
                let start = match offset.checked_sub(DISK - (length - at) as u64) {
                    Some(_) => length - from_end.min(length),
                    None => offset as usize,
                };
                let found = bytes.get(start..start + buffer.len());
                buffer.copy_from_slice(found.ok_or("a bad sector")?);
                Ok::<(), &str>(())
            };
            Table::from_disk(size, block, read)
        };
        let repair = |bytes: &mut [u8]| {
            mend(bytes, first, 2 * step);
            mend(bytes, second, at);
        };
        let tally = target.run(repair, |bytes, random| {
            let size = [DISK, DISK, DISK, DISK / 2, DISK + (1 << 30)][random.below(5)];
            let Ok(Some(found)) = read_from(bytes, size) else {
                return false;
            };
            for p in &found.table.partitions {
                let bytes = found.table.byte_range(p);
                assert!(bytes.start <= bytes.end);
            }
            assert!(
                found
                    .places
                    .iter()
                    .all(|p| p.start < p.end && p.end <= size)
            );
            if found.table.check().is_ok() {
                written(&found.table);
            }
            true
        });
        tally.at_least(1000, 10);
    }
}
