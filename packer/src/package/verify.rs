// SPDX-License-Identifier: MIT OR Apache-2.0
//! `replant-pack verify`: what `replant check` asks of a package, as far as it
//! does not depend on the machine.

use super::signed::Signed;
use super::{Package, whole};
use crate::bundle::look;
use crate::file::At;
use crate::initramfs::{self, executable};
use crate::{output, progress};
use anyhow::{Context, Result, anyhow, bail};
use ondisk::gpt::Backup;
use ondisk::inventory::{Report, Target};
use ondisk::manifest::{BINARY, INITRAMFS, KERNEL, PAYLOAD, Seal, TABLE};
use ondisk::package::{UNSEALED, judge};
use ondisk::sha256::Hash;
use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

/// The arguments of `replant-pack verify`.
#[derive(Debug, clap::Args)]
pub struct VerifyArgs {
    /// migration.tar.gz, or the directory where it is unpacked
    package: PathBuf,

    /// Refuses a package that this public key of minisign has not signed; of
    /// several, one must have
    #[arg(long, value_name = "FILE")]
    trust: Vec<PathBuf>,
}

/// What was read of a package.
#[derive(Default)]
struct Parts {
    table: Vec<u8>,
    kernel: Vec<u8>,
    initramfs: Vec<u8>,
    binary: Vec<u8>,
    found: Option<Report>,
}

/// Reads all of a package, and judges it.
pub fn verify(args: &VerifyArgs) -> Result<()> {
    let path = &args.package;
    let package = Package::open(path)?;
    if !args.trust.is_empty() {
        // Before anything else of it is decoded.
        let signature = package.signature()?;
        Signed::verified(&package.text, signature.as_deref(), &args.trust)?;
    }
    let mut parts = Parts::default();
    let mut seen = BTreeSet::new();
    let mut warnings = Vec::new();
    let mut unbound = Vec::new();
    let signature = package.files(&mut |name, size, reader| {
        let Some(entry) = package.manifest.file(name) else {
            unbound.push(name.to_string());
            return Ok(());
        };
        if !seen.insert(name.to_string()) {
            bail!("{name} is in the package twice; make it again with replant-pack");
        }
        let bar = progress::bytes(&format!("verifying {name}"), size);
        let mut hash = Hash::new(bar.wrap_read(reader));
        match name {
            TABLE => parts.table = whole(name, size, &mut hash)?,
            KERNEL => parts.kernel = whole(name, size, &mut hash)?,
            INITRAMFS => parts.initramfs = whole(name, size, &mut hash)?,
            BINARY => parts.binary = whole(name, size, &mut hash)?,
            PAYLOAD => {
                // A wrong sum is what is said of a payload that is damaged.
                let target = Target::of(&package.manifest);
                let looked = look(&mut hash, Path::new(name), target);
                io::copy(&mut hash, &mut io::sink()).at(Path::new(name))?;
                let sum = hash.finish().to_string();
                bar.finish_and_clear();
                same(name, (size, &sum), (entry.size, &entry.sha256))?;
                parts.found = Some(looked?);
                return Ok(());
            }
            _ => {}
        }
        io::copy(&mut hash, &mut io::sink()).at(Path::new(name))?;
        let sum = hash.finish().to_string();
        bar.finish_and_clear();
        same(name, (size, &sum), (entry.size, &entry.sha256))
    })?;
    if let Some(missing) = package
        .manifest
        .files
        .iter()
        .find(|f| !seen.contains(&f.name))
    {
        bail!(
            "{} has no {}, which its migration.toml names; make it again with replant-pack",
            path.display(),
            missing.name
        );
    }
    let signed = Signed::verified(&package.text, signature.as_deref(), &args.trust)?;
    if let (Some(_), false) = (&signed, unbound.is_empty()) {
        bail!(
            "{}: the signature says nothing of {}, which migration.toml does not name; make the package again with replant-pack",
            path.display(),
            unbound.join(", ")
        );
    }
    for name in unbound {
        warnings.push(format!(
            "{name} is in the package and not in migration.toml: it has no checksum, and replant uses nothing of it"
        ));
    }
    let backup = Backup::parse(&parts.table).at(Path::new(TABLE))?;
    let found = parts.found.context("no payload")?;
    if package.seal == Seal::Absent {
        warnings.push(UNSEALED.to_string());
    }
    warnings.extend(judge(&package.manifest, backup.table(), &found)?);
    initramfs::agree(
        (&parts.initramfs, Path::new(INITRAMFS)),
        (&parts.kernel, Path::new(KERNEL)),
    )?;
    if !parts.binary.is_empty() {
        executable::check(&parts.binary)
            .map_err(|what| anyhow!("{BINARY} cannot run by itself: {what}"))?;
    }
    for warning in &warnings {
        eprintln!("warning: {warning}");
    }
    let signed = signed.map_or("not signed".into(), |signed| signed.to_string());
    output::print(&format!(
        "{}: {signed}\n{}: {} {} is whole, and replant check would refuse nothing of it; it still asks whether the machine is right, and trusts who signed\n",
        path.display(),
        path.display(),
        package.manifest.name,
        package.manifest.version
    ))
}

/// Compares a file with what the manifest says of it: bytes, and SHA-256.
fn same(name: &str, found: (u64, &str), expected: (u64, &str)) -> Result<()> {
    if found.0 != expected.0 {
        bail!(
            "{name} has {} bytes, and migration.toml says {}; make the package again with replant-pack",
            found.0,
            expected.0
        );
    }
    if found.1 != expected.1 {
        bail!(
            "{name} has the SHA-256 {}, and migration.toml says {}; it was changed or damaged: take the package from where it was made",
            found.1,
            expected.1
        );
    }
    Ok(())
}
