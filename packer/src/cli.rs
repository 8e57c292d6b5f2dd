// SPDX-License-Identifier: MIT OR Apache-2.0
//! The command line: one subcommand per file, listed here.

use clap::{Parser, Subcommand};

use crate::initramfs;

/// Makes migration packages for replant.
#[derive(Debug, Parser)]
#[command(name = "replant-pack", version)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Builds the initramfs of the tiny system for a kernel.
    Initramfs(initramfs::Args),
}

/// What a subcommand can fail with.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// `initramfs`.
    #[error(transparent)]
    Initramfs(#[from] initramfs::Error),
}

impl Cli {
    /// Does what the command line asks for.
    pub fn run(&self) -> Result<(), Error> {
        match &self.command {
            Command::Initramfs(args) => Ok(initramfs::run(args)?),
        }
    }
}
