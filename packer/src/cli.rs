// SPDX-License-Identifier: MIT OR Apache-2.0
//! The command line: one subcommand per file, listed here.

use clap::{CommandFactory, Parser, Subcommand};
use clap_complete::Shell;

use crate::{bundle, capture, initramfs};

/// Makes migration packages for replant.
#[derive(Debug, Parser)]
#[command(name = "replant-pack", version)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Captures an appliance's disk: partition table, files, layout
    Capture(capture::Args),
    /// Builds the initramfs of the tiny system for a kernel
    Initramfs(initramfs::Args),
    /// Makes migration.tar.gz of a captured disk, a kernel and its initramfs
    Bundle(bundle::Args),
    /// Prints shell completions
    Completions {
        /// The shell
        shell: Shell,
    },
}

/// What a subcommand can fail with.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// `capture`.
    #[error(transparent)]
    Capture(#[from] capture::Error),
    /// `initramfs`.
    #[error(transparent)]
    Initramfs(#[from] initramfs::Error),
    /// `bundle`.
    #[error(transparent)]
    Bundle(#[from] bundle::Error),
}

impl Cli {
    /// Does what the command line asks for.
    pub fn run(&self) -> Result<(), Error> {
        match &self.command {
            Command::Capture(args) => capture::run(args)?,
            Command::Initramfs(args) => initramfs::run(args)?,
            Command::Bundle(args) => bundle::run(args)?,
            Command::Completions { shell } => {
                let mut command = Cli::command();
                clap_complete::generate(
                    *shell,
                    &mut command,
                    "replant-pack",
                    &mut std::io::stdout(),
                );
            }
        }
        Ok(())
    }
}
