// SPDX-License-Identifier: MIT OR Apache-2.0
//! The payload read from places of a disk: real loop devices with sectors of
//! 512 and of 4096 bytes, a real file system's extents, damage.

use super::scratch::{self, Ext4, sh};
use super::{equal, snapshot};
use ondisk::lifeboat::record::{Chunks, Pinned};
use ondisk::lifeboat::{Role, Run, SECTOR};
use ondisk::sha256::Sha256Sum;
use replant::disk::Disk;
use replant::payload::Payload;
use replant::payload::runs::{Error, Runs};
use replant::payload::unpack::{Options, unpack};
use replant::payload::verify::{self, Expected};
use std::fs::File;
use std::io::Read;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use testkit::{Loop, Mount, Random, sparse};

const CHUNK: u64 = 64 << 10;

/// What the record says of a file.
pub fn record(bytes: &[u8], runs: &[Run], chunk: u64) -> Pinned {
    Pinned {
        role: Role::Payload,
        bytes: bytes.len() as u64,
        sum: None,
        runs: runs.into(),
        chunks: Some(Chunks {
            bytes: chunk,
            sums: bytes.chunks(chunk as usize).map(Sha256Sum::of).collect(),
        }),
    }
}

/// `count` runs for so many bytes, shuffled, each at a multiple of `align`
/// sectors and with a gap behind it.
fn scattered(random: &mut Random, size: u64, count: u64, align: u64) -> Vec<Run> {
    let units = size.div_ceil(SECTOR * align);
    let mut runs = Vec::new();
    let (mut lba, mut left) = (align * 5, units);
    for n in 0..count {
        let fair = left / (count - n);
        let take = match n + 1 == count {
            true => left,
            false => random.range(1..fair * 2).min(left - (count - n - 1)),
        };
        left -= take;
        runs.push(Run {
            lba,
            sectors: take * align,
        });
        lba += (take + random.range(1..4)) * align;
    }
    for n in (1..runs.len()).rev() {
        runs.swap(n, random.below(n + 1));
    }
    runs
}

/// Writes the bytes to their places.
fn write(image: &Path, bytes: &[u8], runs: &[Run]) {
    let file = File::options().write(true).open(image).unwrap();
    let mut rest = bytes;
    for run in runs {
        let length = rest.len().min((run.sectors * SECTOR) as usize);
        file.write_all_at(&rest[..length], run.lba * SECTOR)
            .unwrap();
        rest = &rest[length..];
    }
    assert!(rest.is_empty());
    file.sync_all().unwrap();
}

fn payload(disk: Disk, bytes: &[u8], runs: &[Run]) -> Payload {
    Payload::runs(Runs::new(disk, "va.tar.xz", record(bytes, runs, CHUNK)).unwrap())
}

fn read(payload: &Payload) -> Vec<u8> {
    let mut bytes = Vec::new();
    payload.open().unwrap().read_to_end(&mut bytes).unwrap();
    bytes
}

/// A file of odd length, and a disk that holds it in 120 pieces.
struct Scattered {
    _dir: tempfile::TempDir,
    image: PathBuf,
    bytes: Vec<u8>,
    runs: Vec<Run>,
}

fn on_disk(seed: u64, align: u64) -> Scattered {
    let mut random = Random(seed);
    let dir = tempfile::tempdir().unwrap();
    let image = sparse(dir.path().join("disk"), 16 << 20);
    let bytes = random.bytes(3_000_001);
    let runs = scattered(&mut random, bytes.len() as u64, 120, align);
    write(&image, &bytes, &runs);
    Scattered {
        _dir: dir,
        image,
        bytes,
        runs,
    }
}

#[test]
fn shuffled_runs_of_an_image() {
    for align in [1, 8] {
        let it = on_disk(align, align);
        let payload = payload(Disk::open(&it.image).unwrap(), &it.bytes, &it.runs);
        assert_eq!(payload.size(), 3_000_001);
        assert_eq!(payload.name(), "va.tar.xz");
        // From the start each time, and two at once.
        let mut other = payload.open().unwrap();
        other.read_exact(&mut [0; 100]).unwrap();
        assert!(read(&payload) == it.bytes && read(&payload) == it.bytes);
        let mut rest = Vec::new();
        other.read_to_end(&mut rest).unwrap();
        assert!(rest == it.bytes[100..]);
    }
}

