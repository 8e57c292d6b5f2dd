// SPDX-License-Identifier: MIT OR Apache-2.0
//! Started by a real GRUB's `chainloader` from a file.

use super::{Disk, LIMIT, machine, sample, start};
use contract::cmdline::Start;
use harness::armed::damage;
use harness::vm::Bus;
use std::fs;
use std::os::unix::fs::FileExt;
use std::path::Path;
use testkit::tool;

/// Where GRUB's modules are (package grub-pc-bin).
const MODULES: &str = "/usr/lib/grub/i386-pc";
/// First sector of the partition, and of what lies behind it.
const PARTITION: u64 = 2048;
const END: u64 = 32 << 11;
const COMMANDS: &str = "set root=(hd0,msdos1)\nchainloader /boot/replant/stage1.bin\nboot\n";

fn text(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}

/// A disk with GRUB before its first partition, the loader's file in that one,
/// and blobs, kernels and initramfses behind it.
fn disk() -> Disk {
    let mut armed = sample();
    (armed.start, armed.from, armed.way_back) = (Start::File, END, true);
    let dir = tempfile::tempdir().expect("a temporary directory");
    let at = |name: &str| dir.path().join(name);
    let image = at("disk");
    let places = armed.write(&image);

    let tree = at("tree");
    fs::create_dir_all(tree.join("boot/replant")).expect("mkdir");
    let file = tree.join("boot/replant/stage1.bin");
    fs::write(file, places.boot_sector).expect("write");
    let system = at("system");
    let made = fs::File::create(&system);
    made.and_then(|file| file.set_len((END - PARTITION) * 512))
        .expect("an image");
    let mke2fs = ["-q", "-t", "ext2", "-d", text(&tree), text(&system)];
    tool("mke2fs", &mke2fs);

    let (core, commands) = (at("core.img"), at("commands"));
    fs::write(&commands, COMMANDS).expect("write");
    let options = ["-O", "i386-pc", "-p", "/boot/grub", "-c", text(&commands)];
    let modules = ["biosdisk", "part_msdos", "ext2", "chain", "boot"];
    let out = ["-o", text(&core)];
    tool("grub-mkimage", &[&options[..], &out, &modules].concat());
    let mut boot = fs::read(Path::new(MODULES).join("boot.img")).expect("boot.img");
    let mut entry = [0x80, 0, 0, 0, 0x83, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    entry[8..12].copy_from_slice(&(PARTITION as u32).to_le_bytes());
    entry[12..].copy_from_slice(&((END - PARTITION) as u32).to_le_bytes());
    boot[446..510].fill(0);
    boot[446..462].copy_from_slice(&entry);
    boot.extend(fs::read(core).expect("core.img"));
    assert!(
        boot.len() < PARTITION as usize * 512,
        "core.img is too large"
    );

    let disk = fs::File::options()
        .write(true)
        .open(&image)
        .expect("the disk");
    disk.write_all_at(&boot, 0).expect("write");
    let system = fs::read(system).expect("the file system");
    disk.write_all_at(&system, PARTITION * 512).expect("write");
    Disk {
        _dir: dir,
        image,
        places,
        armed,
    }
}

#[test]
fn a_file_that_chainloader_starts() {
    let disk = disk();
    for bus in [Bus::Virtio, Bus::Scsi] {
        let told = disk.boots(machine().disk(&disk.image, bus).start());
        assert!(told.contains("loading, copy A"), "{told}");
    }
    // It fails, and the way back leads to the sector that the blobs carry.
    for blob in &disk.places.blobs {
        damage(&disk.image, blob, 0x810);
    }
    let machine = start(&disk.image);
    machine.expect("@old 80@", LIMIT);
}
