// SPDX-License-Identifier: MIT OR Apache-2.0
//! Our partition tables against the installed sgdisk, byte for byte.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests"
)]

mod support;

use std::{
    fs,
    path::Path,
    process::Command,
    sync::atomic::{AtomicUsize, Ordering::Relaxed},
};

use ondisk::gpt::{Backup, Error, LastPartition, Table};
use support::{read_at, reader, write_at};
use testkit::{Loop, Random, output, sparse, tool};

const MIB: u64 = 1 << 20;

/// What sgdisk shall make of a disk, and the disk's size.
struct Layout {
    bytes: u64,
    args: Vec<String>,
}

/// A table of 0 to 12 partitions with gaps in places and numbers.
fn random_layout(random: &mut Random) -> Layout {
    let bytes = (64 + random.below(8000)) * MIB + 512 * random.below(2048);
    // Without any change sgdisk would write nothing.
    let mut args = ["-a", "1", "--disk-guid=R"].map(str::to_owned).to_vec();
    if random.below(3) == 0 {
        args.push(format!(
            "--resize-table={}",
            [4, 56, 64, 132, 256][random.below(5)]
        ));
    }
    if random.below(4) == 0 {
        args.push(format!("--move-main-table={}", 3 + random.below(1500)));
    }
    let sectors = bytes / 512;
    let mut start = 2048 + random.below(4096);
    let mut numbers: Vec<u64> = (1..=128).collect();
    if args.iter().any(|a| a == "--resize-table=4") {
        numbers.truncate(4);
    } else if args.len() > 3 {
        numbers.truncate(56);
    }
    for _ in 0..random.below(13) {
        let end = start + random.below(sectors / 12);
        if end > sectors - 200 || numbers.is_empty() {
            break;
        }
        let n = numbers.swap_remove(random.below(numbers.len()));
        let code = ["8300", "ef02", "8e00", "8200", "ef00", "0700"][random.below(6)];
        let name = [
            "",
            "root",
            "BIOS boot partition",
            "größe 日本 🦀",
            "a b\\c'd",
        ][random.below(5)];
        args.extend([
            format!("--new={n}:{start}:{end}"),
            format!("--typecode={n}:{code}"),
            format!("--change-name={n}:{name}"),
        ]);
        if random.below(3) == 0 {
            args.push(format!(
                "--attributes={n}:set:{}",
                [0, 2, 60, 63][random.below(4)]
            ));
        }
        start = end + 1 + random.below(3) * 2048;
    }
    Layout { bytes, args }
}

fn make(dir: &Path, random: &mut Random) -> (std::path::PathBuf, u64) {
    let layout = random_layout(random);
    let disk = sparse(dir.join("source.img"), layout.bytes);
    let boot_code: Vec<u8> = (0..446).map(|_| random.next() as u8).collect();
    let mut args: Vec<&str> = layout.args.iter().map(String::as_str).collect();
    args.push(disk.to_str().unwrap());
    tool("sgdisk", &args);
    write_at(&disk, 0, &boot_code);
    (disk, layout.bytes)
}

fn backup_by_sgdisk(disk: &Path, file: &Path) -> Vec<u8> {
    let arg = format!("--backup={}", file.display());
    // sgdisk does not cut off what is there already.
    let _ = fs::remove_file(file);
    tool("sgdisk", &[&arg, disk.to_str().unwrap()]);
    fs::read(file).unwrap()
}

/// Writes a table on an empty image of this size.
fn write_by_us(path: &Path, table: &Table, sector_0: &[u8]) {
    for write in table.writes(Some(sector_0)).unwrap() {
        write_at(path, write.offset, &write.bytes);
    }
}

/// The bytes that the two disks have in their first and last MiB.
fn assert_same_disk(ours: &Path, theirs: &Path, bytes: u64, what: &str) {
    for at in [0, bytes - MIB] {
        let (a, b) = (
            read_at(ours, at, MIB as usize),
            read_at(theirs, at, MIB as usize),
        );
        let differs = a.iter().zip(&b).position(|(a, b)| a != b);
        assert_eq!(
            differs.map(|i| at + i as u64),
            None,
            "{what}: first different byte"
        );
    }
}

