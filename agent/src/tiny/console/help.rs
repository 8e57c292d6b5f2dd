// SPDX-License-Identifier: MIT OR Apache-2.0
//! The list of commands, for people.

use std::io::{self, Write};

/// Usage and a line of help, in the order in which they are needed.
const COMMANDS: [(&str, &str); 26] = [
    ("status", "what happened, and what to do next"),
    ("log", "the migration's log"),
    ("migrate", "go on with the migration (also: retry)"),
    (
        "migrate --payload DEVICE:PATH",
        "the same, with the payload in a file on another device",
    ),
    (
        "rehearse",
        "all that comes before the point of no return; changes nothing",
    ),
    ("survey", "look at this machine again; changes nothing"),
    ("disks", "disks and partitions, sizes, what is on them"),
    ("free", "memory"),
    ("ps", "programs that run"),
    ("dmesg", "the kernel's log"),
    ("ls [PATH...]", "list directories"),
    ("cd [DIR]", "change the directory"),
    ("cat FILE...", "show files"),
    ("cp FILE TARGET", "copy a file"),
    ("mount", "what is mounted"),
    (
        "mount DEVICE DIR [rw]",
        "mount a file system; read-only without `rw`",
    ),
    ("umount DIR", "unmount it"),
    (
        "chroot DIR [PROGRAM...]",
        "use the programs of the system mounted at DIR",
    ),
    ("sh", "a shell, if this initramfs has one"),
    (
        "modprobe NAME...",
        "load kernel modules with all that they need",
    ),
    (
        "vgchange [rw]",
        "map all logical volumes; read-only without `rw`",
    ),
    (
        "lock",
        "ask for the console's password again, if it has one",
    ),
    ("reboot", "reboot"),
    ("poweroff", "switch the machine off"),
    ("help [COMMAND]", "this list"),
    ("retry", "the same as migrate"),
];

/// The usage of a command of the console; of several forms the longest.
pub fn usage(name: &str) -> Option<&'static str> {
    COMMANDS
        .iter()
        .map(|(usage, _)| *usage)
        .filter(|usage| usage.split(' ').next() == Some(name))
        .max_by_key(|usage| usage.len())
}

/// Prints all commands, or one.
pub fn print(output: &mut dyn Write, topic: Option<&str>) -> io::Result<()> {
    let mut found = false;
    for (usage, help) in COMMANDS.iter().filter(|(usage, _)| *usage != "retry") {
        if topic.is_none_or(|topic| usage.split(' ').next() == Some(topic)) {
            writeln!(output, "  {usage:<30} {help}")?;
            found = true;
        }
    }
    match topic {
        Some(topic) if !found => writeln!(output, "there is no command {topic}"),
        _ => Ok(()),
    }
}
