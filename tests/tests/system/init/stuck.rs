// SPDX-License-Identifier: MIT OR Apache-2.0
//! The end on a disk that takes nothing any more.

use super::machine::*;
use harness::vm::{Bus, Running};
use std::time::Duration;

/// A machine whose disk takes one write and then, at a byte a second, none.
fn machine(script: &str) -> (tempfile::NamedTempFile, Running) {
    machine_with(script, "console=ttyS0")
}

/// The same, with these words for the kernel.
pub fn machine_with(script: &str, words: &str) -> (tempfile::NamedTempFile, Running) {
    let disk = tempfile::NamedTempFile::new().expect("a temporary file");
    disk.as_file().set_len(1 << 20).expect("set_len");
    let image = image_with_modules(&["virtio_pci", "virtio_blk"], script);
    let machine = vm(&image, words)
        .drive(
            disk.path(),
            Bus::Virtio,
            "format=raw,cache=unsafe,throttling.bps-write=1",
        )
        .start();
    (disk, machine)
}

/// A process that cannot be killed and data that cannot be written hold the
/// end up, but not for ever. /init waits 90 seconds without any progress.
#[test]
fn a_disk_that_takes_nothing_is_given_up() {
    let (_disk, mut machine) = machine(
        "exec 3>/dev/vda\n\
         sleep 1000 &\n\
         dd if=/bin/busybox of=/dev/vda bs=4096 count=1 conv=notrunc\n\
         dd if=/bin/busybox of=/dev/vda bs=4096 count=1 seek=100 conv=notrunc\n\
         exit 20",
    );
    let at = wait(&machine, 0, "replant: rebooting", 0, BOOT);
    let at = wait(&machine, 0, "replant: writing to the disk", at, SOON);
    let long = Duration::from_secs(90) + SOON;
    let at = wait(&machine, 0, "the disk takes nothing any more (", at, long);
    let text = gone(&mut machine, SOON);
    assert!(!text[at..].starts_with("0 KiB"), "{}", &text[at..]);
    assert!(text.contains("reboot: Restarting system"), "{text}");
}

/// A driver that never gives up: a process takes the disk away, waits for a
/// write that never ends, and holds the lock that shutting down wants, too.
#[test]
fn a_reboot_that_hangs_in_a_driver_is_forced() {
    let (_disk, mut machine) = machine(
        "dd if=/bin/busybox of=/dev/vda bs=4096 count=1 oflag=direct\n\
         hangs() { until grep -q 'State:.D' /proc/$1/status; do sleep 1; done; }\n\
         dd if=/bin/busybox of=/dev/vda bs=4096 count=1 seek=100 oflag=direct &\n\
         hangs $!\n\
         cd /sys/bus/virtio/drivers/virtio_blk\n\
         sh -c 'echo virtio* >unbind' &\n\
         hangs $!\n\
         exit 20",
    );
    wait(&machine, 0, "replant: rebooting", 0, BOOT);
    let text = gone(&mut machine, Duration::from_secs(30) + SOON);
    assert!(text.contains("sysrq: Resetting"), "{text}");
    assert!(!text.contains("Restarting system"), "{text}");
}
