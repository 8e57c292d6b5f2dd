// SPDX-License-Identifier: MIT OR Apache-2.0
//! GRUB cannot empty its choice for one boot, for its first write fails: the
//! tiny system does it.

use harness::crash::Sectors;
use harness::recorded::recorded_small;
use harness::small::{End, IN_PLACE, Kept, Remains, Small, ended, tail};
use harness::vm::Vm;
use ondisk::lifeboat::Role;
use std::fs::File;
use std::path::Path;

/// The sector of the environment block that has our choice.
fn chosen(disk: &Path) -> u64 {
    let file = File::open(disk).expect("the disk");
    // /boot is the disk's first partition, of 80 MiB.
    let mut sectors = 2048..165_888;
    let found = sectors.find(|lba| {
        let sector = file.read(*lba, 1);
        sector.starts_with(b"# GRUB Environment Block")
            && sector.windows(11).any(|word| word == b"next_entry=")
    });
    found.expect("grubenv with next_entry on the disk")
}

/// The machine, whose first write to this sector fails.
fn failing(machine: &Small, sector: u64) -> Vm {
    let disk = machine.disk.display();
    Small::hardware(512)
        .arg("-blockdev")
        .arg(format!(
            r#"{{"driver": "raw", "node-name": "own", "file": {{"driver": "blkdebug",
            "image": {{"driver": "file", "filename": "{disk}"}},
            "inject-error": [{{"event": "write_aio", "errno": 5, "sector": {sector},
            "once": true}}]}}}}"#
        ))
        .arg("-device")
        .arg("virtio-blk-pci,drive=own")
}

const DONE_NOW: &str = "GRUB could not take back the choice for one boot, so this was done now";

#[test]
fn the_migration_goes_on() {
    let machine = Small::with(&recorded_small().staged());
    let sector = chosen(&machine.disk);
    let console = ended(failing(&machine, sector).start()).console;
    assert!(console.contains(DONE_NOW), "{}", tail(&console));
    let console = machine.boot().console;
    assert!(console.contains(IN_PLACE), "{}", tail(&console));
    let remains = Remains::of(&recorded_small().staged());
    End::of(&machine, Some(&remains));
}

/// Whatever ends in the old system must not start the tiny one again.
#[test]
fn the_way_back_leads_to_the_old_system() {
    let machine = Small::with(&recorded_small().staged());
    let sector = chosen(&machine.disk);
    Kept::of(&machine.disk).flip(&machine.disk, Role::Payload);
    let console = ended(failing(&machine, sector).start()).console;
    assert!(console.contains(DONE_NOW), "{}", tail(&console));
    let said = machine.boot().said;
    assert!(said.contains("@system old@"), "{said}");
}
