// SPDX-License-Identifier: MIT OR Apache-2.0
//! A machine with our /init.

use harness::cache::{self, Kernel};
use harness::initrd::Initrd;
use harness::vm::{Running, Vm};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

/// A kernel comes up, on a slow machine that is busy with other things.
pub const BOOT: Duration = Duration::from_secs(300);
/// Anything else.
pub const SOON: Duration = Duration::from_secs(120);

/// Applets that the scripts use.
const APPLETS: [&str; 17] = [
    "sh", "cat", "dd", "dmesg", "grep", "insmod", "kill", "mkdir", "mount", "ps", "rm", "setsid",
    "sleep", "stty", "tail", "touch", "tty",
];

/// Builds /init as the Makefile does it, once.
pub fn init() -> PathBuf {
    static INIT: OnceLock<PathBuf> = OnceLock::new();
    INIT.get_or_init(|| {
        let source = cache::source();
        let made = Command::new("make")
            .args(["-s", "out/init"])
            .current_dir(&source)
            .status();
        assert!(made.expect("make").success(), "make out/init failed");
        source.join("out/init")
    })
    .clone()
}

/// An initramfs with /init, busybox, and this script as /bin/replant.
pub fn image(agent: &str) -> Initrd {
    Initrd::new().copy(&init(), "/init").busybox(&APPLETS).file(
        "/bin/replant",
        0o755,
        format!("#!/bin/sh\n{agent}\n").as_bytes(),
    )
}

/// The same, with these modules of the kernel, and what they need, loaded first.
pub fn image_with_modules(names: &[&str], agent: &str) -> Initrd {
    let modules = Kernel::generic().closure(names);
    let file = |module: &Path| {
        let name = module.file_name().and_then(|name| name.to_str());
        format!("/m/{}", name.expect("a name"))
    };
    let loads: String = modules
        .iter()
        .map(|module| format!("insmod {}\n", file(module)))
        .collect();
    modules
        .iter()
        .fold(image(&format!("{loads}{agent}")), |image, module| {
            image.copy(module, &file(module))
        })
}

/// A machine that boots `image`; QEMU ends when it reboots.
pub fn vm(image: &Initrd, words: &str) -> Vm {
    // One for each test, in the target directory: QEMU reads it after this.
    let test = std::thread::current()
        .name()
        .unwrap_or("test")
        .replace(':', "-");
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{test}.cpio"));
    image.write(&path);
    Vm::new()
        .kernel(&Kernel::generic().vmlinuz(), &path)
        .append("panic=1 quiet")
        .append(words)
        .memory(256)
        .arg("-no-reboot")
        .quiet()
}

/// A machine with one serial port and this script.
pub fn start(agent: &str, words: &str) -> Running {
    vm(&image(agent), words).start()
}

/// Waits for `needle` on this port, at or after byte `from`; the byte after it.
pub fn wait(machine: &Running, port: usize, needle: &str, from: usize, limit: Duration) -> usize {
    machine.serials[port]
        .wait(needle, from, limit)
        .unwrap_or_else(|| {
            panic!(
                "{needle:?} did not come on ttyS{port} within {limit:?}:\n{}\n--- ttyS0 ---\n{}",
                machine.serials[port].output(),
                machine.tail()
            )
        })
}

/// Waits for the machine to go away without a panic of the kernel.
pub fn gone(machine: &mut Running, limit: Duration) -> String {
    machine.wait_exit(limit);
    // Nothing like this comes, but the end of the output does.
    for serial in &machine.serials {
        assert_eq!(serial.wait("\u{fffd}\u{fffd}", 0, SOON), None);
    }
    let text = machine.serials[0].output();
    assert!(!text.contains("Kernel panic"), "{text}");
    text
}

/// A shell script that does what is typed.
pub const OBEY: &str = "while read -r line; do eval \"$line\"; done";

/// What the scripts print must not be found in the echo of what was typed:
/// this is printed as `<<TEXT>>`.
pub fn said(text: &str) -> String {
    format!("echo \"<\"\"<{text}>>\"\r")
}
