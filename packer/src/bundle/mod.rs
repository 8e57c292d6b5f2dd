// SPDX-License-Identifier: MIT OR Apache-2.0
//! `replant-pack bundle`: everything becomes `migration.tar.gz`.

mod agreement;
mod error;
mod inspect;

pub use error::Error;

use crate::layout::Layout;
use crate::{initramfs, output, progress};
use flate2::Compression;
use flate2::write::GzEncoder;
use ondisk::gpt::{Backup, Guid};
use ondisk::manifest::{
    self, BINARY, Boot, FORMAT, File as Entry, INITRAMFS, KERNEL, MANIFEST, Manifest, PAYLOAD,
    Payload, SCRIPT, TABLE,
};
use sha2::{Digest, Sha256};
use std::fs::{File, Permissions};
use std::io::Read;
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

    /// The static replant binary
    #[arg(long, value_name = "FILE")]
    replant: PathBuf,

    /// Where the package goes
    #[arg(short, long, value_name = "FILE", default_value = "migration.tar.gz")]
    output: PathBuf,
}

/// Makes the package.
pub fn run(args: &Args) -> Result<(), Error> {
    initramfs::program(&args.replant)?;
    initramfs::check(&args.initramfs, &args.kernel)?;
    let layout = Layout::read(&args.dir)?;
    let payload = args.dir.join(PAYLOAD);
    let mounts: Vec<String> = layout.filesystems.iter().map(|f| f.mount.clone()).collect();
    let found = inspect::inspect(&payload, &mounts)?;
    complete(&payload, &found.payload, &layout.boot)?;
    let table = args.dir.join(TABLE);
    let bytes = std::fs::read(&table).map_err(|e| Error::file(&table, e))?;
    let backup = Backup::parse(&bytes).map_err(|source| Error::Table {
        file: table.clone(),
        source,
    })?;
    let partitions = &backup.table().partitions;
    if !partitions.iter().any(|p| p.type_guid == Guid::BIOS_BOOT) {
        return Err(Error::NoBiosBoot(table));
    }
    let mut filesystems = layout.filesystems;
    for warning in agreement::compare(&found.fstab, &mut filesystems, backup.table())? {
        eprintln!("warning: {warning}");
    }

    let sources = [
        (TABLE, table),
        (PAYLOAD, payload),
        (INITRAMFS, args.initramfs.clone()),
        (KERNEL, args.kernel.clone()),
        (BINARY, args.replant.clone()),
    ];
    let mut files = Vec::new();
    for (name, path) in &sources {
        files.push(hash(name, path)?);
    }
    let digest = hex(Sha256::digest(SCRIPT_TEXT).as_slice());
    files.push(Entry {
        name: SCRIPT.into(),
        size: SCRIPT_TEXT.len() as u64,
        sha256: digest,
    });
    for filesystem in &mut filesystems {
        if let Some(content) = found.content.get(&filesystem.mount) {
            filesystem.content_bytes = content.blocks;
            filesystem.content_entries = content.entries;
        }
    }
    let manifest = Manifest {
        format: FORMAT,
        name: layout.name,
        version: layout.version,
        payload: found.payload,
        table: layout.table,
        boot: layout.boot,
        identity: layout.identity,
        files,
        volume_groups: layout.volume_groups,
        filesystems,
    };
    let text = manifest.encode()?;
    write(&args.output, &text, &sources)?;
    let size = std::fs::metadata(&args.output)
        .map_err(|e| Error::file(&args.output, e))?
        .len();
    let made = format!(
        "{}: {} MiB, {} {}",
        args.output.display(),
        size >> 20,
        manifest.name,
        manifest.version
    );
    output::print(&(made.trim_end().to_string() + "\n")).map_err(Error::Output)
}

/// Whether the payload has what the target is refused without.
fn complete(file: &Path, payload: &Payload, boot: &Boot) -> Result<(), Error> {
    let lacks = |what| {
        let file = file.to_path_buf();
        Err(Error::Payload { file, what })
    };
    if payload.kernels.is_empty() {
        return lacks("has no kernel (boot/vmlinuz-*)");
    }
    if !payload.fstab {
        return lacks("has no etc/fstab");
    }
    // Commands of the package's own replace both.
    if boot.commands.is_empty() {
        if payload.grub_install.is_empty() {
            return lacks("has neither grub-install nor grub2-install");
        }
        if payload.initramfs_tool.is_empty() {
            return lacks("has neither dracut nor update-initramfs");
        }
    }
    Ok(())
}

/// Writes the archive, whole or not at all; the small files first, so that a
/// look at its head shows what it is.
fn write(output: &Path, manifest: &str, sources: &[(&str, PathBuf)]) -> Result<(), Error> {
    let failed = |e| Error::file(output, e);
    let directory = output.parent().filter(|d| *d != Path::new(""));
    let file = NamedTempFile::new_in(directory.unwrap_or(Path::new("."))).map_err(failed)?;
    file.as_file()
        .set_permissions(Permissions::from_mode(0o644))
        .map_err(failed)?;
    // Nearly all of it is compressed already.
    let mut archive = tar::Builder::new(GzEncoder::new(file, Compression::fast()));
    let mut add = |name: &str, mode: u32, size: u64, reader: &mut dyn Read| {
        let mut header = tar::Header::new_gnu();
        header.set_size(size);
        header.set_mode(mode);
        header.set_mtime(0);
        archive.append_data(&mut header, name, reader)
    };
    let text = |text: &str| text.len() as u64;
    add(MANIFEST, 0o644, text(manifest), &mut manifest.as_bytes()).map_err(failed)?;
    add(
        SCRIPT,
        0o755,
        text(SCRIPT_TEXT),
        &mut SCRIPT_TEXT.as_bytes(),
    )
    .map_err(failed)?;
    for (name, path) in sources {
        let file = File::open(path).map_err(|e| Error::file(path, e))?;
        let size = file.metadata().map_err(|e| Error::file(path, e))?.len();
        let bar = progress::bytes(&format!("packing {name}"), size);
        let mut file = bar.wrap_read(file);
        let mode = if *name == BINARY { 0o755 } else { 0o644 };
        add(name, mode, size, &mut file).map_err(failed)?;
        bar.finish_and_clear();
    }
    let file = archive
        .into_inner()
        .and_then(GzEncoder::finish)
        .map_err(failed)?;
    file.as_file().sync_all().map_err(failed)?;
    file.persist(output).map_err(|e| failed(e.error))?;
    Ok(())
}

fn hash(name: &str, path: &Path) -> Result<manifest::File, Error> {
    let file = File::open(path).map_err(|e| Error::file(path, e))?;
    let length = file.metadata().map_err(|e| Error::file(path, e))?.len();
    let bar = progress::bytes(&format!("checksum of {name}"), length);
    let mut file = bar.wrap_read(file);
    let mut digest = Sha256::new();
    let mut buffer = vec![0; 1 << 20];
    let mut size = 0;
    loop {
        let read = file.read(&mut buffer).map_err(|e| Error::file(path, e))?;
        if read == 0 {
            break;
        }
        digest.update(buffer.get(..read).unwrap_or_default());
        size += read as u64;
    }
    bar.finish_and_clear();
    Ok(Entry {
        name: name.into(),
        size,
        sha256: hex(digest.finalize().as_slice()),
    })
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}
