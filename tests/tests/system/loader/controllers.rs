// SPDX-License-Identifier: MIT OR Apache-2.0
//! Every kind of disk that the firmware starts from.

use super::{disk, machine, start};
use harness::probe;
use harness::vm::Bus;
use std::fs::File;
use std::os::unix::fs::FileExt;

/// Boots from a disk with 120 shuffled pieces of each file on this controller.
fn boots(machine_type: &str, controller: &[&str], disk_device: &str) {
    let disk = disk(|armed| armed.pieces = 120);
    let mut vm = machine().arg("-machine").arg(machine_type);
    vm = vm.disk(&disk.image, Bus::None);
    for device in controller {
        vm = vm.arg("-device").arg(*device);
    }
    let device = format!("{disk_device},drive=drive0");
    let told = disk.boots(vm.arg("-device").arg(device).start());
    assert!(told.contains("loading, copy A"), "{told}");
    assert!(!told.contains("copy B"), "{told}");
}

macro_rules! controllers {
    ($($name:ident: $machine:literal, $controller:expr, $disk:literal;)*) => {
        $(#[test]
        fn $name() {
            boots($machine, &$controller, $disk);
        })*
    };
}

controllers! {
    virtio_blk: "pc", [], "virtio-blk-pci";
    virtio_blk_q35: "q35", [], "virtio-blk-pci";
    virtio_scsi: "pc", ["virtio-scsi-pci,id=c"], "scsi-hd,bus=c.0";
    ide: "pc", [], "ide-hd";
    ahci: "pc", ["ich9-ahci,id=c"], "ide-hd,bus=c.0";
    ahci_q35: "q35", [], "ide-hd";
    lsi: "pc", ["lsi53c895a,id=c"], "scsi-hd,bus=c.0";
    pvscsi: "pc", ["pvscsi,id=c"], "scsi-hd,bus=c.0";
    mptsas: "pc", ["mptsas1068,id=c"], "scsi-hd,bus=c.0";
    megasas: "pc", ["megasas,id=c"], "scsi-hd,bus=c.0";
    nvme: "q35", [], "nvme,serial=1";
    usb: "pc", ["qemu-xhci,id=c"], "usb-storage,bus=c.0";
    usb_2: "pc", ["usb-ehci,id=c"], "usb-storage,bus=c.0";
}

/// Sector 2^32 lies within a run, then before all of them.
#[test]
fn above_2_tib() {
    for from in [(1 << 32) - 400, 5_000_000_001] {
        let disk = disk(|armed| (armed.from, armed.size) = (from, 3 << 40));
        let runs = disk.places.kernels[0].iter();
        let crosses = runs.filter(|run| run.lba < 1 << 32 && run.lba + run.sectors > 1 << 32);
        assert_eq!(crosses.count(), usize::from(from < 1 << 32));
        let told = disk.boots(start(&disk.image));
        assert!(!told.contains("copy B"), "{told}");
    }
}

/// Another BIOS (package bochsbios), and a processor that has nothing newer than
/// what the loader needs; that BIOS does not start with newer ones.
#[test]
fn the_bios_of_bochs() {
    let disk = disk(|armed| armed.pieces = 120);
    let other = ["-bios", "/usr/share/bochs/BIOS-bochs-latest"];
    let vm = other.into_iter().chain(["-cpu", "486", "-smp", "1"]);
    let vm = vm.fold(machine().disk(&disk.image, Bus::None), |vm, a| vm.arg(a));
    let vm = vm.arg("-device").arg("ide-hd,drive=drive0");
    disk.boots(vm.start());
}

/// As firmware may leave it, which SeaBIOS does not.
#[test]
fn without_a20() {
    let disk = disk(|_| {});
    let image = File::options().write(true).open(&disk.image).expect("it");
    image.write_all_at(&probe::A20_OFF, 0).expect("write");
    let sector = &disk.places.boot_sector;
    image.write_all_at(sector, 2 * 512).expect("write");
    disk.boots(start(&disk.image));
}
