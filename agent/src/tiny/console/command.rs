// SPDX-License-Identifier: MIT OR Apache-2.0
//! Parses a typed line into words and a command.

use std::path::PathBuf;

use super::ConsoleError;
use super::help;
use crate::tiny::Elsewhere;

/// Commands that replant runs in a process of its own. It also tells the present
/// names of the last two.
const REPLANT: [&str; 4] = ["survey", "rehearse", "report", "verify"];

/// One command line, understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Nothing but blanks, or a comment.
    Nothing,
    /// `help [COMMAND]`
    Help(Option<String>),
    /// `status`
    Status,
    /// `ls [PATH...]`
    Ls(Vec<PathBuf>),
    /// `cat FILE...`
    Cat(Vec<PathBuf>),
    /// `cp FILE TARGET`
    Cp(PathBuf, PathBuf),
    /// `cd [DIR]`
    Cd(PathBuf),
    /// `mount`
    Mounts,
    /// `mount DEVICE DIR [rw]`
    Mount {
        device: PathBuf,
        directory: PathBuf,
        writable: bool,
    },
    /// `umount DIR`
    Umount(PathBuf),
    /// `dmesg`
    Dmesg,
    /// `log`
    Log,
    /// `disks`
    Disks,
    /// `free`
    Free,
    /// `ps`
    Ps,
    /// `chroot DIR [PROGRAM ARGUMENT...]`
    Chroot(PathBuf, Vec<String>),
    /// `sh`
    Sh,
    /// `lock`
    Lock,
    /// `migrate [--payload DEVICE:PATH]` or `retry`
    Migrate(Option<Elsewhere>),
    /// `survey` or `rehearse`, by the word that was typed.
    Replant(String),
    /// `reboot`
    Reboot,
    /// `poweroff`
    PowerOff,
    /// `modprobe NAME...`
    Modprobe(Vec<String>),
    /// `vgchange [rw]`
    Vgchange { writable: bool },
}

/// Splits a line into words as a shell does it, without any expansion: blanks
/// separate; `'...'`, `"..."` and a backslash protect; `#` at the start of a
/// word begins a comment.
pub fn words(line: &str) -> Result<Vec<String>, ConsoleError> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut characters = line.chars();
    while let Some(character) = characters.next() {
        match character {
            '\'' | '"' => {
                let word = word.get_or_insert_default();
                loop {
                    match characters.next() {
                        None => return Err(ConsoleError::Quote(character)),
                        Some(end) if end == character => break,
                        Some('\\') if character == '"' => word.extend(characters.next()),
                        Some(inner) => word.push(inner),
                    }
                }
            }
            '\\' => word.get_or_insert_default().extend(characters.next()),
            '#' if word.is_none() => break,
            blank if blank.is_whitespace() => words.extend(word.take()),
            other => word.get_or_insert_default().push(other),
        }
    }
    words.extend(word);
    Ok(words)
}

impl Command {
    /// Whether it needs no password: it shows only what the consoles have shown
    /// already, or leaves.
    pub fn is_open_to_all(&self) -> bool {
        use Command::{Help, Lock, Log, Nothing, Reboot, Status};
        matches!(self, Nothing | Help(_) | Status | Log | Lock | Reboot)
    }

