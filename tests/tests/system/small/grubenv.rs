// SPDX-License-Identifier: MIT OR Apache-2.0
//! GRUB cannot empty its choice for one boot, for its first write fails: the
//! tiny system does it.

use harness::crash::Sectors;
use harness::image::Loop;
use harness::recorded::recorded_small;
use harness::small::{End, IN_PLACE, Kept, Remains, Small, ended, tail};
use harness::vm::Vm;
use ondisk::lifeboat::Role;
use std::fs::File;
use std::path::Path;
use testkit::tool;

/// Sectors of the disk at which /boot begins, and in which it ends.
const BOOT: (u64, u64) = (2048, 165_888);

/// The sector in which the environment block begins.
fn grubenv(disk: &Path) -> u64 {
    let boot = Loop::part(disk, BOOT.0 * 512, (BOOT.1 - BOOT.0) * 512);
    let ask = |request| tool("debugfs", &["-R", request, boot.name()]);
    let block: u64 = ask("blocks /grub/grubenv")
        .trim()
        .parse()
        .expect("one block");
    let stats = ask("stats -h");
    let size = stats
        .lines()
        .find_map(|line| line.strip_prefix("Block size:"));
    let size: u64 = size.expect("a size").trim().parse().expect("bytes");
    let sector = BOOT.0 + block * size / 512;
    let found = File::open(disk).expect("the disk").read(sector, 2);
    assert!(
        found.windows(11).any(|word| word == b"next_entry="),
        "not chosen"
    );
    sector
}

/// The machine, whose first four writes to this sector fail: GRUB's, which tries
/// once by block address and three times by cylinder, head and sector.
fn failing(machine: &Small, sector: u64) -> Vm {
    let disk = machine.disk.display();
    let fault = format!(
        r#"{{"event": "none", "iotype": "write", "errno": 5, "sector": {sector}, "once": true}}"#
    );
    Small::hardware(512)
        .arg("-blockdev")
        .arg(format!(
            r#"{{"driver": "raw", "node-name": "own", "file": {{"driver": "blkdebug",
            "image": {{"driver": "file", "filename": "{disk}"}},
            "inject-error": [{fault}, {fault}, {fault}, {fault}]}}}}"#
        ))
        .arg("-device")
        .arg("virtio-blk-pci,drive=own")
}

const DONE_NOW: &str = "GRUB could not take back the choice for one boot, so this was done now";

#[test]
fn the_migration_goes_on() {
    let machine = Small::with(&recorded_small().staged());
    let sector = grubenv(&machine.disk);
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
    let sector = grubenv(&machine.disk);
    Kept::of(&machine.disk).flip(&machine.disk, Role::Payload);
    let console = ended(failing(&machine, sector).start()).console;
    assert!(console.contains(DONE_NOW), "{}", tail(&console));
    let said = machine.boot().said;
    assert!(said.contains("@system old@"), "{said}");
}
