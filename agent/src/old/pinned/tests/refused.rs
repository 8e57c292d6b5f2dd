// SPDX-License-Identifier: MIT OR Apache-2.0
//! What cannot be had is refused by name, and leaves nothing.

use super::ground::{EXT4, Ground, XFS};
use crate::old::pinned::{Allowed, Error, Obstacle, Search, Wish, foreseen, release};
use rustix::fs::{FallocateFlags, IFlags, fallocate, ioctl_getflags};
use std::fs::{self, File};
use std::io::Read;
use std::os::unix::fs::FileExt;
use std::path::Path;

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
        let runs = vec![ondisk::run::Run {
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

/// Content that ends with somebody else doing something to the file.
struct Meddled<'a>(&'a [u8], &'a dyn Fn());

impl Read for Meddled<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if self.0.is_empty() {
            (self.1)();
        }
        self.0.read(buffer)
    }
}

/// Fills a file while somebody else does something to it.
fn meddled(meddle: fn(&File)) -> (Error, bool) {
    let ground = Ground::new(EXT4, 256);
    let site = ground.site();
    let search = Search::new(&site, ground.root(), ground.from(0));
    let reserved = search.reserve("file", &Wish::runs(2 * MIB)).unwrap();
    let path = reserved.path().to_path_buf();
    let open = |path: &Path| {
        let mut options = File::options();
        options.read(true).write(true).open(path).unwrap()
    };
    let content = vec![5; 2 << 20];
    let content = Meddled(&content, &|| meddle(&open(&path)));
    let error = reserved.fill(content).unwrap_err();
    let flags = ioctl_getflags(File::open(&path).unwrap()).unwrap();
    release(&path).unwrap();
    (error, flags.contains(IFlags::IMMUTABLE))
}

#[test]
fn a_file_that_is_moved_while_it_is_written() {
    testkit::needs!("root", "mke2fs");
    // All of it comes one block nearer to the file's start.
    let (error, immutable) = meddled(|file| {
        fallocate(file, FallocateFlags::COLLAPSE_RANGE, 0, 4096).unwrap();
        fallocate(file, FallocateFlags::empty(), (2 << 20) - 4096, 4096).unwrap();
        file.write_all_at(&[5; 4096], (2 << 20) - 4096).unwrap();
    });
    let moved = matches!(&error, Error::Obstacle(Obstacle::Moved { .. }));
    assert!(moved && !immutable, "{error}");
}

#[test]
fn content_that_is_not_at_its_place() {
    testkit::needs!("root", "mke2fs");
    let (error, _) = meddled(|file| file.write_all_at(&[6], MIB).unwrap());
    let not_there = matches!(&error, Error::Obstacle(Obstacle::NotThere { .. }));
    assert!(not_there, "{error}");
    assert!(error.to_string().contains("data=journal"), "{error}");
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
