// SPDX-License-Identifier: MIT OR Apache-2.0
//! Damaged boot sectors.

use ondisk::mbr::{Sector0, disk_signature, from_disk};

use testkit::Target;

const TABLES: &[u8] = include_bytes!("../fixtures/mbr/logical.bin");
/// Where the fixture's sectors are on its disk.
const PLACES: [u64; 5] = [0, 43008, 49152, 59392, 63488];
const DISK: u64 = 409_600 * 512;

#[test]
fn tables() {
    let target = Target {
        name: "MBR",
        samples: vec![TABLES.to_vec()],
        words: b"",
        hot: (0..5).map(|i| i * 512 + 446..i * 512 + 512).collect(),
        rounds: 20_000,
    };
    let read_from = |sectors: &[u8], block_size: u32| {
        let mut reads = 0;
        let read = |offset: u64, buffer: &mut [u8]| {
            reads += 1;
            assert!(reads < 30_000 && offset < DISK);
            let i = PLACES.iter().position(|p| p * 512 == offset);
            let at = i.ok_or("not a table")? * 512;
            buffer.copy_from_slice(sectors.get(at..at + 512).ok_or("cut off")?);
            Ok::<(), &str>(())
        };
        from_disk(DISK, block_size, read)
    };
    let tally = target.read(|sectors, random| {
        let block_size = [512, 512, 4096, u32::MAX][random.below(4)];
        disk_signature(sectors);
        let _ = ondisk::mark::decode(sectors);
        let Ok(Sector0::Dos(table)) = read_from(sectors, block_size) else {
            return false;
        };
        assert!(table.partitions.len() <= 255);
        let mut numbers: Vec<u32> = table.partitions.iter().map(|p| p.number).collect();
        numbers.sort_unstable();
        numbers.dedup();
        assert_eq!(numbers.len(), table.partitions.len());
        for p in &table.partitions {
            assert!(p.number <= 255 && !p.byte_range(block_size).is_empty());
        }
        table.chain_problem.is_none()
    });
    tally.at_least(1000, 5000);
}