/// The node's cache is not asked: it may know what was there before. Places that
/// are no multiples of the disk's blocks are read by whole blocks.
#[test]
fn loop_devices_of_both_sector_sizes_past_their_cache() {
    testkit::needs!("root", "losetup");
    for (sector, align) in [(512, 1), (512, 2), (4096, 8), (4096, 1)] {
        let it = on_disk(77, align);
        let empty = vec![0; it.bytes.len()];
        let is_empty = |node: &Loop| {
            let bytes = std::fs::read(&node.0).unwrap();
            bytes.iter().all(|byte| *byte == 0)
        };
        // A machine that is short of memory drops what a cache has: again, then.
        let stale = (0..10).find_map(|_| {
            write(&it.image, &empty, &it.runs);
            let node = Loop::sectors(&it.image, sector);
            // Keeps the node open, so that its cache stays.
            let held = File::open(&node.0).unwrap();
            assert!(is_empty(&node));
            write(&it.image, &it.bytes, &it.runs);
            is_empty(&node).then_some((node, held))
        });
        let (node, _held) = stale.expect("a stale cache");

        let disk = Disk::open(&node.0).unwrap();
        assert_eq!(disk.block_size(), sector);
        assert!(
            read(&payload(disk, &it.bytes, &it.runs)) == it.bytes,
            "sectors of {sector}, runs at multiples of {align}"
        );
    }
}

/// Blocks of 1 KiB on a partition from LBA 63 on: nothing lies at 4 KiB.
#[test]
fn the_extents_of_a_file_of_ext4() {
    testkit::needs!("root", "losetup", "mkfs.ext4", "filefrag");
    let dir = tempfile::tempdir().unwrap();
    let image = sparse(dir.path().join("disk"), 16 << 20);
    let start = 63 * SECTOR;
    let part = Loop::part(&image, start, 15 << 20);
    sh("mkfs.ext4 -qF -b 1024 \"$1\"", &[&part.0]);
    let bytes = Random(5).bytes(2_000_003);
    let root = dir.path().join("root");
    let listed = {
        let mounted = Mount::new(&part.0, &root, "");
        let file = mounted.0.join("va.tar.xz");
        // The file system is full but for small gaps.
        let fill = "cd \"$1\"; n=10; while head -c 40000 /dev/zero >$n; do n=$((n+1)); done 2>errors || true
            sync; rm *[02468]";
        sh(fill, &[&root]);
        std::fs::write(&file, &bytes).unwrap();
        sh("sync; filefrag -s -e -b512 \"$1\"", &[&file])
    };
    drop(part);
    let listed = String::from_utf8(listed).unwrap();
    let runs: Vec<Run> = listed
        .lines()
        .filter_map(|line| {
            let fields: Vec<&str> = line
                .split([':', '.', ' '])
                .filter(|f| !f.is_empty())
                .collect();
            fields.first()?.parse::<u32>().ok()?;
            let [lba, sectors] = [3, 5].map(|n| fields[n].parse::<u64>().unwrap());
            Some(Run {
                lba: lba + 63,
                sectors,
            })
        })
        .collect();
    assert!(runs.len() > 3, "{listed}");
    assert!(runs.iter().any(|run| run.lba % 8 != 0), "{runs:?}");
    let node = Loop::new(&image);
    let payload = payload(Disk::open(&node.0).unwrap(), &bytes, &runs);
    assert!(read(&payload) == bytes);
}

#[test]
fn it_is_unpacked_like_a_file() {
    testkit::needs!("root", "xz", "mkfs.ext4");
    let mut random = Random(9);
    let trees = [Ext4::new(64), Ext4::new(64), Ext4::new(64)];
    let [from, ours, theirs] = trees.each_ref().map(Ext4::path);
    for n in 0..40 {
        let bytes = scratch::compressible(&mut random, 100_000 + n);
        std::fs::write(from.join(n.to_string()), bytes).unwrap();
    }
    let dir = tempfile::tempdir().unwrap();
    let archive = dir.path().join("va.tar.xz");
    // Blocks that are decoded side by side.
    sh(
        "tar -c --sort=name --numeric-owner -C \"$1\" . | xz -0 -T2 --block-size=300KiB >\"$2\"",
        &[from, &archive],
    );
    let bytes = std::fs::read(&archive).unwrap();
    let image = sparse(dir.path().join("disk"), 32 << 20);
    let runs = scattered(&mut random, bytes.len() as u64, 120, 1);
    write(&image, &bytes, &runs);
    let node = Loop::new(&image);
    let scattered = payload(Disk::open(&node.0).unwrap(), &bytes, &runs);
    let options = Options {
        decoder: equal::LIMITS,
        at_most: None,
    };
    let file = Payload::file(&archive).unwrap();
    let summary = unpack(&file, theirs, &options, &mut |_| {}).unwrap();
    let mut last = 0;
    let found = unpack(&scattered, ours, &options, &mut |now| last = now.compressed);
    assert_eq!(found.unwrap(), summary);
    assert_eq!(last, bytes.len() as u64);
    assert!(snapshot::assert_equal(ours, theirs) > 40);
}