/// Runs a check in several threads with a seed each: sgdisk sleeps for a
/// second after each write.
fn with_seeds(check: impl Fn(&Path, Random, u64) + Sync, seeds: std::ops::Range<u64>) {
    std::thread::scope(|scope| {
        let threads: Vec<_> = seeds
            .map(|seed| {
                let check = &check;
                scope.spawn(move || {
                    let dir = tempfile::tempdir().unwrap();
                    let mut random = Random(0x9e37_79b9_7f4a_7c15u64.wrapping_mul(seed));
                    for _ in 0..8 {
                        random.next();
                    }
                    check(dir.path(), random, seed);
                })
            })
            .collect();
        let failed = threads.into_iter().filter_map(|t| t.join().err()).count();
        assert_eq!(failed, 0, "seeds failed, see above");
    });
}

#[test]
fn backups_are_those_of_sgdisk() {
    testkit::needs!("sgdisk", "time");
    let partitions = AtomicUsize::new(0);
    let check = |dir: &Path, mut random: Random, seed: u64| {
        for round in 0..4 {
            let what = format!("seed {seed}, round {round}");
            let (disk, bytes) = make(dir, &mut random);
            let file = backup_by_sgdisk(&disk, &dir.join("bak"));
            let backup = Backup::parse(&file).expect(&what);
            assert!(
                backup.encode() == file,
                "{what}: parsed and encoded differs"
            );

            let found = Table::from_disk(bytes, 512, reader(&disk))
                .unwrap()
                .expect(&what);
            assert_eq!(
                (&found.primary_problem, &found.backup_problem),
                (&None, &None)
            );
            assert_eq!(&found.table, backup.table(), "{what}");
            found.table.check().expect(&what);
            let ours = Backup::of(&found.table, &read_at(&disk, 0, 512)).unwrap();
            let mut ours = ours.encode();
            assert_eq!(ours.len(), file.len(), "{what}");
            if found.table.entry_count != 128 {
                // sgdisk forgets the disk signature of such a disk; we keep it.
                assert_eq!(file[440..446], [0; 6]);
                ours[440..446].fill(0);
            }
            let differs = ours.iter().zip(&file).position(|(a, b)| a != b);
            assert_eq!(differs, None, "{what}: first different byte");
            partitions.fetch_add(found.table.partitions.len(), Relaxed);
        }
    };
    with_seeds(check, 1..11);
    let partitions = partitions.into_inner();
    assert!(
        partitions > 80,
        "the generator makes too little: {partitions}"
    );
}

#[test]
fn plain_copies_of_the_head_are_backups() {
    testkit::needs!("sgdisk");
    let dir = tempfile::tempdir().unwrap();
    let mut random = Random(0x5eed_0002);
    for _ in 0..2 {
        let disk = sparse(dir.path().join("source.img"), 100 * MIB);
        tool(
            "sgdisk",
            &["--new=1:0:+20M", "--new=7:0:0", disk.to_str().unwrap()],
        );
        write_at(&disk, 0, &random.next().to_le_bytes());
        let file = backup_by_sgdisk(&disk, &dir.path().join("bak"));
        let plain = Backup::parse(&read_at(&disk, 0, 34 * 512)).unwrap();
        assert!(plain.encode() == file);
    }
}

