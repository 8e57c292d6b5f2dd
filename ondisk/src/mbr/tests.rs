// SPDX-License-Identifier: MIT OR Apache-2.0
//! Tables with logical partitions, loops and overlaps.

use super::*;

const TABLES: &[u8] = include_bytes!("../../tests/fixtures/mbr/logical.bin");
/// Where the fixture's sectors are on its disk.
const PLACES: [u64; 5] = [0, 43008, 49152, 59392, 63488];
const DISK: u64 = 409_600 * 512;

fn read_from(sectors: &[u8]) -> Result<Sector0, String> {
    from_disk(DISK, 512, |offset, buffer: &mut [u8]| {
        let i = PLACES
            .iter()
            .position(|p| p * 512 == offset)
            .ok_or("not a table")?;
        buffer.copy_from_slice(&sectors[i * 512..(i + 1) * 512]);
        Ok::<(), String>(())
    })
}

fn dos(sectors: &[u8]) -> Table {
    match read_from(sectors) {
        Ok(Sector0::Dos(table)) => table,
        other => panic!("{other:?}"),
    }
}

#[test]
fn primary_and_logical_partitions() {
    let table = dos(TABLES);
    assert_eq!(
        (table.signature, &table.chain_problem),
        (0x1a2b_3c4d, &None)
    );
    let partitions: Vec<_> = table
        .partitions
        .iter()
        .map(|p| (p.number, p.kind, p.first_lba, p.blocks))
        .collect();
    let want = [
        (1, 0x83, 2048, 20480),
        (2, 0x8e, 22528, 20480),
        (3, 0x05, 43008, 300_000),
        (4, 0x82, 350_000, 1000),
        (5, 0x83, 45056, 4096),
        (6, 0x8e, 51200, 8192),
        (7, 0x07, 61440, 2048),
        (8, 0x83, 65536, 100_000),
    ];
    assert_eq!(partitions, want);
    let active: Vec<_> = table
        .partitions
        .iter()
        .filter(|p| p.active)
        .map(|p| p.number)
        .collect();
    assert_eq!(active, [1]);
    assert!(table.partition(3).unwrap().is_extended());
    assert_eq!(
        table.partition(5).unwrap().byte_range(512),
        45056 * 512..49152 * 512
    );
}

#[test]
fn chains_that_lead_nowhere() {
    // The second entry of the second link: type at 466, start at 470.
    let link = 2 * 512 + ENTRIES_AT + 16;
    let with_start = |start: u32| {
        let mut sectors = TABLES.to_vec();
        sectors[link + 8..link + 12].copy_from_slice(&start.to_le_bytes());
        dos(&sectors)
    };
    // Back to the first link, and so on for ever: partitions without end.
    let circle = with_start(0);
    assert!(
        matches!(circle.chain_problem, Some(ChainProblem::Circle { .. })),
        "{circle:?}"
    );
    assert!(circle.partitions.len() <= 255);
    let outside = with_start(u32::MAX);
    assert!(matches!(
        outside.chain_problem,
        Some(ChainProblem::Outside { .. })
    ));
    let unreadable = with_start(5);
    assert!(matches!(
        unreadable.chain_problem,
        Some(ChainProblem::Read { lba: 43013, .. })
    ));
    // What came before the break stays.
    assert_eq!(unreadable.partitions.len(), 6);
    let mut sectors = TABLES.to_vec();
    sectors[4 * 512 + 511] = 0;
    assert_eq!(
        dos(&sectors).chain_problem,
        Some(ChainProblem::NoTable { lba: 63488 })
    );
    assert_eq!(dos(&sectors).partitions.len(), 7);
}

#[test]
fn a_circle_of_empty_links_ends() {
    let mut sectors = TABLES.to_vec();
    // The first link: no partition of its own, the next link is itself.
    sectors[512 + ENTRIES_AT..512 + ENTRIES_AT + 16].fill(0);
    sectors[512 + ENTRIES_AT + 24..512 + ENTRIES_AT + 28].fill(0);
    assert_eq!(
        dos(&sectors).chain_problem,
        Some(ChainProblem::Circle { lba: 43008 })
    );
}

#[test]
fn what_sector_0_is() {
    let mut sector = [0; 512];
    assert_eq!(read_from(&sector), Ok(Sector0::None));
    sector[510..].copy_from_slice(&[0x55, 0xaa]);
    assert!(matches!(read_from(&sector), Ok(Sector0::Dos(t)) if t.partitions.is_empty()));
    sector[ENTRIES_AT + 16 + 4] = KIND_GPT;
    assert_eq!(read_from(&sector), Ok(Sector0::Protective));
    // Text where a filesystem's boot sector has it.
    sector[ENTRIES_AT..ENTRIES_AT + 16].copy_from_slice(b"Disk read error.");
    assert_eq!(read_from(&sector), Ok(Sector0::None));
    assert_eq!(
        from_disk(100, 512, |_, _: &mut [u8]| Err("no")),
        Ok(Sector0::None)
    );
    assert_eq!(from_disk(1000, 512, |_, _: &mut [u8]| Err("no")), Err("no"));
    assert_eq!(disk_signature(TABLES), 0x1a2b_3c4d);
    assert_eq!(disk_signature(&[]), 0);
}

#[test]
fn a_new_table_is_active_as_the_old_one_was() {
    let mut old = [0; 512];
    old[510..].copy_from_slice(&[0x55, 0xaa]);
    let new = [7; 512];
    assert_eq!(active_as(&old, &new), new);
    // The third entry.
    old[446 + 2 * 16] = 0x80;
    let active = active_as(&old, &new);
    assert_eq!((active[446], active[462]), (0x80, 7));
    assert_eq!(
        (active[..446].to_vec(), active[447..].to_vec()),
        (new[..446].to_vec(), new[447..].to_vec())
    );
    // No table, and code in the place of one.
    assert_eq!(active_as(&old[..511], &new), new);
    old[510] = 0;
    assert_eq!(active_as(&old, &new), new);
    old[510] = 0x55;
    old[446 + 2 * 16] = 0xff;
    assert_eq!(active_as(&old, &new), new);
}
