// SPDX-License-Identifier: MIT OR Apache-2.0
//! What cannot be had is refused by name, and leaves nothing.

use super::ground::{EXT4, Ground, XFS};
use crate::old::pinned::{Allowed, Search, Wish, foreseen};
use std::fs;

const MIB: u64 = 1 << 20;

#[test]
fn no_place_that_is_permitted() {
    testkit::needs!("root", "mke2fs", "mkfs.xfs");
    for kind in [EXT4, XFS] {
        let ground = Ground::new(kind, 400);
        let free = ground.free();
        let site = ground.site();
        let refused = |allowed: Allowed, wish: &Wish| {
            let search = Search::new(&site, ground.root(), allowed);
            let error = search.reserve("file", wish).unwrap_err().to_string();
            let names: Vec<_> = fs::read_dir(ground.root()).unwrap().collect();
            let names = names
                .iter()
                .map(|entry| entry.as_ref().unwrap().file_name());
            let names: Vec<_> = names.filter(|name| name != "lost+found").collect();
            assert!(names.is_empty(), "{names:?}");
            ground.is_free_again(free);
            error
        };
        let end = ground.from(398 * MIB);
        let error = refused(end, &Wish::runs(8 * MIB));
        assert!(
            error.contains("8388608 bytes of free space were not found in the part"),
            "{error}"
        );
        // Pieces of 32 KiB everywhere: a blob fits into none of them.
        let pieces = (0..400 * 16).map(|n| n << 16..(n << 16) + (32 << 10));
        let error = refused(Allowed::new(pieces), &Wish::one_run(127 * 512, 512));
        assert!(
            error.contains("65024 bytes of free space in one piece"),
            "{error}"
        );
        // Nothing is as far away as that.
        let runs = vec![ondisk::lifeboat::Run {
            lba: 200 * 2048,
            sectors: 8,
        }];
        let far = Wish::one_run(4096, 4096).apart_from(runs, 300 * MIB);
        let error = refused(ground.from(0), &far);
        assert!(
            error.contains("4096 bytes of free space in one piece"),
            "{error}"
        );
        let error = refused(ground.from(0), &Wish::runs(600 * MIB));
        assert!(
            error.contains(": 696254464 bytes of free space are needed"),
            "{error}"
        );
    }
}

#[test]
fn content_of_another_length() {
    testkit::needs!("root", "mke2fs");
    let ground = Ground::new(EXT4, 256);
    let site = ground.site();
    let search = Search::new(&site, ground.root(), ground.from(0));
    for (name, length) in [("short", 4095), ("long", 4097)] {
        let reserved = search.reserve(name, &Wish::runs(4096)).unwrap();
        let error = reserved.fill(&vec![1; length][..]).unwrap_err().to_string();
        assert!(
            error.contains(&format!("has {length} bytes, not 4096")),
            "{error}"
        );
    }
    // What is there already is not touched.
    let error = search.reserve("short", &Wish::runs(4096)).unwrap_err();
    assert!(error.to_string().starts_with("cannot create"), "{error}");
}

/// What `check` would say.
#[test]
fn what_is_foreseen() {
    testkit::needs!("root", "mke2fs");
    let ground = Ground::new(EXT4, 256);
    let say = |dir: &std::path::Path, disk: &std::path::Path, bytes: u64| {
        let wishes = [Wish::runs(bytes), Wish::one_run(1, 512)];
        foreseen(dir, disk, &wishes)
            .map(drop)
            .map_err(|e| e.to_string())
    };
    // The directory need not be there.
    let dir = ground.root().join("etc/upd.new");
    let disk = &ground.disk.0;
    assert_eq!(say(&dir, disk, 100 * MIB), Ok(()));
    let error = say(&dir, disk, 300 * MIB).unwrap_err();
    let need = (300 + 64) * MIB + (64 << 10);
    assert!(
        error.contains(&format!("{need} bytes of free space")),
        "{error}"
    );
    assert!(error.contains("are free"), "{error}");
    // On a loop device that is not the disk, and on no block device.
    let other = Ground::new(EXT4, 64);
    let error = say(&dir, &other.disk.0, MIB).unwrap_err();
    assert!(error.contains(", which is a loop device"), "{error}");
    let error = say("/proc".as_ref(), disk, MIB).unwrap_err();
    assert!(
        error.contains("/proc is proc; where files lie is only known of ext2"),
        "{error}"
    );
    let error = say(&dir, &ground.image, MIB).unwrap_err();
    assert!(error.contains("is not a disk"), "{error}");
    let root = ground.root().to_str().unwrap();
    testkit::tool("mount", &["-o", "remount,ro", root]);
    let error = say(&dir, disk, MIB).unwrap_err();
    assert!(error.contains("is mounted read-only"), "{error}");
}
