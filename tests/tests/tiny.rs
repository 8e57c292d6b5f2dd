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

/// The kernel's time stamp of the first line with `needle`, in seconds.
fn stamp(log: &str, needle: &str) -> f64 {
    let line = log.lines().find(|line| line.contains(needle));
    line.and_then(|line| line.trim().strip_prefix('[')?.split_once(']'))
        .and_then(|(stamp, _)| stamp.trim().parse().ok())
        .unwrap_or_else(|| panic!("no {needle:?} with a stamp in:\n{log}"))
}
