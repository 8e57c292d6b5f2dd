// SPDX-License-Identifier: MIT OR Apache-2.0
//! Reads a tar archive as an appliance: copies its members, and extracts those
//! that must be examined.

use super::Archive;
use super::choice::{Choice, Fate};
use crate::file::At;
use crate::stop;
use anyhow::{Result, bail};
use indicatif::ProgressBar;
use liblzma::stream::{CONCATENATED, Stream};
use ondisk::compression::Format;
use ondisk::pax::{BLOCK, Entry, Event, Kind, Parser};
use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

/// An archive in a file, compressed or not.
#[derive(Debug, Clone)]
pub struct Tarred {
    path: PathBuf,
}

/// Whether a file is a tar archive, compressed or not.
pub fn is_tar(path: &Path) -> Result<bool> {
    let mut head = [0; BLOCK];
    let mut reader = decoded(File::open(path).at(path)?).at(path)?;
    let mut at = 0;
    while let Some(room) = head.get_mut(at..).filter(|room| !room.is_empty()) {
        match reader.read(room) {
            Ok(0) => break,
            Ok(read) => at += read,
            // The file only begins like a compressed one.
            Err(_) => return Ok(false),
        }
    }
    Ok(head.get(257..262) == Some(b"ustar"))
}

/// The bytes of a file that may be compressed.
fn decoded(file: File) -> Result<Box<dyn Read>> {
    let mut head = [0; 8];
    let read = file.read_at(&mut head, 0)?;
    let format = Format::of(head.get(..read).unwrap_or_default());
    let file = BufReader::with_capacity(1 << 20, file);
    Ok(match format {
        None => Box::new(file),
        Some(Format::Gzip) => Box::new(flate2::bufread::MultiGzDecoder::new(file)),
        Some(Format::Xz) => {
            let stream = Stream::new_stream_decoder(u64::MAX, CONCATENATED)?;
            Box::new(liblzma::bufread::XzDecoder::new_stream(file, stream))
        }
        Some(Format::Zstd) => Box::new(zstd::Decoder::with_buffer(file)?),
        Some(other) => {
            bail!("{other} is not supported; decompress it with the {other} program first")
        }
    })
}

impl Tarred {
    pub fn new(path: &Path) -> Tarred {
        Tarred {
            path: path.to_path_buf(),
        }
    }

