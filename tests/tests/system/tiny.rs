// SPDX-License-Identifier: MIT OR Apache-2.0
//! The tiny system as `make qemu` boots it: a machine that was never staged.

use harness::cache::Kernel;
use harness::product;
use harness::vm::{Bus, Vm};
use std::time::Duration;

const BOOT: Duration = Duration::from_secs(120);
const SOON: Duration = Duration::from_secs(60);

/// Seconds that /init and the agent's start may take on top of the kernel's
/// own start, in software emulation.
const ALLOWANCE: f64 = 1.0;

#[test]
fn a_boot_by_hand_looks_and_opens_the_console() {
    let dir = tempfile::tempdir().unwrap();
    let disk = dir.path().join("scratch");
    std::fs::File::create(&disk)
        .and_then(|file| file.set_len(64 << 20))
        .unwrap();
    let mut machine = Vm::new()
        .quiet()
        .kernel(&Kernel::generic().vmlinuz(), &product::initramfs())
        .append("console=ttyS0 panic=10 quiet")
        .disk(&disk, Bus::Virtio)
        .arg("-no-reboot")
        .start();
    let at = machine.expect("looking at this machine; nothing will be changed", BOOT);
    let at = machine.expect_after("vda", at, SOON);
    let at = machine.expect_after("replant> ", at, SOON);

    machine.serials[0].send("dmesg\r");
    let end = machine.expect_after("replant> ", at, SOON);
    let log = String::from_utf8_lossy(&machine.serials[0].bytes()[at..end]).into_owned();
    let (kernel, init, agent) = (
        stamp(&log, "Run /init as init process"),
        stamp(&log, "replant: /init"),
        stamp(&log, "looking at this machine"),
    );
    println!(
        "the kernel's last line at {kernel} s, /init's first at {init} s, the agent's at {agent} s"
    );
    assert!(kernel < init && init < agent, "{kernel} {init} {agent}");
    assert!(agent - kernel < ALLOWANCE, "{kernel} {init} {agent}");

    machine.serials[0].send("poweroff\r");
    machine.wait_exit(SOON);
    let bytes = std::fs::read(&disk).unwrap();
    assert!(bytes.iter().all(|byte| *byte == 0), "the disk was written");
}

/// As `stage` leaves it on a machine whose package asks for a password: the
/// hash stands before the initramfs's own parts, and the kernel takes both.
#[test]
fn a_console_with_a_password_shows_nothing_without_it() {
    // crypt(3) of libxcrypt 4.4 made it, of "open sesame".
    let hash = "$6$rounds=1000$aZ.9/q$GWEFMxAc8r4JNc93ms.us9k.EgZibSC8PisWOl4AArdzphCZJ77W.iT58ou8vUwc2i4hZl6YE6vVhnKQsqo4G1";
    let dir = tempfile::tempdir().unwrap();
    let image = dir.path().join("initramfs");
    let mut bytes = replant::password::segment(hash).unwrap();
    bytes.extend(std::fs::read(product::initramfs()).unwrap());
    std::fs::write(&image, bytes).unwrap();
    let mut machine = Vm::new()
        .quiet()
        .kernel(&Kernel::generic().vmlinuz(), &image)
        .append("console=ttyS0 panic=10 quiet replant=console")
        .arg("-no-reboot")
        .start();
    let port = &machine.serials[0];
    let at = machine.expect("replant> ", BOOT);
    port.send("cat /etc/replant/console-password\r");
    let at = machine.expect_after("password: ", at, SOON);
    port.send("$6$rounds\r");
    let at = machine.expect_after("wrong password", at, SOON);
    let at = machine.expect_after("replant> ", at, SOON);
    port.send("free\r");
    let at = machine.expect_after("password: ", at, SOON);
    port.send("open sesame\r");
    let at = machine.expect_after("replant> ", at, SOON);
    port.send("cat /etc/replant/console-password\r");
    machine.expect_after(hash, at, SOON);
    // The hash was not shown before, and what was typed was not at all.
    let said = machine.serials[0].output();
    assert_eq!(said.matches("GWEFMxAc").count(), 1, "{said}");
    assert!(!said.contains("open sesame"), "{said}");
    machine.serials[0].send("poweroff\r");
    machine.wait_exit(SOON);
}

/// The root never comes, and a person has seen enough: at the boot, and again
/// when the migration was started from the console.
#[test]
fn a_person_stops_a_migration_that_waits() {
    let mut machine = Vm::new()
        .quiet()
        .kernel(&Kernel::generic().vmlinuz(), &product::initramfs())
        .append("console=ttyS0 panic=10 quiet replant=migrate rd.retry=3000")
        .append("root=UUID=00000000-0000-4000-8000-00000000dead")
        .arg("-no-reboot")
        .start();
    let mut at = 0;
    for _ in 0..2 {
        at = machine.expect_after("replacing the operating system of this machine", at, BOOT);
        machine.serials[0].send("\x03");
        at = machine.expect_after("Type yes for the console", at, SOON);
        machine.serials[0].send("yes\r");
        at = machine.expect_after("discover: stopped by hand; nothing was changed", at, SOON);
        at = machine.expect_after("replant: recovery console", at, SOON);
        at = machine.expect_after("replant> ", at, SOON);
        machine.serials[0].send("migrate\r");
    }
    // It was not killed: it stopped by itself.
    let text = machine.serials[0].output();
    assert!(!text.contains("killed"), "{text}");
    machine.expect_after("replacing the operating system of this machine", at, BOOT);
    machine.serials[0].send("\x03");
    at = machine.expect_after("Type yes for the console", at, SOON);
    // Back to the old system, by hand.
    machine.serials[0].send("reboot\r");
    machine.expect_after("replant: rebooting", at, SOON);
    machine.wait_exit(SOON);
}

/// The kernel's time stamp of the first line with `needle`, in seconds.
fn stamp(log: &str, needle: &str) -> f64 {
    let line = log.lines().find(|line| line.contains(needle));
    line.and_then(|line| line.trim().strip_prefix('[')?.split_once(']'))
        .and_then(|(stamp, _)| stamp.trim().parse().ok())
        .unwrap_or_else(|| panic!("no {needle:?} with a stamp in:\n{log}"))
}
