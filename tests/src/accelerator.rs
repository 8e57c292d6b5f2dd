// SPDX-License-Identifier: MIT OR Apache-2.0
//! KVM where it works, software emulation elsewhere.
//!
//! That /dev/kvm can be opened says little: in a nested virtual machine it is
//! often there and hangs. So a kernel is booted once, until it panics for
//! want of a root, and the answer is kept for as long as this host runs.

use crate::cache::{self, Kernel};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// All that QEMU can emulate, but for what makes it slow. `rep stosb` and `rep
/// movsb` store byte by byte, each one checked where the page once held code:
/// clearing such pages took a second each, and the kernel saw soft lockups.
/// Without these two features kernels use `rep stosq` and `rep movsq`.
const EMULATED: &str = "max,erms=off,fsrm=off";

/// QEMU's arguments for a machine's processors, by what suits this host.
/// `REPLANT_ACCEL=kvm` or `tcg` decides without a trial.
///
/// Two of them where the host has them to give. Of emulated ones there is one:
/// where two wait for each other on a busy host, each of them takes the time
/// that the other one needs, and now and then one stands still for minutes. As
/// many machines as there are processors are as quick, and one needs nobody.
pub fn arguments() -> [&'static str; 6] {
    static KVM: OnceLock<bool> = OnceLock::new();
    let kvm = *KVM.get_or_init(|| match std::env::var("REPLANT_ACCEL").as_deref() {
        Ok("kvm") => true,
        Ok("tcg") => false,
        Ok(other) => panic!("REPLANT_ACCEL={other}: say kvm or tcg"),
        Err(_) => remembered(),
    });
    let (accel, cpu, count) = if kvm {
        ("kvm", "host", "2")
    } else {
        ("tcg,thread=multi", EMULATED, "1")
    };
    ["-accel", accel, "-cpu", cpu, "-smp", count]
}

/// Whether the machines are emulated: a migration takes ten times as long.
pub fn is_emulation() -> bool {
    arguments().contains(&"tcg,thread=multi")
}

fn remembered() -> bool {
    if std::fs::OpenOptions::new()
        .read(true)
        .write(true)
        .open("/dev/kvm")
        .is_err()
    {
        return false;
    }
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    let memory = cache::directory().join(format!("kvm-{}", boot.trim()));
    match std::fs::read_to_string(&memory).as_deref() {
        Ok("works\n") => return true,
        Ok("does not work\n") => return false,
        // The file is missing, or another run is writing it.
        _ => {}
    }
    let works = boots();
    // If it cannot be written, the next run tries again.
    let _ = std::fs::write(&memory, if works { "works\n" } else { "does not work\n" });
    works
}

/// Whether a kernel under KVM gets as far as its panic within a minute: it
/// takes seconds, or for ever.
fn boots() -> bool {
    let kernel = Kernel::generic();
    let started = Command::new("qemu-system-x86_64")
        .args([
            "-accel", "kvm", "-cpu", "host", "-m", "256", "-display", "none", "-monitor",
        ])
        .args([
            "none",
            "-serial",
            "none",
            "-nic",
            "none",
            "-no-reboot",
            "-append",
            "panic=-1",
        ])
        .arg("-kernel")
        .arg(kernel.vmlinuz())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    let Ok(mut child) = started else { return false };
    let deadline = Instant::now() + Duration::from_secs(60);
    while Instant::now() < deadline {
        if let Ok(Some(status)) = child.try_wait() {
            return status.success();
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    let _ = child.kill();
    let _ = child.wait();
    false
}
