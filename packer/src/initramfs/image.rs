// SPDX-License-Identifier: MIT OR Apache-2.0
//! What is in the image, and where.

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use anyhow::{Result, anyhow, ensure};
use ondisk::compression::Format;
use ondisk::cpio::{Builder, MARKER, Marker};
use ondisk::modules::ABSENT;

use super::added::Added;
use super::compress::Compression;
use super::read;
use super::segments::{self, Segment};
use super::select::{Selection, path_in_image};
use super::source::Source;
use super::wanted::ABSENT_DIRECTORIES;
use crate::file::cannot;

/// Directories for /init and replant to mount on. `sysroot` is the new system's.
const DIRECTORIES: &[(&str, u32)] = &[
    ("dev", 0o755),
    ("etc", 0o755),
    ("mnt", 0o755),
    ("proc", 0o755),
    ("root", 0o700),
    ("run", 0o755),
    ("sys", 0o755),
    ("sysroot", 0o755),
    ("tmp", 0o1777),
];

/// The parts of an image.
#[derive(Debug)]
pub struct Image<'a> {
    pub init: Vec<u8>,
    pub replant: Vec<u8>,
    pub added: &'a Added,
    pub selection: &'a Selection,
    pub source: &'a Source<'a>,
    pub version: &'a str,
}

impl Image<'_> {
    /// Writes the image to `path`, whole or not at all, reads it back and
    /// compares. Gives its length in bytes.
    pub fn write(&self, path: &Path, compression: Compression) -> Result<u64> {
        let archives = [(self.programs()?, true), (self.modules()?, false)];
        let mut bytes = Vec::new();
        for (archive, code) in &archives {
            bytes.extend(
                compression
                    .pack(archive, *code)
                    .map_err(|e| anyhow!("cannot compress the image: {e}"))?,
            );
            bytes.resize(bytes.len().next_multiple_of(4), 0);
        }

        let wrong = cannot("write", path);
        let directory = match path.parent() {
            Some(parent) if parent != Path::new("") => parent,
            _ => Path::new("."),
        };
        let mut file = tempfile::NamedTempFile::new_in(directory).map_err(&wrong)?;
        file.write_all(&bytes).map_err(&wrong)?;
        file.as_file()
            .set_permissions(fs::Permissions::from_mode(0o644))
            .map_err(&wrong)?;
        file.as_file().sync_all().map_err(&wrong)?;
        verify(&read(file.path())?, &archives).map_err(|what| {
            anyhow!(
                "{} reads back differently ({what}); the disk or this program is broken",
                path.display()
            )
        })?;
        file.persist(path).map_err(|e| wrong(e.error))?;
        Ok(bytes.len() as u64)
    }

    /// The first segment: directories, nodes, programs.
    fn programs(&self) -> Result<Vec<u8>> {
        let mut archive = Builder::new();
        for (path, mode) in DIRECTORIES {
            archive.directory(path, *mode)?;
        }
        // /init has them before it mounts devtmpfs.
        archive.character_device("dev/console", 0o600, 5, 1)?;
        archive.character_device("dev/kmsg", 0o644, 1, 11)?;
        archive.character_device("dev/null", 0o666, 1, 3)?;
        archive.file("init", 0o755, self.init.clone())?;
        archive.file("bin/replant", 0o755, self.replant.clone())?;
        // The kernel's own requests (a file system's character set) go to this path.
        archive.symlink("sbin/modprobe", "../bin/replant")?;
        for (path, bytes) in &self.added.files {
            archive.file(path, 0o755, bytes.clone())?;
        }
        for (path, target) in &self.added.links {
            archive.symlink(path, target)?;
        }
        Ok(archive.build())
    }

    /// The second segment: modules, their index, and the marker as the last file.
    fn modules(&self) -> Result<Vec<u8>> {
        let mut archive = Builder::new();
        let below = |name: &str| format!("lib/modules/{}/{name}", self.version);
        for module in &self.selection.modules {
            archive.file(&below(&module.path), 0o644, module.bytes.clone())?;
        }
        let names = self.selection.names();
        let index = &self.source.index;
        let kept = index.cut(&names, |module| path_in_image(&module.path));
        let absent = index.alias_lines(|name| {
            let module = index.get(name.as_str());
            !names.contains(name)
                && module.is_some_and(|module| {
                    ABSENT_DIRECTORIES
                        .iter()
                        .any(|directory| module.path.starts_with(directory))
                })
        });
        let texts = [
            ("modules.dep", kept.dep),
            ("modules.alias", kept.alias),
            ("modules.softdep", kept.softdep),
            ("modules.builtin", kept.builtin),
            (ABSENT, absent),
        ];
        for (name, text) in texts {
            archive.file(&below(name), 0o644, text.into_bytes())?;
        }
        let marker = Marker {
            kernel: self.version.to_owned(),
            modules: names.len(),
        };
        archive.last_file(MARKER, 0o644, marker.to_string().into_bytes())?;
        Ok(archive.build())
    }
}

/// Reads an image as the kernel would, and compares. The error is what is
/// different.
fn verify(bytes: &[u8], archives: &[(Vec<u8>, bool)]) -> Result<()> {
    let unpacked = segments::unpack(bytes)?;
    // Without compression the archives run into one segment.
    let found: Vec<u8> = unpacked
        .iter()
        .flat_map(|segment| segment.bytes.clone())
        .collect();
    let written: Vec<u8> = archives
        .iter()
        .flat_map(|(archive, _)| archive.clone())
        .collect();
    ensure!(found == written, "its content");
    let tree = segments::tree(&unpacked)?;
    ensure!(tree.last_path() == Some(MARKER), "its last file");
    // The check's number is in the low four bits of an xz stream's eighth byte; 1 is CRC32.
    let readable = |segment: &Segment| {
        segment.format != Some(Format::Xz) || bytes.get(segment.offset + 7) == Some(&1)
    };
    ensure!(unpacked.iter().all(readable), "its kind of checksum");
    Ok(())
}
