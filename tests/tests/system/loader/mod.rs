// SPDX-License-Identifier: MIT OR Apache-2.0
//! replant's boot loader under SeaBIOS, with a kernel that only tells what it
//! was given (`harness::probe`), and with the real one.

mod controllers;
mod damage;
mod grub;
mod kernel;
mod memory;

use harness::armed::{Armed, Places};
use harness::probe::{self, Handover};
use harness::vm::{Bus, Running, Vm};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Until something is there, on a busy machine; it takes a second.
const LIMIT: Duration = Duration::from_secs(180);
/// The device that ends QEMU when the kernel has told what it was given.
const EXIT: [&str; 2] = ["-device", "isa-debug-exit"];

struct Disk {
    _dir: tempfile::TempDir,
    image: PathBuf,
    places: Places,
    armed: Armed,
}

/// A kernel of 200 KiB and an initramfs of 300 KB that ends within a sector.
fn sample() -> Armed {
    let noise = |count: u32| (0..count).map(|n| (n.wrapping_mul(n) >> 7) as u8);
    let kernel: Vec<u8> = probe::KERNEL.into_iter().chain(noise(200 << 10)).collect();
    let initramfs: Vec<u8> = noise(300_001).collect();
    let mut armed = Armed::new(&kernel, &initramfs);
    armed.old_sector = probe::OLD_SECTOR;
    armed
}

fn disk(change: impl FnOnce(&mut Armed)) -> Disk {
    let mut armed = sample();
    change(&mut armed);
    let dir = tempfile::tempdir().expect("a temporary directory");
    let image = dir.path().join("disk");
    let places = armed.write(&image);
    Disk {
        _dir: dir,
        image,
        places,
        armed,
    }
}

fn machine() -> Vm {
    let machine = Vm::new().quiet().memory(512).arg("-no-reboot");
    EXIT.into_iter().fold(machine, Vm::arg)
}

fn start(image: &Path) -> Running {
    machine().disk(image, Bus::Virtio).start()
}

impl Disk {
    /// What the kernel has to tell.
    fn expected(&self, drive: &str) -> Handover {
        let start = self.armed.start.letters();
        Handover {
            line: format!(
                "{} replant.drive={drive} replant.start={}",
                self.armed.words,
                String::from_utf8_lossy(start)
            ),
            crc32: ondisk::checksum::crc32(&self.armed.initramfs),
            bytes: self.armed.initramfs.len() as u32,
        }
    }

    /// The kernel must start on this machine; returns all that was printed.
    fn boots(&self, machine: Running) -> String {
        assert_eq!(probe::handover(&machine, LIMIT), self.expected("80"));
        machine.serials[0].output()
    }
}
