// SPDX-License-Identifier: MIT OR Apache-2.0
//! The old system may be of 2014: what runs there does the same on a kernel
//! that has no system call which is newer than Linux 3.10.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::Path;
use std::process::Command;

const REPLANT: &str = env!("CARGO_BIN_EXE_replant");

/// A GRUB whose next boot is armed, on a /boot of its own, and the commands one
/// after the other. No command finds a package, so none stages this machine.
const SCRIPT: &str = r#"
mount -t tmpfs none /boot
mkdir /boot/grub
cp -a "$1"/. /boot/grub
shift
try() { "$@" 2>&1; echo "exit status $?"; }
try "$@" status
try "$@" status --json
try "$@" check --package /nowhere
try "$@" check --json --strict --package /boot/grub
try "$@" stage --yes --json --no-reboot --package /nowhere
try "$@" revert
try "$@" status
cd /boot/grub; ls -ln --time-style=+ ; sha256sum *
"#;

/// What the commands say and leave behind.
fn say(directory: &Path, by: &Command) -> String {
    let script = directory.join("script");
    std::fs::write(&script, SCRIPT).unwrap();
    let mut command = Command::new("unshare");
    command.args(["--mount", "--propagation", "private", "sh", "-u"]);
    command.arg(script).arg(directory.join("grub"));
    command.arg(by.get_program()).args(by.get_args());
    let said = testkit::run(&mut command);
    // How long it took, and what is free at the moment, is never the same.
    let lines = said.lines().filter(|line| !line.contains("duration"));
    lines.map(|line| format!("{line}\n")).collect()
}

#[test]
fn the_commands_of_the_old_system_need_no_newer_system_call() {
    testkit::needs!("root", "perl", "unshare");
    assert!(
        !Path::new("/etc/upd").exists(),
        "this machine is staged, and `revert` would take that back"
    );
    let dir = tempfile::tempdir().unwrap();
    let grub = dir.path().join("grub");
    std::fs::create_dir(&grub).unwrap();
    let config = "load_env\nif [ \"${next_entry}\" ] ; then\n set boot_once=true\nfi\nsource ${config_directory}/custom.cfg\n";
    std::fs::write(grub.join("grub.cfg"), config).unwrap();
    let mut block =
        b"# GRUB Environment Block\nsaved_entry=old\nnext_entry=replant-migration\n".to_vec();
    block.resize(1024, b'#');
    std::fs::write(grub.join("grubenv"), block).unwrap();

    let replant = Path::new(REPLANT);
    let now = say(dir.path(), &Command::new(replant));
    let then = say(dir.path(), &testkit::on_linux_3_10(replant));
    assert_eq!(then, now);
    for words in [
        "the next boot is replant-migration",
        "exit status 2",
        "the next boot is an ordinary one",
    ] {
        assert!(now.contains(words), "no {words:?} in {now}");
    }
}
