// SPDX-License-Identifier: MIT OR Apache-2.0
//! Our embedding of GRUB's images against that of GRUB's own program, byte for
//! byte.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use ondisk::grub::{CoreImage, embed_boot, embed_core};
use std::fs;
use std::path::Path;
use std::process::Command;
use testkit::{Loop, Mount, Random, run, sparse, tool};

/// Of Debian's package grub-pc-bin.
const IMAGES: &str = "/usr/lib/grub/i386-pc";
const SETUP: &str = "/usr/lib/grub/i386-pc/grub-bios-setup";

/// A disk with a BIOS boot partition, and anything in the other bytes of its
/// sector 0.
fn disk(path: &Path, first: u64, last: u64, random: &mut Random, active: bool) {
    sparse(path, 64 << 20);
    let [bios, other] = [format!("1:{first}:{last}"), "2:8192:0".into()];
    let path = path.to_str().unwrap();
    let words = ["-a1", "-n", &bios, "-t1:ef02", "-n", &other, path];
    tool("sgdisk", &words);
    let mut bytes = fs::read(path).unwrap();
    bytes[..446].copy_from_slice(&random.bytes(446));
    bytes[446] = if active { 0x80 } else { 0 };
    fs::write(path, bytes).unwrap();
}

#[test]
fn the_bytes_are_those_of_grub_bios_setup() {
    testkit::needs!("root", "sgdisk", "mke2fs", "grub-mkimage", SETUP);
    let dir = tempfile::tempdir().unwrap();
    let [image, system] = ["disk.img", "system.img"].map(|name| dir.path().join(name));
    sparse(&system, 16 << 20);
    tool("mke2fs", &["-q", "-F", system.to_str().unwrap()]);
    let boot_img = fs::read(format!("{IMAGES}/boot.img")).unwrap();
    let mut random = Random(11);
    let small: &[&str] = &["biosdisk", "part_gpt", "ext2"];
    let large: &[&str] = &["biosdisk", "part_gpt", "xfs", "lvm", "normal", "search"];
    for (modules, first, last) in [
        (small, 2048, 4095),
        (large, 34, 2047),
        (small, 3001, 3001 + 99),
    ] {
        let active = first == 34;
        disk(&image, first, last, &mut random, active);
        let before = fs::read(&image).unwrap();
        let core_img = {
            // GRUB's program asks for a file system that it can name.
            let system = Loop::new(&system);
            let mount = Mount::new(&system.0, dir.path().join("mnt"), "rw");
            let core = mount.0.join("core.img");
            let mut mkimage = Command::new("grub-mkimage");
            mkimage.args(["-O", "i386-pc", "-p", "(,gpt2)/boot/grub", "-o"]);
            run(mkimage.arg(&core).args(modules));
            fs::write(mount.0.join("boot.img"), &boot_img).unwrap();
            let target = Loop::new(&image);
            let mut setup = Command::new(SETUP);
            setup.args(["--no-rs-codes", "-m", "/dev/null", "-d"]);
            run(setup.arg(&mount.0).arg(&target.0));
            fs::read(core).unwrap()
        };
        let after = fs::read(&image).unwrap();
        let core = embed_core(&core_img, first..last + 1).unwrap();
        let boot = embed_boot(&boot_img, &before, &before, first).unwrap();
        let mut ours = before;
        ours[..512].copy_from_slice(&boot);
        ours[first as usize * 512..][..core.len()].copy_from_slice(&core);
        let differs = ours.iter().zip(&after).position(|(a, b)| a != b);
        assert_eq!(differs, None, "{first} {modules:?}");
        // And it is found where it was put.
        let read = |at: u64, bytes: &mut [u8]| {
            bytes.copy_from_slice(&ours[at as usize..][..bytes.len()]);
            Ok::<(), String>(())
        };
        let found = CoreImage::verify(first..last + 1, read).unwrap();
        assert_eq!(found.sector, first);
        assert_eq!(u64::from(found.runs[0].count) + 1, core.len() as u64 / 512);
        assert_eq!(boot[446] == 0x80, active);
    }
}