    /// Understands a line.
    ///
    /// # Errors
    ///
    /// [`ConsoleError::Quote`]; [`ConsoleError::Usage`] for wrong arguments;
    /// [`ConsoleError::Unknown`].
    pub fn parse(line: &str) -> Result<Command, ConsoleError> {
        let mut words = words(line)?;
        // Messages and manuals say "replant migrate".
        let own = |word: &String| {
            REPLANT.contains(&word.as_str()) || matches!(word.as_str(), "migrate" | "retry")
        };
        if words.first().is_some_and(|w| w == "replant") && words.get(1).is_some_and(own) {
            words.remove(0);
        }
        let Some((name, arguments)) = words.split_first() else {
            return Ok(Command::Nothing);
        };
        let paths = || arguments.iter().map(PathBuf::from).collect::<Vec<_>>();
        let command = match (name.as_str(), arguments) {
            ("help" | "?", []) => Command::Help(None),
            ("help" | "?", [topic]) => Command::Help(Some(topic.clone())),
            ("status", []) => Command::Status,
            ("ls", []) => Command::Ls(vec![PathBuf::from(".")]),
            ("ls", _) => Command::Ls(paths()),
            ("cat", [_, ..]) => Command::Cat(paths()),
            ("cp", [from, to]) => Command::Cp(from.into(), to.into()),
            ("cd", []) => Command::Cd("/".into()),
            ("cd", [directory]) => Command::Cd(directory.into()),
            ("mount", []) => Command::Mounts,
            ("mount", [device, directory]) => Command::Mount {
                device: device.into(),
                directory: directory.into(),
                writable: false,
            },
            ("mount", [device, directory, mode]) if mode == "rw" || mode == "ro" => {
                Command::Mount {
                    device: device.into(),
                    directory: directory.into(),
                    writable: mode == "rw",
                }
            }
            ("umount", [directory]) => Command::Umount(directory.into()),
            ("dmesg", []) => Command::Dmesg,
            ("log", []) => Command::Log,
            ("disks", []) => Command::Disks,
            ("free", []) => Command::Free,
            ("ps", []) => Command::Ps,
            ("chroot", [directory, program @ ..]) => {
                Command::Chroot(directory.into(), program.to_vec())
            }
            ("sh", []) => Command::Sh,
            ("lock", []) => Command::Lock,
            ("migrate" | "retry", []) => Command::Migrate(None),
            ("migrate" | "retry", [option, place]) if option == "--payload" => {
                Command::Migrate(Some(place.parse()?))
            }
            (word, []) if REPLANT.contains(&word) => Command::Replant(name.clone()),
            ("modprobe", [_, ..]) => Command::Modprobe(arguments.to_vec()),
            ("vgchange", []) => Command::Vgchange { writable: false },
            ("vgchange", [mode]) if mode == "rw" => Command::Vgchange { writable: true },
            ("reboot", []) => Command::Reboot,
            ("poweroff", []) => Command::PowerOff,
            (known, _) if help::usage(known).is_some() => {
                return Err(ConsoleError::Usage(help::usage(known).unwrap_or_default()));
            }
            _ => return Err(ConsoleError::Unknown(name.clone())),
        };
        Ok(command)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_like_a_shells() {
        let split = |line: &str| words(line).unwrap();
        assert!(split("").is_empty() && split(" \t\r\n").is_empty());
        assert_eq!(split("ls  /a b"), ["ls", "/a", "b"]);
        assert_eq!(
            split("cat 'a b' \"c d\"e f\\ g"),
            ["cat", "a b", "c de", "f g"]
        );
        assert_eq!(split("x '' \"\\\"\""), ["x", "", "\""]);
        assert_eq!(split("ls # all"), ["ls"]);
        assert_eq!(split("ls a#b"), ["ls", "a#b"]);
        assert_eq!(split("end\\"), ["end"]);
        assert_eq!(split("\u{fc} \u{1f600}"), ["\u{fc}", "\u{1f600}"]);
        for open in ["'", "a \"b", "\"\\\""] {
            assert!(matches!(words(open), Err(ConsoleError::Quote(_))), "{open}");
        }
    }

    #[test]
    fn commands() {
        let parse = |line: &str| Command::parse(line).unwrap();
        assert_eq!(parse("# nothing"), Command::Nothing);
        assert_eq!(parse("help"), Command::Help(None));
        assert_eq!(parse("? ls"), Command::Help(Some("ls".into())));
        assert_eq!(parse("ls"), Command::Ls(vec![".".into()]));
        assert_eq!(parse("cat a b"), Command::Cat(vec!["a".into(), "b".into()]));
        assert_eq!(parse("mount"), Command::Mounts);
        let mount = |writable| Command::Mount {
            device: "/dev/sda1".into(),
            directory: "/mnt".into(),
            writable,
        };
        assert_eq!(parse("mount /dev/sda1 /mnt"), mount(false));
        assert_eq!(parse("mount /dev/sda1 /mnt ro"), mount(false));
        assert_eq!(parse("mount /dev/sda1 /mnt rw"), mount(true));
        for line in ["retry", "migrate", "replant migrate", "replant retry"] {
            assert_eq!(parse(line), Command::Migrate(None), "{line}");
        }
        let payload = "/dev/sdb1:/a b".parse().unwrap();
        assert_eq!(
            parse("replant migrate --payload 'sdb1:/a b'"),
            Command::Migrate(Some(payload))
        );
        let error = Command::parse("migrate --payload sdb1").unwrap_err();
        assert!(error.to_string().contains("DEVICE:PATH"), "{error}");
        for (line, word) in [
            ("rehearse", "rehearse"),
            ("replant survey", "survey"),
            ("replant verify", "verify"),
            ("report", "report"),
        ] {
            assert_eq!(parse(line), Command::Replant(word.into()));
        }
        for unknown in ["replant reboot", "frobnicate x"] {
            let error = Command::parse(unknown).unwrap_err();
            assert!(matches!(error, ConsoleError::Unknown(_)), "{unknown}");
        }
        assert_eq!(parse("vgchange rw"), Command::Vgchange { writable: true });
        assert_eq!(
            parse("chroot /sysroot ls -l '/a b'"),
            Command::Chroot(
                "/sysroot".into(),
                vec!["ls".into(), "-l".into(), "/a b".into()]
            )
        );
        assert_eq!(
            parse("modprobe ext4"),
            Command::Modprobe(vec!["ext4".into()])
        );
    }

    #[test]
    fn wrong_arguments_get_the_usage() {
        for line in [
            "cat",
            "cp a",
            "mount a",
            "mount a b writable",
            "umount",
            "chroot",
            "reboot now",
            "migrate --resume",
            "migrate --payload",
            "migrate sdb1:/va.tar.xz",
            "rehearse all",
            "modprobe",
            "vgchange ro",
            "ps x",
            "lock now",
        ] {
            let error = Command::parse(line).unwrap_err();
            assert!(matches!(error, ConsoleError::Usage(_)), "{line}");
            let name = line.split(' ').next().unwrap();
            assert!(error.to_string().contains(name), "{error}");
        }
    }
}
