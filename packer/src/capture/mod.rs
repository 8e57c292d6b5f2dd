// SPDX-License-Identifier: MIT OR Apache-2.0
//! `replant-pack capture`: an appliance becomes `va.sgdisk`, `va.tar.xz` and
//! `layout.toml`.
//!
//! A disk is only read. File systems are mounted at their offset in the
//! image, logical volumes too, so neither partition nodes nor device-mapper
//! are needed.

mod appliance;
mod disk;
mod image;
mod mounted;
#[cfg(test)]
mod tests;
mod tree;
pub mod volumes;

pub use appliance::{Appliance, Options};
pub use disk::inside;

use crate::file::At;
use crate::layout::LAYOUT;
use crate::output;
use anyhow::{Result, anyhow};
use ondisk::manifest::{PAYLOAD, TABLE};
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

/// The arguments of `replant-pack capture`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The appliance: a disk (raw, qcow2, vmdk, vdi, vhd, vhdx), an .ova, a directory or a tar archive
    appliance: PathBuf,

    /// Where va.sgdisk, va.tar.xz and layout.toml go
    #[arg(short, long, value_name = "DIR", default_value = "package")]
    output: PathBuf,

    #[command(flatten)]
    options: Options,
}

/// Captures an appliance.
pub fn run(args: &Args) -> Result<()> {
    let scratch =
        tempfile::tempdir().map_err(|e| anyhow!("no temporary directory: {e}; set TMPDIR"))?;
    let mut appliance = Appliance::open(&args.appliance, &args.options, scratch.path())?;
    std::fs::create_dir_all(&args.output).at(&args.output)?;
    // Until everything is complete, an earlier capture stays as it is.
    let payload = tempfile::Builder::new()
        .prefix("va.tar.xz.")
        .permissions(Permissions::from_mode(0o644))
        .tempfile_in(&args.output)
        .at(&args.output)?;
    appliance.archive(payload.path(), &args.options)?;
    let (table, layout) = (appliance.table.encode(), appliance.text.clone());
    appliance.release()?;
    for (name, bytes) in [(TABLE, &table[..]), (LAYOUT, layout.as_bytes())] {
        let target = args.output.join(name);
        std::fs::write(&target, bytes).at(&target)?;
    }
    let target = args.output.join(PAYLOAD);
    payload.persist(&target).at(&target)?;
    let made = format!(
        "{0}: {TABLE}, {PAYLOAD} and layout.toml; next: look at {0}/layout.toml, make the tiny system (replant-pack initramfs), then replant-pack bundle {0} --kernel FILE --initramfs FILE --replant FILE\n",
        args.output.display()
    );
    output::print(&made)
}
