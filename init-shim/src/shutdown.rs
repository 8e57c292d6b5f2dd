// SPDX-License-Identifier: MIT OR Apache-2.0
//! Shutting down: kills everything, writes, unmounts, and calls reboot(2).

use rustix::process::Pid;
use rustix::system::{RebootCommand, reboot};

use crate::system::{Pace, System};
use crate::{file, kernel, mount};

/// What the machine does afterwards.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Then {
    Reboot,
    PowerOff,
}

/// A disk to which nothing was written for so long, in milliseconds, is given up.
const HANG: u64 = 90_000;
/// Longest time that the kernel gets to shut devices down, in milliseconds.
const SHUTDOWN: u64 = 30_000;

/// Shuts down. Returns only if the kernel refuses every way.
pub fn shutdown(system: &mut System, then: Then) {
    system.say(format_args!(
        "{}",
        match then {
            Then::Reboot => "rebooting",
            Then::PowerOff => "switching off",
        }
    ));
    for signal in [kernel::SIGTERM, kernel::SIGKILL] {
        kernel::signal_everybody(signal);
        if wait_for_children(system, 3000) {
            break;
        }
    }
    sync_disks(system);
    system.drain(2000);
    let (command, key) = match then {
        Then::Reboot => (RebootCommand::Restart, b"b"),
        Then::PowerOff => (RebootCommand::PowerOff, b"o"),
    };
    ask_kernel(system, command);
    let _ = file::write(c"/proc/sysrq-trigger", key);
    kernel::pause(5000);
    system.say(format_args!(
        "the kernel did not do it; switch the machine off and on by hand"
    ));
}

/// reboot(2), in a child: shutting devices down can hang in a driver, and a
/// kernel that cannot switch the power off ends the process that asked for it;
/// if that is PID 1, it panics. Returns if nothing has come of it in time.
fn ask_kernel(system: &mut System, command: RebootCommand) {
    let child = match kernel::fork() {
        Ok(None) => {
            let _ = reboot(command);
            kernel::exit(1);
        }
        Ok(Some(child)) => child,
        Err(_) => {
            let _ = reboot(command);
            return;
        }
    };
    let end = kernel::milliseconds().saturating_add(SHUTDOWN);
    while !has_ended(system, child) && kernel::milliseconds() < end {
        system.wait(None, Pace::Free, 200);
    }
}

/// Waits until PID 1 has no child, and returns whether it has none: all
/// other processes are children of its children.
fn wait_for_children(system: &mut System, milliseconds: u64) -> bool {
    let end = kernel::milliseconds().saturating_add(milliseconds);
    loop {
        let (_, left) = system.reap(None);
        if !left {
            return true;
        }
        if kernel::milliseconds() >= end {
            return false;
        }
        system.wait(None, Pace::Free, 50);
    }
}

/// sync(2) and unmount, in a child: either can hang for ever on a disk that is
/// gone, and PID 1 must not. Says how much is left while it takes long.
fn sync_disks(system: &mut System) {
    let child = match kernel::fork() {
        Ok(None) => {
            write_back();
            kernel::exit(0);
        }
        Ok(Some(child)) => child,
        Err(_) => return write_back(),
    };
    let mut last = u64::MAX;
    let mut progress = kernel::milliseconds();
    let mut reported = progress;
    while !has_ended(system, child) {
        let now = kernel::milliseconds();
        let left = unwritten();
        if left < last {
            progress = now;
        }
        last = left;
        if now.saturating_sub(reported) >= 5000 {
            reported = now;
            system.say(format_args!(
                "writing to the disk, {} MiB left",
                left / 1024
            ));
        }
        if now.saturating_sub(progress) >= HANG {
            system.say(format_args!(
                "the disk takes nothing any more ({left} KiB are not written)"
            ));
            return;
        }
        system.wait(None, Pace::Free, 200);
    }
}

fn write_back() {
    rustix::fs::sync();
    mount::unmount_all();
    rustix::fs::sync();
}

fn has_ended(system: &mut System, child: Pid) -> bool {
    let (status, left) = system.reap(Some(child));
    status.is_some() || !left
}

/// Dirty page cache that is not yet on the disks, in KiB.
fn unwritten() -> u64 {
    let mut buffer = [0; 4096];
    let text = file::read(c"/proc/meminfo", &mut buffer).unwrap_or_default();
    let field = |name| file::number(text, name).unwrap_or(0);
    field(b"Dirty").saturating_add(field(b"Writeback"))
}
