// SPDX-License-Identifier: MIT OR Apache-2.0
//! The list of commands, for people.

use std::io::{self, Write};

use super::Extra;

/// Usage and a line of help, in the order in which they are needed.
const COMMANDS: [(&str, &str); 22] = [
    ("status", "what happened, and what to do next"),
    ("log", "the migration's log"),
    ("migrate", "go on with the migration (also: retry)"),
    (
        "verify",
        "all that comes before the point of no return; changes nothing",
    ),
    ("report", "look at this machine again; changes nothing"),
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
///
/// # Errors
///
/// What the output says.
pub fn print(output: &mut dyn Write, topic: Option<&str>, extra: &[Extra]) -> io::Result<()> {
    let extra = extra.iter().map(|extra| (extra.usage, extra.help));
    let mut found = false;
    for (usage, help) in COMMANDS
        .into_iter()
        .filter(|(usage, _)| *usage != "retry")
        .chain(extra)
    {
        if topic.is_none_or(|topic| usage.split(' ').next() == Some(topic)) {
            writeln!(output, "  {usage:<24} {help}")?;
            found = true;
        }
    }
    match topic {
        Some(topic) if !found => writeln!(output, "there is no command {topic}"),
        _ => Ok(()),
    }
}
