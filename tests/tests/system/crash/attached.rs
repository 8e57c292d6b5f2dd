// SPDX-License-Identifier: MIT OR Apache-2.0
//! The small machine was cut off after the point of no return, and comes back
//! with other hardware than it was staged with.

use super::cut_off::{DESTROYING, UNPACK, cut_at};
use harness::product::copy_disk;
use harness::recorded::recorded_small;
use harness::small::{End, IN_PLACE, LIMIT, Remains, Small, ended, tail};
use harness::vm::{Bus, Vm};
use std::path::Path;
use testkit::{Random, sparse, tool};

/// Its disk, from which the firmware starts, and another one that takes its
/// name, /dev/vda.
fn second(machine: &Small, other: &Path) -> Vm {
    let vm = Small::hardware(512).disk(&machine.disk, Bus::None);
    let vm = vm.disk(other, Bus::None);
    ["drive=drive0,bootindex=0,addr=0x9", "drive=drive1,addr=0x8"]
        .iter()
        .fold(vm, |vm, device| {
            vm.arg("-device").arg(format!("virtio-blk-pci,{device}"))
        })
}

fn unpacking() -> Small {
    cut_at(&recorded_small(), (DESTROYING, UNPACK), &mut Random(9))
}

/// The machine goes on and becomes the new one.
fn goes_on(machine: &Small, vm: Vm) {
    let console = ended(vm.start()).console;
    assert!(console.contains(IN_PLACE), "{}", tail(&console));
    let remains = Remains::of(&recorded_small().staged());
    End::of(machine, Some(&remains));
}

#[test]
#[ignore = "make crash"]
fn a_stick_takes_the_name_of_the_disk() {
    let machine = unpacking();
    let stick = machine.directory().join("stick");
    sparse(&stick, 64 << 20);
    tool("mkfs.vfat", &[stick.to_str().expect("UTF-8")]);
    let before = std::fs::read(&stick).expect("the stick");
    goes_on(&machine, second(&machine, &stick));
    assert!(
        std::fs::read(&stick).expect("the stick") == before,
        "the stick was written"
    );
}

/// Nobody knows which of the two is the machine's own: neither is written.
#[test]
fn a_clone_of_the_disk_stops_it() {
    let machine = unpacking();
    let clone = machine.directory().join("clone");
    copy_disk(&machine.disk, &clone);
    let sum = |disk: &Path| tool("sha256sum", &[disk.to_str().expect("UTF-8")])[..64].to_string();
    let before = sum(&machine.disk);
    let running = second(&machine, &clone).start();
    let from = running.expect(" are on several disks (/dev/vd", LIMIT);
    running.expect_after("replant> ", from, LIMIT);
    drop(running);
    for disk in [&machine.disk, &clone] {
        assert_eq!(sum(disk), before, "{}", disk.display());
    }
    // What it says helps: without the clone it goes on.
    goes_on(&machine, machine.vm());
}

#[test]
#[ignore = "make crash"]
fn half_of_the_memory_is_gone() {
    let machine = unpacking().memory(256);
    goes_on(&machine, machine.vm());
}
