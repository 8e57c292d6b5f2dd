// SPDX-License-Identifier: MIT OR Apache-2.0
//! What replant's loader costs, next to GRUB's own way to start a kernel.

use harness::small::{LIMIT, Small};

/// The first line of the tiny system.
const STARTED: &str = "replacing the operating system of this machine";

/// Seconds of the emulator's processor from power on to the tiny system.
fn until_it_starts(level: &str) -> f64 {
    let machine = Small::new().memory(1024);
    machine.stage(level);
    let running = machine.start();
    running.expect(STARTED, LIMIT);
    running.cpu().as_secs_f64()
}

/// Processor time, for that of the clock is the host's load as well.
#[test]
#[ignore = "make crash"]
fn the_loader_is_not_much_slower_than_grub() {
    let [grub, loader] = ["none", "resume"].map(until_it_starts);
    println!("power on to the tiny system: by GRUB {grub:.1} s, by the loader {loader:.1} s");
    assert!(loader < grub + 3.0, "{grub} and {loader}");
}
