// SPDX-License-Identifier: MIT OR Apache-2.0
//! Reboot and power off; and the file itself.

use super::machine::*;
use harness::vm::Bus;
use std::path::Path;
use std::process::Command;

#[test]
fn status_21_switches_off() {
    let mut machine = start(&format!("echo ready; {OBEY}"), "console=ttyS0");
    wait(&machine, 0, "ready", 0, BOOT);
    machine.serials[0].send("exit 21\r");
    let text = gone(&mut machine, SOON);
    assert!(text.contains("replant: switching off"), "{text}");
    assert!(text.contains("reboot: Power down"), "{text}");
}

/// A disk that is in use at the end is unmounted all the same.
#[test]
fn everything_is_killed_written_and_unmounted() {
    let disk = tempfile::NamedTempFile::new().expect("a temporary file");
    disk.as_file().set_len(64 << 20).expect("set_len");
    let made = Command::new("mke2fs")
        .args(["-q", "-F", "-t", "ext4"])
        .arg(disk.path())
        .status();
    assert!(made.expect("mke2fs (package e2fsprogs)").success());

    let agent = "mkdir '/mnt/a b'\nmount -t ext4 /dev/vda '/mnt/a b' || exit 1\n\
         mount -t tmpfs none '/mnt/a b/lost+found'\n\
         echo kept >'/mnt/a b/file'\n\
         trap '' TERM; setsid sleep 1000 <'/mnt/a b/file' &\n\
         until ps -o comm | grep -qx sleep; do sleep 1; done\n\
         cd '/mnt/a b'; echo mounted; exit 20";
    let modules = ["virtio_pci", "virtio_blk", "crc32c_generic", "ext4"];
    let image = image_with_modules(&modules, agent);
    let mut machine = vm(&image, "console=ttyS0")
        .disk(disk.path(), Bus::Virtio)
        .start();
    wait(&machine, 0, "mounted", 0, BOOT);
    gone(&mut machine, SOON);

    let output = |program: &str, arguments: &[&str]| {
        let output = Command::new(program)
            .args(arguments)
            .arg(disk.path())
            .output();
        String::from_utf8_lossy(&output.expect("e2fsprogs").stdout).into_owned()
    };
    let header = output("dumpe2fs", &["-h"]);
    // A mount that is not undone leaves needs_recovery behind.
    assert!(
        header.contains("has_journal") && !header.contains("needs_recovery"),
        "{header}"
    );
    assert_eq!(output("debugfs", &["-R", "cat /file"]), "kept\n");
}

/// /init is what it is said to be.
#[test]
fn the_file_is_small_and_needs_nothing() {
    let path = init();
    let size = std::fs::metadata(&path).expect("metadata").len();
    println!("/init is {size} bytes");
    assert!(size < 64 << 10, "{size}");
    let readelf = |path: &Path| {
        let output = Command::new("readelf").args(["-hldW"]).arg(path).output();
        String::from_utf8_lossy(&output.expect("readelf (package binutils)").stdout).into_owned()
    };
    let text = readelf(&path);
    assert!(text.contains("EXEC") && text.contains("X86-64"), "{text}");
    assert!(
        !text.contains("INTERP") && text.contains("no dynamic section"),
        "{text}"
    );
}
