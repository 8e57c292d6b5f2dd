// SPDX-License-Identifier: MIT OR Apache-2.0
//! Files lie where they may, in the shape that was wished, and are there.

use super::ground::{EXT4, EXT4_SMALL_BLOCKS, Ground, KINDS, Kind, XFS};
use crate::old::pinned::extents::places;
use crate::old::pinned::{Allowed, Flaw, Obstacle, Search, Wish, holes, release};
use ondisk::run::Run;
use ondisk::sha256::Sha256Sum;
use rustix::fs::{FallocateFlags, fallocate};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use testkit::{Random, tool};

const MIB: u64 = 1 << 20;

fn distance(a: &Run, b: &Run) -> u64 {
    let gap = if a.lba < b.lba {
        b.lba - a.lba - a.sectors
    } else {
        a.lba - b.lba - b.sectors
    };
    gap * 512
}

/// What a staging pins: a payload, a kernel twice, a blob of the loader, two
/// copies of a state.
fn everything(kind: Kind, aged: bool) {
    let ground = Ground::new(kind, 512);
    if aged {
        ground.age(200);
    }
    // The first 100 MiB and the last one are somebody else's.
    let (start, end) = (100 * MIB, 511 * MIB);
    let site = ground.site();
    let dir = ground.root().join("upd.new");
    fs::create_dir(&dir).unwrap();
    let allowed = Allowed::from(start..end);
    let search = Search::new(&site, &dir, allowed);
    let mut random = Random(3);
    let mut pin = |name: &str, wish: &Wish| {
        let content = random.bytes(wish.bytes as usize);
        let reserved = search.reserve(name, wish);
        let reserved = reserved.unwrap_or_else(|e| panic!("{kind:?} {name}: {e}"));
        assert_eq!(reserved.path(), dir.join(name));
        let runs = reserved.runs().to_vec();
        let pinned = reserved.fill(&content[..]).unwrap();
        assert_eq!(pinned.runs, runs);
        assert_eq!(pinned.sha256, Sha256Sum::of(&content));
        assert!(ground.content(&pinned) == content, "{kind:?} {name}");
        pinned
    };
    let kernel = pin("kernel", &Wish::runs(3 * MIB + 1));
    let far = Wish::runs(3 * MIB + 1).apart_from(kernel.runs.clone(), 8 * MIB);
    let again = pin("kernel2", &far);
    let blob = pin("blob", &Wish::one_run(127 * 512, 512));
    let state = pin("state", &Wish::one_run(4096, 4096));
    let near = Wish::one_run(4096, 4096).apart_from(state.runs.clone(), MIB);
    let state2 = pin("state2", &near);
    let payload = pin("payload", &Wish::runs(20 * MIB));
    let all = [&kernel, &again, &blob, &state, &state2, &payload];
    for run in all.iter().flat_map(|pinned| &pinned.runs) {
        let place = run.bytes().unwrap();
        assert!(start <= place.start && place.end <= end, "{kind:?} {run:?}");
    }
    assert_eq!((blob.runs.len(), blob.runs[0].sectors), (1, 127));
    for one in [&state, &state2] {
        assert_eq!((one.runs.len(), one.runs[0].sectors), (1, 8));
        assert_eq!(one.runs[0].lba % 8, 0);
    }
    assert!(distance(&state.runs[0], &state2.runs[0]) >= MIB);
    let pairs = kernel
        .runs
        .iter()
        .flat_map(|a| again.runs.iter().map(move |b| (a, b)));
    assert!(pairs.map(|(a, b)| distance(a, b)).min() >= Some(8 * MIB));
    // Nobody changes them, and nothing else was left in the directory.
    assert_eq!(fs::read_dir(&dir).unwrap().count(), all.len());
    for entry in fs::read_dir(&dir).unwrap() {
        let entry = entry.unwrap();
        let path = entry.path();
        // What was held while its place was sought is free again.
        let taken = entry.metadata().unwrap().blocks() * 512;
        assert!(taken <= 21 * MIB, "{kind:?} {path:?} takes {taken}");
        assert!(fs::remove_file(&path).is_err(), "{path:?} is not immutable");
    }
    ground.sync();
    for pinned in all {
        assert!(pinned.is_on(site.disk()).unwrap());
    }
    if aged {
        println!("{kind:?}: payload in {} runs", payload.runs.len());
    }
    release(&dir).unwrap();
    fs::remove_dir_all(&dir).unwrap();
}

#[test]
fn all_that_a_staging_pins() {
    testkit::needs!("root", "time", "mke2fs", "mkfs.xfs");
    KINDS.iter().for_each(|kind| everything(*kind, false));
}

#[test]
fn on_an_aged_file_system() {
    testkit::needs!("root", "time", "mke2fs", "mkfs.xfs");
    KINDS.iter().for_each(|kind| everything(*kind, true));
}

/// 600 MiB where the first 1,100 MiB of 2.5 GiB are forbidden.
#[test]
fn most_of_the_disk_is_forbidden() {
    testkit::needs!("root", "time", "mke2fs", "mkfs.xfs");
    for kind in [EXT4, EXT4_SMALL_BLOCKS, XFS] {
        let ground = Ground::new(kind, 2560);
        let free = ground.free();
        let site = ground.site();
        let forbidden = 1100 * MIB;
        let search = Search::new(&site, ground.root(), ground.from(forbidden));
        let reserved = search.reserve("payload", &Wish::runs(600 * MIB)).unwrap();
        let first = reserved.runs().iter().map(|run| run.lba * 512).min();
        assert!(first >= Some(forbidden), "{kind:?} {first:?}");
        let sectors: u64 = reserved.runs().iter().map(|run| run.sectors).sum();
        assert_eq!(sectors, 600 * MIB / 512);
        println!("{kind:?}: {} runs", reserved.runs().len());
        reserved.give_up().unwrap();
        // All that was held meanwhile, too.
        ground.is_free_again(free);
    }
}

