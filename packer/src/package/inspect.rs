// SPDX-License-Identifier: MIT OR Apache-2.0
//! `replant-pack inspect`: what is in a package, without verifying it.

use super::report::Report;
use super::signed::Signed;
use super::{Package, whole};
use crate::file::At;
use crate::initramfs;
use crate::output;
use anyhow::Result;
use ondisk::gpt::Backup;
use ondisk::manifest::{INITRAMFS, KERNEL, TABLE};
use std::path::{Path, PathBuf};

/// The arguments of `replant-pack inspect`.
#[derive(Debug, clap::Args)]
pub struct InspectArgs {
    /// migration.tar.gz, or the directory where it is unpacked
    package: PathBuf,

    /// Prints one object of JSON
    #[arg(long)]
    json: bool,
}

/// Prints what is in a package.
pub fn inspect(args: &InspectArgs) -> Result<()> {
    let package = Package::open(&args.package)?;
    let mut report = Report::of(&package.manifest, package.seal);
    let mut table = Vec::new();
    let signature = package.files(&mut |name, size, reader| {
        match name {
            TABLE => table = whole(name, size, reader)?,
            KERNEL => report.kernel = initramfs::version(&whole(name, size, reader)?)?,
            INITRAMFS => {
                report.modules = initramfs::modules(&whole(name, size, reader)?)?;
            }
            _ => {}
        }
        Ok(())
    })?;
    let backup = Backup::parse(&table).at(Path::new(TABLE))?;
    report.signature = signature.as_deref().map(Signed::claimed).transpose()?;
    report.add_table(backup.table(), &package.manifest);
    let text = match args.json {
        true => serde_json::to_string(&report)? + "\n",
        false => report.to_string(),
    };
    output::print(&text)
}
