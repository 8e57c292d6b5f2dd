// SPDX-License-Identifier: MIT OR Apache-2.0
//! Copies that are damaged or cannot be read.

use super::{Disk, LIMIT, disk, start};
use harness::armed::damage;
use harness::vm::Running;
use ondisk::lifeboat::Run;
use std::path::Path;

const LINE: &str = "\r\nreplant: ";

fn last_byte(run: &Run) -> u64 {
    run.sectors * 512 - 1
}

/// Damages the kernel that this copy loads.
fn damage_kernel(disk: &Disk, copy: usize) {
    damage(&disk.image, &disk.places.kernels[copy][0], 100_000);
}

/// Damages the command line or the load table, not the old boot sector.
fn damage_blob(disk: &Disk, copy: usize) {
    damage(&disk.image, &disk.places.blobs[copy], 0x810);
}

/// Neither kernel nor old boot sector starts: the machine waits and restarts.
fn starts_nothing(mut machine: Running) -> String {
    let at = machine.expect(&format!("{LINE}W"), LIMIT);
    // QEMU ends at the restart, without the exit status of the other two.
    assert!(machine.wait_exit(LIMIT).success());
    let told = machine.serials[0].output();
    assert_eq!(told.trim_end().len(), at, "{told}");
    assert!(!told.contains('@'), "{told}");
    told
}

fn starts_the_old_system(machine: &Running) -> String {
    machine.expect("@old 80@", LIMIT);
    let told = machine.serials[0].output();
    assert!(!told.contains("@probe") && !told.contains(&format!("{LINE}W")));
    told
}

const KERNEL: &str = "\r\nreplant: this copy of the kernel is damaged (CRC-32)";

#[test]
fn the_other_blob() {
    let disk = disk(|_| {});
    damage_blob(&disk, 0);
    let told = disk.boots(start(&disk.image));
    assert!(told.contains("\r\nreplant: S\r\nreplant: loading, copy B"));
    assert!(!told.contains("copy A"), "{told}");
}

#[test]
fn the_other_kernel_and_the_other_initramfs() {
    let disk = disk(|armed| armed.pieces = 3);
    let last = disk.places.initramfses[0].last().expect("pieces");
    // What follows the file in its last sector does not count.
    damage(&disk.image, last, last_byte(last));
    let told = disk.boots(start(&disk.image));
    assert!(!told.contains("damaged"), "{told}");

    let in_sector = (disk.armed.initramfs.len() as u64 - 1) % 512;
    damage(&disk.image, last, last_byte(last) - 511 + in_sector);
    let told = disk.boots(start(&disk.image));
    let initramfs = "\r\nreplant: this copy of the initramfs is damaged (CRC-32)";
    assert!(told.contains(&format!("{initramfs}{LINE}loading, copy B")));

    let first = &disk.places.kernels[0][0];
    damage(&disk.image, first, 1024);
    let told = disk.boots(start(&disk.image));
    assert!(told.contains(&format!("{KERNEL}{LINE}loading, copy B")));
    assert!(!told.contains("initramfs is damaged"), "{told}");
}

#[test]
fn the_old_system_while_the_way_back_is_open() {
    let disk = disk(|armed| armed.way_back = true);
    damage_kernel(&disk, 0);
    damage_kernel(&disk, 1);
    let told = starts_the_old_system(&start(&disk.image));
    assert_eq!(told.matches(KERNEL).count(), 2, "{told}");

    // Its copy in the first blob is damaged, too.
    damage(
        &disk.image,
        &disk.places.blobs[0],
        last_byte(&disk.places.blobs[0]),
    );
    let told = starts_the_old_system(&start(&disk.image));
    assert_eq!(told.matches("\r\nreplant: S").count(), 2, "{told}");
    assert_eq!(told.matches(KERNEL).count(), 1, "{told}");

    // Neither blob is whole, but the old boot sector in one is.
    damage_blob(&disk, 1);
    let told = starts_the_old_system(&start(&disk.image));
    assert_eq!(told.matches("\r\nreplant: S").count(), 3, "{told}");
}

#[test]
fn nothing_once_the_way_back_is_closed() {
    let disk = disk(|_| {});
    damage_kernel(&disk, 0);
    damage_kernel(&disk, 1);
    let told = starts_nothing(start(&disk.image));
    assert_eq!(told.matches(KERNEL).count(), 2, "{told}");
    damage_blob(&disk, 0);
    damage_blob(&disk, 1);
    let told = starts_nothing(start(&disk.image));
    assert!(
        told.ends_with("\r\nreplant: S\r\nreplant: S\r\nreplant: W"),
        "{told}"
    );
}

/// A disk of which this sector cannot be read, once or always.
fn unreadable(disk: &Disk, sector: u64, once: bool) -> Running {
    let rules = disk.image.with_extension("rules");
    let once = if once { "on" } else { "off" };
    let rule = format!(
        "[inject-error]\nevent = \"read_aio\"\nerrno = \"5\"\nsector = \"{sector}\"\n\
         once = \"{once}\"\n"
    );
    std::fs::write(&rules, rule).expect("write");
    let name = format!("blkdebug:{}:{}", rules.display(), disk.image.display());
    start(Path::new(&name))
}

#[test]
fn sectors_that_cannot_be_read() {
    let disk = disk(|_| {});
    let sector = disk.places.kernels[0][0].lba + 200;
    let told = disk.boots(unreadable(&disk, sector, true));
    assert!(
        !told.contains("cannot read") && !told.contains("copy B"),
        "{told}"
    );

    let told = disk.boots(unreadable(&disk, sector, false));
    let message = format!("{LINE}cannot read sector 0x{sector:016x}{LINE}loading, copy B");
    assert!(told.contains(&message), "{told}");

    let told = disk.boots(unreadable(&disk, disk.places.blobs[0].lba + 3, false));
    assert!(told.contains("\r\nreplant: R\r\nreplant: loading, copy B"));
}
