// SPDX-License-Identifier: MIT OR Apache-2.0
//! Reading a finished package: `replant-pack inspect` and `verify`.

mod inspect;
mod report;
mod signed;
mod verify;

pub use inspect::{InspectArgs, inspect};
pub use verify::{VerifyArgs, verify};

use crate::file::At;
use crate::stop;
use anyhow::{Result, anyhow, bail};
use flate2::read::MultiGzDecoder;
use ondisk::manifest::{LONGEST, MANIFEST, Manifest, SIGNATURE, Seal};
use ondisk::minisign::BadSignature;
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

/// Members that are kept whole: kernel, initramfs, table.
const SMALL: u64 = 1 << 30;

/// A package, packed or in a directory.
pub struct Package {
    path: PathBuf,
    /// The manifest's text.
    pub text: String,
    pub manifest: Manifest,
    pub seal: Seal,
}

/// Takes one file of a package: its name, size and bytes.
type See<'a> = &'a mut dyn FnMut(&str, u64, &mut dyn Read) -> Result<()>;

impl Package {
    /// Reads the manifest.
    pub fn open(path: &Path) -> Result<Package> {
        let mut text = String::new();
        each(
            path,
            &mut |name, size, reader| {
                if name == MANIFEST && text.is_empty() {
                    if size > LONGEST {
                        bail!("{MANIFEST} is longer than {} MiB", LONGEST >> 20);
                    }
                    reader.read_to_string(&mut text).at(Path::new(name))?;
                }
                // Only files before it are read; usually it is the first.
                Ok(())
            },
            &mut |name| name == MANIFEST,
        )?;
        if text.is_empty() {
            bail!("{}: no {MANIFEST} in it; is it a package?", path.display());
        }
        let manifest = Manifest::parse(&text).at(path)?;
        Ok(Package {
            path: path.to_path_buf(),
            seal: Manifest::seal(&text).at(path)?,
            manifest,
            text,
        })
    }

    /// Reads the signature, if there is one, and nothing behind it.
    pub fn signature(&self) -> Result<Option<Vec<u8>>> {
        let mut signature = None;
        each(
            &self.path,
            &mut |name, size, reader| {
                if name == SIGNATURE {
                    signature = Some(sealed(size, reader)?);
                }
                Ok(())
            },
            &mut |name| name == SIGNATURE,
        )?;
        Ok(signature)
    }

    /// Passes all files but the manifest and its signature to `see`. Returns the
    /// signature, if there is one.
    pub fn files(&self, see: See<'_>) -> Result<Option<Vec<u8>>> {
        let mut signature = None;
        let mut manifests = 0;
        each(
            &self.path,
            &mut |name, size, reader| match name {
                // Unpacking leaves the last one of several, and here the first
                // one was read.
                MANIFEST if manifests > 0 => bail!("{MANIFEST} is in the package twice"),
                MANIFEST => {
                    manifests += 1;
                    Ok(())
                }
                SIGNATURE if signature.is_some() => bail!("{SIGNATURE} is in the package twice"),
                SIGNATURE => {
                    signature = Some(sealed(size, reader)?);
                    Ok(())
                }
                _ => see(name, size, reader),
            },
            &mut |_| false,
        )?;
        Ok(signature)
    }
}

/// Reads a signature, which has a few hundred bytes.
fn sealed(size: u64, reader: &mut dyn Read) -> Result<Vec<u8>> {
    match size {
        ..=LONGEST => whole(SIGNATURE, size, reader),
        _ => Err(BadSignature.into()),
    }
}

/// Reads a file of the package whole.
pub fn whole(name: &str, size: u64, reader: &mut dyn Read) -> Result<Vec<u8>> {
    if size > SMALL {
        bail!("{name} is longer than {} MiB", SMALL >> 20);
    }
    let mut bytes = Vec::new();
    reader.read_to_end(&mut bytes).at(Path::new(name))?;
    Ok(bytes)
}

/// Passes the files of a package to `see`, until `last` returns true.
fn each(path: &Path, see: See<'_>, last: &mut dyn FnMut(&str) -> bool) -> Result<()> {
    if path.is_dir() {
        let mut names = Vec::new();
        for entry in std::fs::read_dir(path).at(path)? {
            let entry = entry.at(path)?;
            names.push(entry.file_name().to_string_lossy().into_owned());
        }
        names.sort();
        for name in names {
            let path = path.join(&name);
            if path.is_file() {
                let mut file = File::open(&path).at(&path)?;
                see(&name, file.metadata().at(&path)?.len(), &mut file)?;
            } else {
                // Nobody says what a directory or a device must be.
                see(&name, 0, &mut std::io::empty())?;
            }
            if last(&name) {
                return Ok(());
            }
        }
        return Ok(());
    }
    let file = BufReader::with_capacity(1 << 20, File::open(path).at(path)?);
    let mut archive = tar::Archive::new(MultiGzDecoder::new(file));
    let damaged = |e: std::io::Error| {
        anyhow!(
            "{}: {e}; is it a package, and is all of it there?",
            path.display()
        )
    };
    // Raw, for a pax header can say of a member what each program reads in its own
    // way: of several paths or sizes the first or the last one, and a map of holes.
    for entry in archive.entries().map_err(damaged)?.raw(true) {
        stop::check()?;
        let mut entry = entry.map_err(damaged)?;
        let kind = entry.header().entry_type();
        let name = entry
            .path()
            .map_err(damaged)?
            .to_string_lossy()
            .into_owned();
        let name = name.trim_start_matches("./");
        // What follows a directory that has a size is its content to some programs,
        // and the next member to others.
        if kind.is_dir() && entry.size() == 0 {
            continue;
        }
        if !kind.is_file() {
            // Unpacked it could take the place of a file that was verified.
            bail!(
                "{}: {name} is a link, a device, a pax header or a directory with content; a package has only files: make it again with replant-pack",
                path.display()
            );
        }
        let size = entry.size();
        see(name, size, &mut Packed(&mut entry))?;
        if last(name) {
            return Ok(());
        }
    }
    // Programs that do not stop at the first block of zeros go on here.
    let mut rest = archive.into_inner();
    let mut buffer = [0; 8192];
    loop {
        stop::check()?;
        let read = rest.read(&mut buffer).map_err(damaged)?;
        if read == 0 {
            return Ok(());
        }
        if buffer.iter().take(read).any(|byte| *byte != 0) {
            bail!(
                "{}: there is more behind the archive's end, which other programs may unpack; make the package again with replant-pack",
                path.display()
            );
        }
    }
}

/// A member of the archive, whose errors tell the likely cause.
struct Packed<R>(R);

impl<R: Read> Read for Packed<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.0.read(buffer);
        read.map_err(|e| std::io::Error::new(e.kind(), format!("{e}; is all of it there?")))
    }
}

#[cfg(test)]
mod tests;