#[test]
fn disks_are_those_of_sgdisk() {
    testkit::needs!("sgdisk", "time");
    let compared = AtomicUsize::new(0);
    let check = |dir: &Path, mut random: Random, seed: u64| {
        let (disk, bytes) = make(dir, &mut random);
        let backup = Backup::parse(&backup_by_sgdisk(&disk, &dir.join("bak"))).unwrap();
        let table = backup.table();
        let need = match table.fit(512, 512, LastPartition::Keep).unwrap_err() {
            Error::DoesNotFit { need, .. } => need,
            other => panic!("{other}"),
        };
        let grown = bytes + random.below(5000) * MIB + random.below(4096) * 512;
        for target in [bytes, bytes + 512, grown, need.max(2 * MIB)] {
            let what = format!("seed {seed}, from {bytes} to {target} bytes");
            let fitted = table.fit(target, 512, LastPartition::Keep).expect(&what);
            let ours = sparse(dir.join("ours.img"), target);
            let mut sector_0 = backup.sector_0().to_vec();
            if target != bytes {
                // On a disk of another size sgdisk forgets the disk signature.
                sector_0[440..446].fill(0);
            }
            write_by_us(&ours, &fitted, &sector_0);
            let verdict = tool("sgdisk", &["--verify", ours.to_str().unwrap()]);
            assert!(verdict.contains("No problems found"), "{what}: {verdict}");
            // On a disk of another size sgdisk leaves as much room behind the
            // last usable block as there is before the first, which may be
            // more than the table needs; we take what it needs.
            let least = 2 + (u64::from(table.entry_count) * 128).div_ceil(512);
            if target != bytes && table.first_usable_lba != least {
                continue;
            }
            let theirs = sparse(dir.join("theirs.img"), target);
            let load = format!("--load-backup={}", dir.join("bak").display());
            tool("sgdisk", &[&load, theirs.to_str().unwrap()]);
            assert_same_disk(&ours, &theirs, target, &what);
            compared.fetch_add(1, Relaxed);
        }
    };
    with_seeds(check, 100..116);
    assert!(compared.into_inner() > 40);
}

#[test]
fn what_sgdisk_refuses_is_refused() {
    testkit::needs!("sgdisk");
    let dir = tempfile::tempdir().unwrap();
    let backup = Backup::parse(include_bytes!("fixtures/gpt/seed.gptbak")).unwrap();
    let file = dir.path().join("bak");
    fs::write(&file, backup.encode()).unwrap();
    let load = format!("--load-backup={}", file.display());
    for (sectors, fits) in [
        (20_781_089u64, true),
        (20_781_088, false),
        (20_000_000, false),
    ] {
        let disk = sparse(dir.path().join("disk.img"), sectors * 512);
        let status = output(Command::new("sgdisk").args([&load, disk.to_str().unwrap()])).status;
        assert_eq!(status.success(), fits, "sgdisk on {sectors} sectors");
        match backup.table().fit(sectors * 512, 512, LastPartition::Keep) {
            Ok(_) => assert!(fits),
            Err(Error::DoesNotFit { need, have }) => {
                assert!(!fits);
                assert_eq!((need, have), (20_781_089 * 512, sectors * 512));
            }
            Err(other) => panic!("{other}"),
        }
    }
}

#[test]
fn a_grown_last_partition_is_no_problem() {
    testkit::needs!("sfdisk", "sgdisk");
    let dir = tempfile::tempdir().unwrap();
    let backup = Backup::parse(include_bytes!("fixtures/gpt/seed.gptbak")).unwrap();
    let bytes = (50 << 30) + 512 * 77;
    let table = backup.table().fit(bytes, 512, LastPartition::Grow).unwrap();
    let disk = sparse(dir.path().join("disk.img"), bytes);
    write_by_us(&disk, &table, &[]);
    let verdict = tool("sgdisk", &["--verify", disk.to_str().unwrap()]);
    assert!(verdict.contains("No problems found"), "{verdict}");
    let end = (50u64 << 30) / 512 - 1;
    let info = tool("sgdisk", &["--info=3", disk.to_str().unwrap()]);
    assert!(info.contains(&format!("Last sector: {end} ")), "{info}");
    let dump = tool("sfdisk", &["--verify", disk.to_str().unwrap()]);
    assert!(dump.contains("No errors detected"), "{dump}");
}