    /// Reads the whole archive, event by event.
    fn each(&self, bar: &ProgressBar, see: &mut dyn FnMut(Event<'_>) -> Result<()>) -> Result<()> {
        let path = &self.path;
        let file = File::open(path).at(path)?;
        bar.set_length(file.metadata().at(path)?.len());
        let mut position = file.try_clone().at(path)?;
        let mut reader = decoded(file).at(path)?;
        let mut parser = Parser::new();
        let mut buffer = vec![0; 1 << 20];
        loop {
            stop::check()?;
            let read = reader.read(&mut buffer).at(path)?;
            if read == 0 {
                break;
            }
            // The decoder's descriptor shares the position with this one.
            bar.set_position(position.stream_position().at(path)?);
            let mut input = buffer.get(..read).unwrap_or_default();
            while let Some(event) = parser.next(&mut input).at(path)? {
                see(event).at(path)?;
            }
        }
        parser.finish().at(path)
    }

    /// The path of its first member.
    pub fn first(&self) -> Result<Option<Vec<u8>>> {
        let path = &self.path;
        let mut reader = decoded(File::open(path).at(path)?).at(path)?;
        let mut parser = Parser::new();
        let mut block = [0; BLOCK];
        loop {
            if reader.read_exact(&mut block).is_err() {
                return Ok(None);
            }
            let mut input = &block[..];
            while let Some(event) = parser.next(&mut input).at(path)? {
                if let Event::Entry(entry) = event {
                    return Ok(Some(entry.path));
                }
            }
        }
    }

    /// Writes files and links that `wanted` names below `target`, without
    /// owners, for a look at them.
    pub fn extract(
        &self,
        target: &Path,
        bar: &ProgressBar,
        wanted: &dyn Fn(&[u8]) -> bool,
    ) -> Result<()> {
        let mut open: Option<File> = None;
        self.each(bar, &mut |event| match event {
            Event::Entry(entry) => {
                open = None;
                if wanted(&entry.path) {
                    open = place(target, &entry)?;
                }
                Ok(())
            }
            Event::Data { offset, bytes } => match &mut open {
                Some(file) => {
                    file.seek(SeekFrom::Start(offset))?;
                    Ok(file.write_all(bytes)?)
                }
                None => Ok(()),
            },
            Event::EntryEnd | Event::End => Ok(()),
        })
    }

    /// Adds its members to an archive, in their order.
    pub fn copy<W: Write>(
        &self,
        choice: &mut Choice,
        archive: &mut Archive<W>,
        bar: &ProgressBar,
    ) -> Result<()> {
        let mut fate = Fate::Keep;
        let mut gone: BTreeSet<Vec<u8>> = BTreeSet::new();
        self.each(bar, &mut |event| match event {
            Event::Entry(mut entry) => {
                let is_file = matches!(entry.kind, Kind::File { .. });
                fate = match inside(&gone, &entry.path) {
                    true => Fate::LeaveOut,
                    false if entry.path.is_empty() => Fate::Keep,
                    false => choice.fate(&entry.path, is_file),
                };
                if let Kind::HardLink { target } = &entry.kind
                    && fate != Fate::LeaveOut
                    && inside(&gone, target)
                {
                    bail!(
                        "{} is a hard link to {}, which is left out; leave out both, or none",
                        entry.name(),
                        ondisk::pax::Name::new(target)
                    );
                }
                match fate {
                    Fate::LeaveOut => {
                        gone.insert(entry.path.clone());
                        return Ok(());
                    }
                    Fate::Empty => {
                        entry.kind = Kind::File {
                            size: 0,
                            sparse: None,
                        };
                    }
                    Fate::Keep => {}
                }
                entry.atime = None;
                archive.begin(&mut entry)
            }
            Event::Data { bytes, .. } if fate == Fate::Keep => archive.data(bytes),
            Event::EntryEnd if fate != Fate::LeaveOut => archive.end(),
            _ => Ok(()),
        })
    }
}

/// Whether a path, or a directory above it, is one of these.
fn inside(paths: &BTreeSet<Vec<u8>>, path: &[u8]) -> bool {
    let slashes = path.iter().enumerate().filter(|(_, byte)| **byte == b'/');
    let mut above = slashes.map(|(at, _)| path.get(..at).unwrap_or_default());
    !paths.is_empty() && (paths.contains(path) || above.any(|above| paths.contains(above)))
}

/// Creates one member below `target`; returns its file if it is a regular one. A
/// link of the archive in the path of a later member is never followed.
fn place(target: &Path, entry: &Entry) -> Result<Option<File>> {
    let path = target.join(std::ffi::OsStr::from_bytes(&entry.path));
    let mut above = target.to_path_buf();
    for part in path.strip_prefix(target)?.parent().into_iter().flatten() {
        above.push(part);
        if above.symlink_metadata().is_err() {
            std::fs::create_dir(&above).at(&above)?;
        }
        if !above.symlink_metadata().at(&above)?.is_dir() {
            bail!("{} lies in something that is no directory", entry.name());
        }
    }
    if path.symlink_metadata().is_ok_and(|m| !m.is_dir()) {
        std::fs::remove_file(&path).at(&path)?;
    }
    match &entry.kind {
        Kind::File { size, .. } => {
            let file = File::create_new(&path).at(&path)?;
            file.set_len(*size).at(&path)?;
            return Ok(Some(file));
        }
        Kind::Symlink { target } => {
            let link = std::ffi::OsStr::from_bytes(target);
            std::os::unix::fs::symlink(link, &path).at(&path)?;
        }
        Kind::HardLink { target: other } => {
            let other = target.join(std::ffi::OsStr::from_bytes(other));
            std::fs::hard_link(&other, &path).at(&path)?;
        }
        Kind::Directory if !path.is_dir() => std::fs::create_dir(&path).at(&path)?,
        _ => {}
    }
    Ok(None)
}
