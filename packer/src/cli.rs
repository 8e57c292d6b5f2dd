// SPDX-License-Identifier: MIT OR Apache-2.0
//! The command line: one subcommand per file, listed here.

use anyhow::Result;
use clap::{CommandFactory, Parser, Subcommand};
use clap_complete::Shell;

use crate::{build, bundle, capture, initramfs, output, package, sign};

/// Makes migration packages for replant.
#[derive(Debug, Parser)]
#[command(name = "replant-pack", version)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Makes migration.tar.gz of an appliance, in one command
    Build(Box<build::Args>),
    /// Captures an appliance: partition table, files, layout
    Capture(capture::Args),
    /// Builds the initramfs of the tiny system for a kernel
    Initramfs(initramfs::Args),
    /// Makes migration.tar.gz of a captured disk, a kernel and its initramfs
    Bundle(bundle::Args),
    /// Says what is in a package
    Inspect(package::InspectArgs),
    /// Says whether a package is whole and replant check would take it
    Verify(package::VerifyArgs),
    /// Makes a pair of keys, to sign packages by
    Keygen(sign::KeygenArgs),
    /// Prints shell completions
    Completions { shell: Shell },
}

impl Cli {
    /// Does what the command line asks for.
    pub fn run(&self) -> Result<()> {
        match &self.command {
            Command::Build(args) => build::run(args)?,
            Command::Capture(args) => capture::run(args)?,
            Command::Initramfs(args) => initramfs::run(args)?,
            Command::Bundle(args) => bundle::run(args)?,
            Command::Inspect(args) => package::inspect(args)?,
            Command::Verify(args) => package::verify(args)?,
            Command::Keygen(args) => sign::keygen(args)?,
            Command::Completions { shell } => {
                let mut command = Cli::command();
                let mut text = Vec::new();
                clap_complete::generate(*shell, &mut command, "replant-pack", &mut text);
                output::print(&completions(&String::from_utf8_lossy(&text)))?;
            }
        }
        Ok(())
    }
}

/// clap_complete names the states of a program with a hyphen in two ways
/// (clap-rs/clap#6421), so that bash completes nothing after a command.
fn completions(generated: &str) -> String {
    generated.replace("replant__subcmd__pack__subcmd", "replant__pack__subcmd")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn bash_completes_the_options_of_a_command() {
        let mut command = Cli::command();
        let mut text = Vec::new();
        clap_complete::generate(Shell::Bash, &mut command, "replant-pack", &mut text);
        let script = completions(&String::from_utf8(text).unwrap());
        let asked = "COMP_WORDS=(replant-pack capture --); COMP_CWORD=2; \
                     _replant__pack replant-pack -- capture; echo ${COMPREPLY[*]}";
        let out = std::process::Command::new("bash")
            .args(["-c", &format!("{script}\n{asked}")])
            .output()
            .unwrap();
        let reply = String::from_utf8_lossy(&out.stdout);
        assert!(reply.contains("--exclude"), "{out:?}");
    }

    /// The options that a part of the manual names: `.It Fl o , Fl -output Ar dir`.
    fn options<'a>(part: &'a str, macros: &[&str]) -> BTreeSet<&'a str> {
        let lines = part
            .lines()
            .filter(|l| macros.iter().any(|m| l.starts_with(m)));
        let after = lines.flat_map(|line| line.split("Fl ").skip(1));
        after.filter_map(|rest| rest.split(' ').next()).collect()
    }

    #[test]
    fn the_manual_has_every_option_and_no_other() {
        let page = include_str!("../../docs/replant-pack.1");
        let (head, body) = page.split_once(".Sh DESCRIPTION").unwrap();
        let cli = Cli::command();
        for command in cli.get_subcommands() {
            let name = command.get_name();
            let synopsis = head
                .split(".Nm\n")
                .find(|p| p.starts_with(&format!(".Cm {name}\n")));
            let synopsis = options(synopsis.expect(name), &[".Op", ".Fl"]);
            let part = body
                .split(".Ss ")
                .find(|p| p.starts_with(&format!("{name}\n")));
            let part = part.unwrap_or_default();
            let message = options(part, &[".It"]);
            let mut own = BTreeSet::new();
            for argument in command.get_arguments().filter(|a| !a.is_positional()) {
                let long = format!("-{}", argument.get_long().unwrap());
                let short = argument.get_short().map(String::from);
                assert!(message.contains(&*long), "{name}: no -{long} in the manual");
                let in_synopsis = [Some(&long), short.as_ref()].into_iter().flatten();
                assert!(
                    in_synopsis.into_iter().any(|o| synopsis.contains(&**o)),
                    "{name}: {long}"
                );
                for value in argument.get_possible_values() {
                    let value = value.get_name();
                    if !argument.get_action().takes_values() {
                        continue;
                    }
                    assert!(
                        part.contains(&format!(".Cm {value}")),
                        "{name} -{long} {value}"
                    );
                }
                for value in argument.get_default_values() {
                    let value = value.to_str().unwrap();
                    assert!(
                        value.is_empty() || part.contains(value),
                        "{name} -{long}: {value}"
                    );
                }
                own.insert(long);
                own.extend(short);
            }
            let strange: Vec<_> = message
                .union(&synopsis)
                .filter(|o| !own.contains(**o))
                .collect();
            assert!(strange.is_empty(), "{name} has no {strange:?}");
        }
    }
}
