// SPDX-License-Identifier: MIT OR Apache-2.0
//! The real kernel and the real tiny system.

use super::LIMIT;
use harness::armed::Armed;
use harness::cache::Kernel;
use harness::product;
use harness::vm::{Bus, Vm};

#[test]
fn the_tiny_system() {
    let read = |path: &std::path::Path| std::fs::read(path).expect("a file");
    let mut armed = Armed::new(
        &read(&Kernel::generic().vmlinuz()),
        &read(&product::initramfs()),
    );
    armed.words = "console=ttyS0 panic=10 replant=survey no_timer_check".into();
    armed.pieces = 120;
    let dir = tempfile::tempdir().expect("a temporary directory");
    let image = dir.path().join("disk");
    armed.write(&image);
    let machine = Vm::new().quiet().disk(&image, Bus::Virtio).start();
    let line = " replant.drive=80 replant.start=disk";
    machine.expect(&format!("Command line: {}{line}", armed.words), LIMIT);
    // Nobody warns of words that nobody knows, and the console comes.
    machine.expect("replant> ", LIMIT * 2);
    let told = machine.serials[0].output();
    assert!(!told.contains("nobody knows"), "{told}");
}