#[test]
fn disks_with_blocks_of_4096_bytes() {
    testkit::needs!("root", "sfdisk", "sgdisk");
    let dir = tempfile::tempdir().unwrap();
    let seed = Backup::parse(include_bytes!("fixtures/gpt/seed.gptbak")).unwrap();
    let bytes = 12 << 30;
    let ours = sparse(dir.path().join("ours.img"), bytes);
    let table = seed.table().fit(bytes, 4096, LastPartition::Grow).unwrap();
    write_by_us(&ours, &table, seed.sector_0());
    let device = Loop::sectors(&ours, 4096);
    let verdict = tool("sgdisk", &["--verify", device.name()]);
    assert!(verdict.contains("No problems found"), "{verdict}");
    let dump = tool("sfdisk", &["--dump", device.name()]);
    assert!(dump.contains("sector-size: 4096"), "{dump}");
    assert!(
        dump.contains("start=         256, size=         512"),
        "{dump}"
    );

    // sgdisk's own backup of it, and that on another disk.
    let file = backup_by_sgdisk(&device.0, &dir.path().join("bak"));
    let backup = Backup::parse(&file).unwrap();
    assert_eq!(backup.table(), &table);
    assert!(backup.encode() == file);
    let theirs = sparse(dir.path().join("theirs.img"), bytes + MIB);
    let other = Loop::sectors(&theirs, 4096);
    let load = format!("--load-backup={}", dir.path().join("bak").display());
    tool("sgdisk", &[&load, other.name()]);
    let moved = table.fit(bytes + MIB, 4096, LastPartition::Keep).unwrap();
    let mine = sparse(dir.path().join("mine.img"), bytes + MIB);
    write_by_us(&mine, &moved, backup.sector_0());
    drop(other);
    assert_same_disk(&mine, &theirs, bytes + MIB, "4096");

    // And back to 512: nothing of the partitions has changed.
    let back = backup
        .table()
        .fit(20_971_520 * 512, 512, LastPartition::Keep);
    assert!(
        matches!(back, Err(Error::DoesNotFit { .. })),
        "the last one has grown"
    );
    let kept = seed.table().fit(bytes, 4096, LastPartition::Keep).unwrap();
    let back = kept
        .fit(20_971_520 * 512, 512, LastPartition::Keep)
        .unwrap();
    assert_eq!(&back, seed.table());
}

#[test]
fn a_damaged_primary_is_read_from_the_backup() {
    testkit::needs!("sgdisk");
    let dir = tempfile::tempdir().unwrap();
    let disk = sparse(dir.path().join("disk.img"), 64 * MIB);
    tool(
        "sgdisk",
        &["--new=1:0:+20M", "--new=2:0:0", disk.to_str().unwrap()],
    );
    let whole = Table::from_disk(64 * MIB, 512, reader(&disk))
        .unwrap()
        .unwrap();
    for damage in [512 + 60, 1024 + 40] {
        let byte = read_at(&disk, damage, 1);
        write_at(&disk, damage, &[byte[0] ^ 4]);
        let found = Table::from_disk(64 * MIB, 512, reader(&disk))
            .unwrap()
            .unwrap();
        assert_eq!(found.table, whole.table);
        assert!(found.primary_problem.is_some());
        write_at(&disk, damage, &byte);
    }
    // A disk that grew: the backup is where the header says, not at the end.
    fs::File::options()
        .write(true)
        .open(&disk)
        .unwrap()
        .set_len(80 * MIB)
        .unwrap();
    let found = Table::from_disk(80 * MIB, 512, reader(&disk))
        .unwrap()
        .unwrap();
    assert_eq!(found.table, whole.table);
    assert!(
        matches!(found.backup_problem, Some(Error::Field { .. })),
        "{found:?}"
    );
    assert!(
        found.places.contains(&(64 * MIB - 512..64 * MIB)),
        "{:?}",
        found.places
    );
}
