// SPDX-License-Identifier: MIT OR Apache-2.0
//! `replant-pack bundle`: everything becomes `migration.tar.gz`.

mod inspect;

pub use inspect::look;

use crate::file::{At, beside};
use crate::layout::{LAYOUT, Layout};
use crate::sign::{self, Key};
use crate::{archive, initramfs, output, programs, progress, stop};
use anyhow::{Result, bail};
use flate2::Compression;
use flate2::write::GzEncoder;
use ondisk::agreement;
use ondisk::gpt::Backup;
use ondisk::inventory::Target;
use ondisk::manifest::{
    self, BINARY, FORMAT, File as Entry, INITRAMFS, KERNEL, MANIFEST, Manifest, PAYLOAD, SCRIPT,
    SIGNATURE, TABLE,
};
use ondisk::package;
use ondisk::sha256::{Hash, Sha256Sum};
use std::fs::{File, Permissions};
use std::io::{self, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use tempfile::NamedTempFile;

const SCRIPT_TEXT: &str = include_str!("upgrade_to_tiny_system.sh");

/// The arguments of `replant-pack bundle`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The directory with va.sgdisk, va.tar.xz and layout.toml
    dir: PathBuf,

    /// The kernel of the tiny system, untouched
    #[arg(long, value_name = "VMLINUZ")]
    kernel: PathBuf,

    /// Its initramfs, made by replant-pack initramfs
    #[arg(long, value_name = "FILE")]
    initramfs: PathBuf,

    /// The static replant binary, instead of the one in replant-pack
    #[arg(long, value_name = "FILE")]
    replant: Option<PathBuf>,

    #[command(flatten)]
    signing: sign::Options,

    /// Where the package goes
    #[arg(short, long, value_name = "FILE", default_value = "migration.tar.gz")]
    output: PathBuf,
}

/// The parts of a package.
pub struct Parts<'a> {
    /// Where va.sgdisk and va.tar.xz are.
    pub dir: &'a Path,
    pub layout: Layout,
    pub kernel: &'a Path,
    pub initramfs: &'a Path,
    pub replant: &'a Path,
    /// Signs the manifest.
    pub key: Option<&'a Key>,
    pub output: &'a Path,
}

/// Makes the package of what the command line names.
pub fn run(args: &Args) -> Result<()> {
    let inputs = [PAYLOAD, TABLE, LAYOUT].map(|name| args.dir.join(name));
    let given = [&args.kernel, &args.initramfs].into_iter();
    let inputs = inputs.iter().chain(given).chain(&args.replant);
    let inputs = inputs.map(PathBuf::as_path).chain(args.signing.inputs());
    output::refuse_input(&args.output, inputs)?;
    let key = args.signing.key()?;
    // Written to a file, because all the other parts are files.
    let mut replant = NamedTempFile::new()?;
    replant.write_all(&programs::replant(args.replant.as_deref())?)?;
    make(&Parts {
        dir: &args.dir,
        layout: Layout::read(&args.dir.join(LAYOUT))?,
        kernel: &args.kernel,
        initramfs: &args.initramfs,
        replant: replant.path(),
        key: key.as_ref(),
        output: &args.output,
    })
}

