// SPDX-License-Identifier: MIT OR Apache-2.0
//! Machines with less memory than before.

use super::{LIMIT, disk, machine};
use harness::vm::Bus;

#[test]
fn as_little_as_the_kernel_takes() {
    // Kernel and initramfs end at 79.9 MiB; the BIOS keeps some for itself.
    let disk = disk(|_| {});
    for mib in [4096, 81] {
        let vm = machine().memory(mib).disk(&disk.image, Bus::Virtio);
        disk.boots(vm.start());
    }
}

#[test]
fn too_little() {
    let disk = disk(|armed| armed.way_back = true);
    for mib in [79, 16] {
        let vm = machine().memory(mib).disk(&disk.image, Bus::Virtio);
        let machine = vm.start();
        machine.expect("@old 80@", LIMIT);
        let told = machine.serials[0].output();
        let message = "\r\nreplant: too little memory: no RAM at 0x0";
        assert_eq!(told.matches(message).count(), 2, "{told}");
    }
}