/// Several files on a disk where little more than them has room: what one of
/// them does not need is there for the next one, before any is filled.
#[test]
fn little_room_for_several() {
    testkit::needs!("root", "time", "mke2fs", "mkfs.xfs");
    for kind in [EXT4, EXT4_SMALL_BLOCKS, XFS] {
        let ground = Ground::new(kind, 500);
        let site = ground.site();
        let search = Search::new(&site, ground.root(), ground.from(250 * MIB));
        let state = Wish::one_run(4096, 4096);
        let reserve = |name: &str, wish: &Wish| search.reserve(name, wish).unwrap();
        let first = reserve("payload", &Wish::runs(24 * MIB));
        let all = [
            reserve("state", &state),
            reserve("kernel", &Wish::runs(8 * MIB)),
            reserve("blob", &Wish::one_run(127 * 512, 512)),
            first,
        ];
        for reserved in &all {
            let at = reserved.runs().iter().map(|run| run.lba * 512).min();
            assert!(at >= Some(250 * MIB), "{kind:?} {reserved:?}");
        }
        all.into_iter()
            .for_each(|reserved| reserved.give_up().unwrap());
    }
}

/// A defragmenter cannot move a pinned file. One that was moved, for somebody
/// made it changeable, is noticed as soon as its place has another content.
#[test]
fn a_defragmenter() {
    testkit::needs!("root", "mke2fs", "e4defrag", "chattr");
    let ground = Ground::new(EXT4, 512);
    let site = ground.site();
    // Only gaps of 64 KiB are permitted.
    let filler = ground.root().join("filler");
    let file = fs::File::create_new(&filler).unwrap();
    let size = ground.free() - 20 * MIB;
    fallocate(&file, FallocateFlags::empty(), 0, size).unwrap();
    let gaps: Vec<_> = (0..size >> 17)
        .map(|n| n << 17..(n << 17) + (64 << 10))
        .collect();
    let pieces = site.pieces(&file, &filler, &[]).unwrap();
    let places = gaps.iter().flat_map(|gap| places(&pieces, gap).unwrap());
    let allowed = Allowed::new(places.map(|run| run.bytes().unwrap()));
    holes::free(&file, &filler, &gaps).unwrap();
    ground.sync();
    let search = Search::new(&site, ground.root(), allowed);
    let reserved = search.reserve("pinned", &Wish::runs(4 * MIB)).unwrap();
    let path = reserved.path().to_path_buf();
    let content = Random(1).bytes(4 << 20);
    let pinned = reserved.fill(&content[..]).unwrap();
    assert!(pinned.runs.len() >= 32, "{:?}", pinned.runs);
    fs::remove_file(&filler).unwrap();
    drop(file);
    ground.sync();
    let defragment = || {
        let mut program = std::process::Command::new("e4defrag");
        testkit::output(program.arg("-v").arg(&path));
        ground.sync();
        place_of(&site, &path)
    };
    assert_eq!(defragment(), pinned.runs);
    assert!(pinned.is_on(site.disk()).unwrap());
    tool("chattr", &["-i", path.to_str().unwrap()]);
    let moved = defragment();
    assert!(moved != pinned.runs, "{moved:?}");
    let rest = ground.free() / MIB * 9 / 10;
    fs::write(ground.root().join("other"), vec![7; (rest * MIB) as usize]).unwrap();
    ground.sync();
    assert!(!pinned.is_on(site.disk()).unwrap());
}

fn place_of(site: &crate::old::pinned::Site, path: &Path) -> Vec<Run> {
    let file = fs::File::open(path).unwrap();
    let pieces = site.pieces(&file, path, &[]).unwrap();
    let runs: Vec<Run> = pieces.iter().map(|piece| piece.run).collect();
    ondisk::lifeboat::join(&runs)
}

#[test]
fn a_file_that_others_share_is_refused() {
    testkit::needs!("root", "mkfs.xfs");
    let ground = Ground::new(XFS, 512);
    let site = ground.site();
    let path = ground.root().join("file");
    fs::write(&path, vec![3; 1 << 20]).unwrap();
    let file = fs::File::open(&path).unwrap();
    let judge = || site.pieces(&file, &path, std::slice::from_ref(&(0..MIB)));
    judge().unwrap();
    let clone = ground.root().join("clone");
    let (from, to) = (path.to_str().unwrap(), clone.to_str().unwrap());
    tool("cp", &["--reflink=always", from, to]);
    let error = judge().unwrap_err();
    let shared = Obstacle::Extent {
        file: path.clone(),
        flaw: Flaw::Shared,
    };
    assert_eq!(error.to_string(), shared.to_string());
    assert!(error.to_string().contains("shares its place"), "{error}");
}

/// Data that go through the journal are in their place when it is proven.
#[test]
fn data_in_the_journal() {
    testkit::needs!("root", "mke2fs");
    let ground = Ground::mounted(EXT4, 256, "data=journal");
    let site = ground.site();
    let search = Search::new(&site, ground.root(), ground.from(0));
    let reserved = search.reserve("pinned", &Wish::runs(5 * MIB)).unwrap();
    let content = Random(1).bytes(5 << 20);
    let pinned = reserved.fill(&content[..]).unwrap();
    assert!(ground.content(&pinned) == content);
    release(ground.root()).unwrap();
}