/// Makes the package.
pub fn make(parts: &Parts<'_>) -> Result<()> {
    initramfs::check(parts.initramfs, parts.kernel)?;
    let layout = parts.layout.clone();
    let payload = parts.dir.join(PAYLOAD);
    let found = inspect::inspect(
        &payload,
        Target {
            boot: layout.boot.clone(),
            hooks: layout.hooks.clone(),
            volume_groups: layout.volume_groups.clone(),
            filesystems: layout.filesystems.clone(),
        },
    )?;
    for warning in found.warnings.iter() {
        eprintln!("warning: {PAYLOAD}: {warning}");
    }
    if !found.refusals.is_empty() {
        bail!("{PAYLOAD}: {}", found.refusals);
    }
    let table = parts.dir.join(TABLE);
    let bytes = std::fs::read(&table).at(&table)?;
    let backup = Backup::parse(&bytes).at(&table)?;
    package::table(backup.table(), &layout.volume_groups, &layout.filesystems)?;
    let mut filesystems = layout.filesystems;
    let (made, groups) = (backup.table(), &layout.volume_groups);
    for warning in agreement::compare(found.texts.iter(), made, groups, &mut filesystems)? {
        eprintln!("warning: {warning}");
    }

    let sources = [
        (TABLE, table),
        (PAYLOAD, payload),
        (INITRAMFS, parts.initramfs.into()),
        (KERNEL, parts.kernel.into()),
        (BINARY, parts.replant.into()),
    ];
    let mut files = Vec::new();
    for (name, path) in &sources {
        files.push(hash(name, path)?);
    }
    files.push(Entry {
        name: SCRIPT.into(),
        size: SCRIPT_TEXT.len() as u64,
        sha256: Sha256Sum::of(SCRIPT_TEXT.as_bytes()).to_string(),
    });
    for filesystem in &mut filesystems {
        let mut content = found.facts.content.iter();
        if let Some(content) = content.find(|c| c.mount == filesystem.mount) {
            filesystem.content_bytes = content.bytes;
            filesystem.content_entries = content.entries;
        }
    }
    let manifest = Manifest {
        format: FORMAT,
        name: layout.name,
        version: layout.version,
        protection: layout.protection,
        proof_boot: layout.proof_boot,
        payload: found.facts.payload,
        table: layout.table,
        boot: layout.boot,
        identity: layout.identity,
        console: layout.console,
        wipe: layout.wipe,
        requires: layout.requires,
        carry: layout.carry,
        hooks: layout.hooks,
        files,
        volume_groups: layout.volume_groups,
        filesystems,
    };
    let text = manifest.encode()?;
    let signature = parts.key.map(|key| key.sign(&text)).transpose()?;
    write(parts.output, &text, signature.as_deref(), &sources)?;
    let size = std::fs::metadata(parts.output).at(parts.output)?.len();
    let made = format!(
        "{}: {} MiB, {} {}",
        parts.output.display(),
        size >> 20,
        manifest.name,
        manifest.version
    );
    let by = parts.key.map(|key| format!(", signed by {}", key.id()));
    let by = by.unwrap_or_default();
    output::print(&format!("{}{by}\n", made.trim_end()))
}

/// Writes the archive, whole or not at all; the small files first, so that a
/// look at its head shows what it is.
fn write(
    output: &Path,
    manifest: &str,
    signature: Option<&str>,
    sources: &[(&str, PathBuf)],
) -> Result<()> {
    let file = NamedTempFile::new_in(beside(output)).at(output)?;
    file.as_file()
        .set_permissions(Permissions::from_mode(0o644))
        .at(output)?;
    // Nearly all of it is compressed already.
    let mut archive = tar::Builder::new(GzEncoder::new(file, Compression::fast()));
    let time = archive::source_date_epoch()?.unwrap_or_default();
    let time = u64::try_from(time).unwrap_or_default();
    let mut add = |name: &str, mode: u32, size: u64, reader: &mut dyn Read| {
        let mut header = tar::Header::new_gnu();
        header.set_size(size);
        header.set_mode(mode);
        header.set_mtime(time);
        archive.append_data(&mut header, name, Stoppable(reader))
    };
    let text = |text: &str| text.len() as u64;
    add(MANIFEST, 0o644, text(manifest), &mut manifest.as_bytes()).at(output)?;
    if let Some(signature) = signature {
        let bytes = &mut signature.as_bytes();
        add(SIGNATURE, 0o644, text(signature), bytes).at(output)?;
    }
    add(
        SCRIPT,
        0o755,
        text(SCRIPT_TEXT),
        &mut SCRIPT_TEXT.as_bytes(),
    )
    .at(output)?;
    for (name, path) in sources {
        let file = File::open(path).at(path)?;
        let size = file.metadata().at(path)?.len();
        let bar = progress::bytes(&format!("packing {name}"), size);
        let mut file = bar.wrap_read(file);
        let mode = if *name == BINARY { 0o755 } else { 0o644 };
        add(name, mode, size, &mut file).at(output)?;
        bar.finish_and_clear();
    }
    let file = archive
        .into_inner()
        .and_then(GzEncoder::finish)
        .at(output)?;
    file.as_file().sync_all().at(output)?;
    file.persist(output).at(output)?;
    Ok(())
}

/// A reader that fails when somebody asks to stop.
struct Stoppable<R>(R);

impl<R: Read> Read for Stoppable<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        stop::check().map_err(|e| io::Error::other(e.to_string()))?;
        self.0.read(buffer)
    }
}

fn hash(name: &str, path: &Path) -> Result<manifest::File> {
    let file = File::open(path).at(path)?;
    let length = file.metadata().at(path)?.len();
    let bar = progress::bytes(&format!("checksum of {name}"), length);
    let mut file = Hash::new(bar.wrap_read(Stoppable(file)));
    let size = io::copy(&mut file, &mut io::sink()).at(path)?;
    bar.finish_and_clear();
    Ok(Entry {
        name: name.into(),
        size,
        sha256: file.finish().to_string(),
    })
}