#[test]
fn a_flipped_bit_is_named_before_a_byte_of_its_chunk_is_out() {
    let mut it = on_disk(3, 1);
    let good = it.bytes.clone();
    let chunk = 20;
    let at = chunk * CHUNK as usize + 12_345;
    it.bytes[at] ^= 4;
    write(&it.image, &it.bytes, &it.runs);
    let payload = payload(Disk::open(&it.image).unwrap(), &good, &it.runs);
    let mut reader = payload.open().unwrap();
    let mut out = Vec::new();
    let error = reader.read_to_end(&mut out).unwrap_err();
    assert!(out == good[..chunk * CHUNK as usize]);
    // The end of the file is not there, however often one asks.
    assert!(reader.read(&mut [0; 10]).is_err() && reader.read(&mut [0; 10]).is_err());

    // Which sectors of the disk these bytes are, one by one.
    let each = |run: &Run| run.lba..run.lba + run.sectors;
    let sectors: Vec<u64> = it.runs.iter().flat_map(each).collect();
    let per_chunk = (CHUNK / SECTOR) as usize;
    let expected = &sectors[chunk * per_chunk..][..per_chunk];
    let Some(Error::Changed(changed)) = error.get_ref().and_then(|e| e.downcast_ref()) else {
        panic!("{error}");
    };
    assert_eq!(
        changed
            .damage
            .runs
            .iter()
            .flat_map(each)
            .collect::<Vec<_>>(),
        expected
    );
    assert_eq!(changed.bytes, 20 * CHUNK..21 * CHUNK);
    assert_eq!(changed.damage.chunk, 20);

    // The decoder's errors and those of a comparison carry it.
    let expected = Expected {
        size: good.len() as u64,
        sha256: Sha256Sum::of(&good),
    };
    let text = verify::payload(&payload, &expected, &mut |_| {})
        .unwrap_err()
        .to_string();
    assert_eq!(text, error.to_string());
    assert!(
        text.contains(
            " in bytes 1310720 to 1376256 of va.tar.xz: chunk 20 of payload is damaged: "
        )
    );
}

/// The whole sum is bound by those of the chunks: it is not computed again.
#[test]
fn what_was_verified_as_it_was_read_is_not_hashed_twice() {
    let it = on_disk(4, 2);
    let payload = payload(Disk::open(&it.image).unwrap(), &it.bytes, &it.runs);
    let expected = |size| Expected {
        size,
        sha256: Sha256Sum([0; 32]),
    };
    let mut passed = 0;
    verify::payload(&payload, &expected(3_000_001), &mut |now| passed = now).unwrap();
    assert_eq!(passed, 3_000_001);
    for size in [3_000_000, 3_000_002] {
        assert!(verify::payload(&payload, &expected(size), &mut |_| {}).is_err());
    }
}

#[test]
fn a_disk_that_ends_before_is_named() {
    let it = on_disk(6, 1);
    let payload = payload(Disk::open(&it.image).unwrap(), &it.bytes, &it.runs);
    let last = it.runs.iter().max_by_key(|run| run.lba).unwrap();
    let short = File::options().write(true).open(&it.image).unwrap();
    short.set_len(last.lba * SECTOR).unwrap();
    let mut reader = payload.open().unwrap();
    let error = std::io::copy(&mut reader, &mut std::io::sink()).unwrap_err();
    let text = error.to_string();
    let named = format!(" cannot be read at LBA {}: ", last.lba);
    assert!(text.contains(&named), "{text}");
}

/// How often this process has a file open.
fn descriptors(file: &Path) -> usize {
    let open = std::fs::read_dir("/proc/self/fd").unwrap();
    open.filter_map(|entry| std::fs::read_link(entry.ok()?.path()).ok())
        .filter(|target| target == file)
        .count()
}

#[test]
fn a_reader_that_is_dropped_takes_its_thread_along() {
    let it = on_disk(7, 1);
    let payload = payload(Disk::open(&it.image).unwrap(), &it.bytes, &it.runs);
    let image = it.image.canonicalize().unwrap();
    assert_eq!(descriptors(&image), 1);
    for taken in [0, 1, 100_000, 3_000_001] {
        let mut reader = payload.open().unwrap();
        reader.read_exact(&mut vec![0; taken]).unwrap();
        drop(reader);
        // The thread's own went with it.
        assert_eq!(descriptors(&image), 1, "{taken}");
    }
    let reader = payload.open().unwrap();
    assert_eq!(descriptors(&image), 2);
    drop(reader);
}
