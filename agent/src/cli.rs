// SPDX-License-Identifier: MIT OR Apache-2.0
//! The command line of `replant`.

use crate::cmdline::Mode;
use crate::old::Wish;
use crate::tiny::{BadElsewhere, Elsewhere};
use ondisk::manifest::BadProtection;
use std::path::PathBuf;

/// What `replant --help` prints.
pub const HELP: &str = "\
replant replaces the operating system of this machine in place.

On the old system, in the directory of the unpacked package:
  replant check  [--package DIR] [--trust FILE] [--json] [--strict]
                                            says whether it would go well; changes nothing
  replant stage  [--package DIR] [--yes] [--no-reboot] [--append WORDS]
                 [--protection resume|none] [--trust FILE] [--json]
                                            places the package, arms one boot into the
                                            tiny system, and reboots
  replant revert                            takes back what stage did
  replant status [--json]                   says what is staged

In the tiny system:
  replant survey                            says what is found; changes nothing
  replant rehearse                          does all that comes before the point of no return
  replant migrate [--payload DEVICE:PATH]   replaces the system, or goes on with it; the
                                            payload can be a file on another device
  replant console                           the recovery console

Anywhere:
  replant completions bash                  prints shell completions
  replant --help | --version
";

/// Completions of bash for `replant`.
pub const COMPLETIONS: &str = "\
_replant() {
    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}
    case $prev in
    --package) COMPREPLY=($(compgen -d -- \"$cur\")); return ;;
    --payload|--trust) COMPREPLY=($(compgen -f -- \"$cur\")); return ;;
    --protection) COMPREPLY=($(compgen -W 'resume none' -- \"$cur\")); return ;;
    completions) COMPREPLY=($(compgen -W bash -- \"$cur\")); return ;;
    esac
    if [ \"$COMP_CWORD\" = 1 ]; then
        COMPREPLY=($(compgen -W 'check stage revert status survey rehearse migrate console completions --help --version' -- \"$cur\"))
    else
        case ${COMP_WORDS[1]} in
        check) COMPREPLY=($(compgen -W '--package --trust --json --strict' -- \"$cur\")) ;;
        stage) COMPREPLY=($(compgen -W '--package --yes --no-reboot --append --protection --trust --json' -- \"$cur\")) ;;
        migrate) COMPREPLY=($(compgen -W '--payload' -- \"$cur\")) ;;
        status) COMPREPLY=($(compgen -W '--json' -- \"$cur\")) ;;
        esac
    fi
}
complete -F _replant replant
";

/// What was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Says whether staging and migrating would go well.
    Check {
        package: PathBuf,
        json: bool,
        /// Whether a warning is a failure.
        strict: bool,
        /// Files of keys that are trusted, beside the installed ones.
        trust: Vec<PathBuf>,
    },
    /// Places everything and reboots.
    Stage(Wish),
    /// Takes back what stage did.
    Revert,
    /// Says what is staged.
    Status { json: bool },
    /// In the tiny system: this, or what the kernel's command line says.
    Tiny {
        mode: Option<Mode>,
        /// Where the payload is, if not on the disk.
        payload: Option<Elsewhere>,
    },
    /// The recovery console.
    Console,
    /// Prints completions.
    Completions,
    /// Prints the help.
    Help,
    /// Prints the version.
    Version,
}

/// What is wrong with the command line.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{0}; see replant --help")]
    Option(#[from] lexopt::Error),
    #[error("there is no command \"{0}\"; see replant --help")]
    Command(String),
    #[error("--protection: {0}; see replant --help")]
    Protection(#[from] BadProtection),
    #[error("--payload: {0}; see replant --help")]
    Payload(#[from] BadElsewhere),
    #[error("replant {0} does not take {1}; see replant --help")]
    Misplaced(String, &'static str),
}

/// Reads the arguments, without the program's name.
pub fn parse(arguments: impl IntoIterator<Item = std::ffi::OsString>) -> Result<Command, Error> {
    use lexopt::prelude::*;
    let mut parser = lexopt::Parser::from_args(arguments);
    let mut words: Vec<String> = Vec::new();
    let (mut append, mut protection, mut payload) = (None, None, None);
    let (mut package, mut json, mut strict) = (None, false, false);
    let (mut yes, mut stay) = (false, false);
    let mut trust = Vec::new();
    while let Some(argument) = parser.next()? {
        match argument {
            Short('h') | Long("help") => return Ok(Command::Help),
            Short('V') | Long("version") => return Ok(Command::Version),
            Long("package") => package = Some(PathBuf::from(parser.value()?)),
            Long("append") => append = Some(parser.value()?.string()?),
            Long("protection") => protection = Some(parser.value()?.string()?.parse()?),
            Long("payload") => payload = Some(parser.value()?.string()?.parse()?),
            Long("trust") => trust.push(PathBuf::from(parser.value()?)),
            Long("json") => json = true,
            Long("strict") => strict = true,
            Short('y') | Long("yes") => yes = true,
            Long("no-reboot") => stay = true,
            Value(word) => words.push(word.string()?),
            other => return Err(other.unexpected().into()),
        }
    }
    let name = words.join(" ");
    let given = [
        ("--package", package.is_some(), &["check", "stage"][..]),
        ("--trust", !trust.is_empty(), &["check", "stage"]),
        ("--json", json, &["check", "stage", "status"]),
        ("--strict", strict, &["check"]),
        ("--append", append.is_some(), &["stage"]),
        ("--protection", protection.is_some(), &["stage"]),
        ("--payload", payload.is_some(), &["migrate"]),
        ("--yes", yes, &["stage"]),
        ("--no-reboot", stay, &["stage"]),
    ];
    for (option, present, commands) in given {
        if present && !commands.contains(&name.as_str()) {
            return Err(Error::Misplaced(name, option));
        }
    }
    let package = package.unwrap_or_else(|| PathBuf::from("."));
    match name.as_str() {
        "check" => Ok(Command::Check {
            package,
            json,
            strict,
            trust,
        }),
        "stage" => Ok(Command::Stage(Wish {
            package,
            yes,
            reboot: !stay,
            append: append.unwrap_or_default(),
            protection,
            json,
            trust,
        })),
        "revert" => Ok(Command::Revert),
        "status" => Ok(Command::Status { json }),
        "tiny" => Ok(Command::Tiny {
            mode: None,
            payload: None,
        }),
        "console" => Ok(Command::Console),
        "completions bash" => Ok(Command::Completions),
        "" | "help" => Ok(Command::Help),
        _ => match Mode::parse(name.as_bytes()) {
            Some(mode) => Ok(Command::Tiny {
                mode: Some(mode),
                payload,
            }),
            None => Err(Error::Command(name)),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ondisk::manifest::Protection;

    fn read(line: &str) -> Result<Command, Error> {
        parse(line.split_whitespace().map(Into::into))
    }

    #[test]
    fn replant_pack_knows_the_program_by_its_help() {
        assert!(HELP.starts_with(contract::mark::AGENT));
    }

    #[test]
    fn commands_and_their_options() {
        let package = PathBuf::from("/tmp/p");
        let check = Command::Check {
            package: package.clone(),
            json: true,
            strict: true,
            trust: ["a", "b"].map(PathBuf::from).into(),
        };
        let line = "check --json --trust a --strict --package /tmp/p --trust=b";
        assert_eq!(read(line).unwrap(), check);
        let append = "quiet a=b".to_string();
        let stage = Command::Stage(Wish {
            package,
            yes: true,
            reboot: false,
            append,
            protection: Some(Protection::Resume),
            json: true,
            trust: vec!["/k".into()],
        });
        let words = [
            "--package=/tmp/p",
            "stage",
            "-y",
            "--no-reboot",
            "--append",
            "quiet a=b",
            "--protection=resume",
            "--json",
            "--trust=/k",
        ];
        assert_eq!(parse(words.map(Into::into)).unwrap(), stage);
        let tiny = |mode| Command::Tiny {
            mode: Some(mode),
            payload: None,
        };
        assert_eq!(read("migrate").unwrap(), tiny(Mode::Migrate));
        let named = Command::Tiny {
            mode: Some(Mode::Migrate),
            payload: Some("/dev/sdb1:/va.tar.xz".parse().unwrap()),
        };
        assert_eq!(read("migrate --payload sdb1:va.tar.xz").unwrap(), named);
        assert_eq!(read("").unwrap(), Command::Help);
        for (old, word, mode) in [
            ("report", "survey", Mode::Survey),
            ("verify", "rehearse", Mode::Rehearse),
        ] {
            assert_eq!(read(old).unwrap(), tiny(mode));
            assert_eq!(read(word).unwrap(), tiny(mode));
        }
        for (line, words) in [
            ("chek", "no command \"chek\""),
            ("check --bogus", "--bogus"),
            ("revert --json", "replant revert does not take --json"),
            ("stage --strict", "replant stage does not take --strict"),
            ("stage --package", "--package"),
            ("revert --trust x", "replant revert does not take --trust"),
            ("check --trust", "--trust"),
            ("stage --protection undo", "\"resume\" or \"none\""),
            (
                "check --protection none",
                "replant check does not take --protection",
            ),
            ("migrate --resume", "--resume"),
            ("migrate --payload", "--payload"),
            ("migrate --payload sdb1", "\"sdb1\" is not DEVICE:PATH"),
            (
                "rehearse --payload sdb1:/x",
                "replant rehearse does not take --payload",
            ),
            ("check now", "no command \"check now\""),
        ] {
            let error = read(line).unwrap_err().to_string();
            assert!(
                error.contains(words) && error.ends_with("see replant --help"),
                "{error}"
            );
        }
    }
}
