// SPDX-License-Identifier: MIT OR Apache-2.0
//! A file system is read without a change, whatever state it is in. Needs root,
//! loop devices, e2fsprogs, xfsprogs and btrfs-progs.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::Path;
use std::process::Command;

use ondisk::sha256::Sha256Sum;
use replant::mount;
use testkit::{Loop, run, sparse, unmount};

fn mounted(device: &Loop, at: &Path, options: &str, then: impl FnOnce()) {
    let mut mount = Command::new("mount");
    run(mount.args(["-o", options]).arg(&device.0).arg(at));
    then();
    unmount(at);
}

fn debugfs(device: &Loop, request: &str) -> String {
    run(Command::new("debugfs")
        .args(["-w", "-R", request])
        .arg(&device.0))
}

fn sum(device: &Loop, image: &Path) -> Sha256Sum {
    run(Command::new("blockdev").arg("--flushbufs").arg(&device.0));
    Sha256Sum::of(&std::fs::read(image).unwrap())
}

/// A file that a program had open, and that had no name any more, when the
/// power went.
fn make_orphan(device: &Loop, at: &Path) {
    mounted(device, at, "rw", || {
        std::fs::write(at.join("victim"), vec![1; 1 << 20]).unwrap();
        std::fs::write(at.join("kept"), "kept").unwrap();
    });
    let stat = debugfs(device, "stat victim");
    let inode = stat.strip_prefix("Inode: ").unwrap();
    let inode = inode.split_whitespace().next().unwrap();
    debugfs(device, "unlink victim");
    debugfs(device, &format!("set_inode_field <{inode}> links_count 0"));
    debugfs(device, &format!("set_super_value last_orphan {inode}"));
}

#[test]
fn not_a_byte_of_the_old_root_changes() {
    testkit::needs!("root", "mkfs.ext4", "debugfs");
    let dir = tempfile::tempdir().unwrap();
    let (image, at) = (dir.path().join("image"), dir.path().join("at"));
    std::fs::create_dir(&at).unwrap();
    for kind in ["ext2", "ext3", "ext4"] {
        sparse(&image, 64 << 20);
        let mut mkfs = Command::new("mkfs.ext4");
        run(mkfs.args(["-qF", "-t", kind]).arg(&image));
        let device = Loop::new(&image);
        make_orphan(&device, &at);
        let before = sum(&device, &image);
        // Twice, for a second run finds what the first one left.
        for _ in 0..2 {
            mount::untouched(&device.0, &at, kind).unwrap();
            let kept = std::fs::read(at.join("kept")).unwrap();
            let written = std::fs::write(at.join("new"), "x");
            mount::release(&device.0, &at).unwrap();
            assert_eq!(kept, b"kept");
            assert!(written.is_err());
            assert!(sum(&device, &image) == before, "{kind}: it has changed");
        }
        // These options alone are not enough, and that is what is tested.
        let journal = if kind == "ext2" { "ro" } else { "ro,noload" };
        mounted(&device, &at, journal, || {});
        assert!(sum(&device, &image) != before, "{kind}: this shows nothing");
        // Afterwards it may be written again, for the report.
        mounted(&device, &at, "rw", || {
            std::fs::write(at.join("report"), "r").unwrap()
        });
    }
}

/// What only a journal holds when the power goes stays there.
#[test]
fn no_journal_is_replayed() {
    testkit::needs!("root", "mkfs.xfs", "mkfs.btrfs");
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name);
    let (image, cut, before) = (path("image"), path("cut"), path("before"));
    let (at, other) = (path("at"), path("other"));
    std::fs::create_dir(&at).unwrap();
    let is_unchanged = |device: &Loop| {
        run(Command::new("blockdev").arg("--flushbufs").arg(&device.0));
        let cmp = Command::new("cmp")
            .args(["-s"])
            .args([&cut, &before])
            .status();
        cmp.unwrap().success()
    };
    for (kind, replay) in [("xfs", "ro,nouuid"), ("btrfs", "ro")] {
        let file = std::fs::File::create(&image).unwrap();
        file.set_len(320 << 20).unwrap();
        run(Command::new(format!("mkfs.{kind}")).arg("-q").arg(&image));
        let device = Loop::new(&image);
        mounted(&device, &at, "rw", || {
            let file = std::fs::File::create(at.join("file")).unwrap();
            file.sync_all().unwrap();
            for copy in [&cut, &before] {
                run(Command::new("cp").args([&image, copy]));
            }
            // Another file system of the same UUID is mounted.
            if kind == "xfs" {
                let copy = Loop::new(&cut);
                mount::untouched(&copy.0, &other, kind).unwrap();
                mount::release(&copy.0, &other).unwrap();
            }
        });
        drop(device);
        let device = Loop::new(&cut);
        mount::untouched(&device.0, &at, kind).unwrap();
        mount::release(&device.0, &at).unwrap();
        assert!(is_unchanged(&device), "{kind}: it has changed");
        mounted(&device, &at, replay, || {});
        assert!(!is_unchanged(&device), "{kind}: this shows nothing");
    }
}

#[test]
fn who_writes_already_is_not_stopped() {
    testkit::needs!("root", "mkfs.ext4", "debugfs");
    let dir = tempfile::tempdir().unwrap();
    let (image, at) = (dir.path().join("image"), dir.path().join("at"));
    std::fs::create_dir(&at).unwrap();
    sparse(&image, 16 << 20);
    run(Command::new("mkfs.ext4").arg("-qF").arg(&image));
    let device = Loop::new(&image);
    mounted(&device, &at, "rw", || {
        // The kernel mounts nothing twice in two ways.
        mount::untouched(&device.0, &dir.path().join("other"), "ext4").unwrap_err();
        mount::protect(&device.0, true).unwrap();
        let text = run(Command::new("blockdev").arg("--getro").arg(&device.0));
        assert_eq!(text, "0\n");
        std::fs::write(at.join("file"), "x").unwrap();
        run(Command::new("sync").arg("-f").arg(&at));
    });
}

#[test]
fn a_mount_that_fails_leaves_no_protection() {
    testkit::needs!("root", "mkfs.ext4", "debugfs");
    let dir = tempfile::tempdir().unwrap();
    let (image, at) = (dir.path().join("image"), dir.path().join("at"));
    sparse(&image, 1 << 20);
    let device = Loop::new(&image);
    let error = mount::untouched(&device.0, &at, "ext4").unwrap_err();
    assert!(matches!(error, mount::Error::Mount { .. }), "{error}");
    let text = run(Command::new("blockdev").arg("--getro").arg(&device.0));
    assert_eq!(text, "0\n");
    let none = Path::new("/dev/no-such-disk");
    let error = mount::untouched(none, &at, "ext4").unwrap_err().to_string();
    assert!(
        error.starts_with("cannot switch on the write protection of /dev/no-such-disk: "),
        "{error}"
    );
}
