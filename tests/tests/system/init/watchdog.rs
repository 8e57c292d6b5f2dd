// SPDX-License-Identifier: MIT OR Apache-2.0
//! A hardware watchdog that somebody left running resets nothing.

use super::machine::*;
use harness::cache::Kernel;
use std::time::Duration;

/// Seconds after which the watchdog resets the machine unless it is fed.
const HEARTBEAT: u32 = 10;

/// QEMU's i6300esb, started and left alone by the agent; three times as long
/// as it waits go by on the console, and again after /init had a fault.
#[test]
fn one_that_runs_is_fed_to_the_end() {
    let modules = Kernel::generic().closure(&["i6300esb"]);
    let loads: String = (0..modules.len())
        .map(|n| {
            let last = n + 1 == modules.len();
            let heartbeat = format!(" heartbeat={HEARTBEAT}");
            format!("insmod /m/{n}.ko{}\n", if last { &heartbeat } else { "" })
        })
        .collect();
    let agent = format!(
        "test $1 = console && {{ echo console here; {OBEY}; }}\n\
         {loads}cat /sys/class/watchdog/watchdog0/state\n\
         echo k >/dev/watchdog0; cat /sys/class/watchdog/watchdog0/state; exit 22"
    );
    let image = modules
        .iter()
        .enumerate()
        .fold(image(&agent), |image, (n, module)| {
            image.copy(module, &format!("/m/{n}.ko"))
        });
    let mut machine = vm(&image, "console=ttyS0")
        .arg("-device")
        .arg("i6300esb")
        .start();
    // The kernel may have a word before the line ends.
    let at = wait(&machine, 0, "inactive", 0, BOOT);
    let at = wait(&machine, 0, "active", at, SOON);
    let mut at = wait(&machine, 0, "console here", at, SOON);
    // By the machine's own clock.
    let long = 3 * HEARTBEAT;
    for number in ["one", "two"] {
        machine.serials[0].send(&format!("sleep {long}; echo fed \"\"{number}\r"));
        let limit = Duration::from_secs(long.into()) + SOON;
        at = wait(&machine, 0, &format!("fed {number}"), at, limit);
        machine.serials[0].send("kill -SEGV 1\r");
        at = wait(&machine, 0, "; it started again in its place", at, SOON);
    }
    machine.serials[0].send("dmesg | grep watchdog0\r");
    let at = wait(&machine, 0, "(i6300ESB timer) runs: it is fed", at, SOON);
    machine.serials[0].send("exit 21\r");
    wait(&machine, 0, "replant: switching off", at, SOON);
    gone(&mut machine, SOON);
}
