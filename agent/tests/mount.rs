// SPDX-License-Identifier: MIT OR Apache-2.0
//! The old root is read without a change, whatever state it is in. Needs root,
//! loop devices and e2fsprogs.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::{Path, PathBuf};
use std::process::Command;

use replant::mount;
use replant::payload::{Sha256, Sha256Sum};

fn run(command: &mut Command) -> String {
    let output = command
        .output()
        .unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {errors}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// A loop device, which goes with it.
struct Loop(PathBuf);

impl Loop {
    fn new(image: &Path) -> Loop {
        let text = run(Command::new("losetup").args(["-f", "--show"]).arg(image));
        Loop(PathBuf::from(text.trim()))
    }

    fn mounted(&self, at: &Path, options: &str, then: impl FnOnce()) {
        let mut mount = Command::new("mount");
        run(mount.args(["-o", options]).arg(&self.0).arg(at));
        then();
        run(Command::new("umount").arg(at));
    }

    fn debugfs(&self, request: &str) -> String {
        run(Command::new("debugfs")
            .args(["-w", "-R", request])
            .arg(&self.0))
    }

    fn sum(&self, image: &Path) -> Sha256Sum {
        run(Command::new("blockdev").arg("--flushbufs").arg(&self.0));
        let mut sum = Sha256::new();
        sum.update(&std::fs::read(image).unwrap());
        sum.finish()
    }
}

impl Drop for Loop {
    fn drop(&mut self) {
        let _ = Command::new("losetup").arg("-d").arg(&self.0).status();
    }
}

/// A file that a program had open, and that had no name any more, when the
/// power went.
fn make_orphan(device: &Loop, at: &Path) {
    device.mounted(at, "rw", || {
        std::fs::write(at.join("victim"), vec![1; 1 << 20]).unwrap();
        std::fs::write(at.join("kept"), "kept").unwrap();
    });
    let stat = device.debugfs("stat victim");
    let inode = stat.strip_prefix("Inode: ").unwrap();
    let inode = inode.split_whitespace().next().unwrap();
    device.debugfs("unlink victim");
    device.debugfs(&format!("set_inode_field <{inode}> links_count 0"));
    device.debugfs(&format!("set_super_value last_orphan {inode}"));
}

#[test]
fn not_a_byte_of_the_old_root_changes() {
    let dir = tempfile::tempdir().unwrap();
    let (image, at) = (dir.path().join("image"), dir.path().join("at"));
    std::fs::create_dir(&at).unwrap();
    for kind in ["ext2", "ext3", "ext4"] {
        let file = std::fs::File::create(&image).unwrap();
        file.set_len(64 << 20).unwrap();
        let mut mkfs = Command::new("mkfs.ext4");
        run(mkfs.args(["-qF", "-t", kind]).arg(&image));
        let device = Loop::new(&image);
        make_orphan(&device, &at);
        let before = device.sum(&image);
        // Twice, for a second run finds what the first one left.
        for _ in 0..2 {
            mount::untouched(&device.0, &at, kind).unwrap();
            let kept = std::fs::read(at.join("kept")).unwrap();
            let written = std::fs::write(at.join("new"), "x");
            mount::release(&device.0, &at).unwrap();
            assert_eq!(kept, b"kept");
            assert!(written.is_err());
            assert!(device.sum(&image) == before, "{kind}: it has changed");
        }
        // These options alone are not enough, and that is what is tested.
        let journal = if kind == "ext2" { "ro" } else { "ro,noload" };
        device.mounted(&at, journal, || {});
        assert!(device.sum(&image) != before, "{kind}: this shows nothing");
        // Afterwards it may be written again, for the report.
        device.mounted(&at, "rw", || {
            std::fs::write(at.join("report"), "r").unwrap()
        });
    }
}

#[test]
fn who_writes_already_is_not_stopped() {
    let dir = tempfile::tempdir().unwrap();
    let (image, at) = (dir.path().join("image"), dir.path().join("at"));
    std::fs::create_dir(&at).unwrap();
    let file = std::fs::File::create(&image).unwrap();
    file.set_len(16 << 20).unwrap();
    run(Command::new("mkfs.ext4").arg("-qF").arg(&image));
    let device = Loop::new(&image);
    device.mounted(&at, "rw", || {
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
    let dir = tempfile::tempdir().unwrap();
    let (image, at) = (dir.path().join("image"), dir.path().join("at"));
    std::fs::File::create(&image)
        .unwrap()
        .set_len(1 << 20)
        .unwrap();
    let device = Loop::new(&image);
    let error = mount::untouched(&device.0, &at, "ext4").unwrap_err();
    assert!(matches!(error, mount::Error::Mount { .. }), "{error}");
    let text = run(Command::new("blockdev").arg("--getro").arg(&device.0));
    assert_eq!(text, "0\n");
    let none = Path::new("/dev/no-such-disk");
    let error = mount::untouched(none, &at, "ext4").unwrap_err().to_string();
    assert!(
        error.starts_with("/dev/no-such-disk: cannot switch on"),
        "{error}"
    );
}
