// SPDX-License-Identifier: MIT OR Apache-2.0
//! Whose packages this machine takes: by the keys that are installed or named,
//! and never by one that a package brings.

use super::Error;
use super::package::Sealed;
use super::rows::Rows;
use super::staged::Signed;
use ondisk::manifest::{BINARY, Manifest, SCRIPT};
use ondisk::minisign::{Ids, PublicKey, Signature, verify};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use sys::cannot;

/// The name of the rows.
const CHECK: &str = "signature";

/// The trusted keys; where there are none, every package is taken.
pub(super) struct Trust {
    keys: Vec<PublicKey>,
}

impl Trust {
    /// Reads the keys in `installed` and the files that the command line names.
    /// A file that cannot be used makes a row, and then there is no result: a key
    /// that is left out would let a package in.
    pub(super) fn read(installed: &Path, named: &[PathBuf], rows: &mut Rows) -> Option<Trust> {
        let mut files = rows.take(CHECK, names(installed))?;
        files.retain(|path| {
            let read = path.extension().is_some_and(|end| end == "pub");
            if !read {
                rows.warn(
                    CHECK,
                    format_args!(
                        "{} is not read, for its name does not end in .pub; rename it, or put it elsewhere",
                        path.display()
                    ),
                );
            }
            read
        });
        files.extend_from_slice(named);
        let mut keys = Vec::new();
        let mut whole = true;
        for path in &files {
            match rows.take(CHECK, key(path)) {
                Some(key) if keys.contains(&key) => {}
                Some(key) => keys.push(key),
                None => whole = false,
            }
        }
        whole.then_some(Trust { keys })
    }

    /// Whether the package is one that is taken here. The signature and the keys,
    /// for the tiny system, if any key is trusted; `None` if the package is refused.
    pub(super) fn judge(&self, sealed: &Sealed, rows: &mut Rows) -> Option<Option<Signed>> {
        let signature = sealed.signature.as_deref();
        if self.keys.is_empty() {
            match signature.map(Signature::parse) {
                None => rows.fine(
                    CHECK,
                    "the package is not signed, and no key is trusted here that would ask for it",
                ),
                Some(Ok(signature)) => rows.fine(
                    CHECK,
                    format_args!(
                        "the package says that {} signed it, which proves nothing, for no key is trusted here",
                        signature.by()
                    ),
                ),
                Some(Err(error)) => rows.warn(CHECK, error),
            }
            return Some(None);
        }
        let signed = verify(sealed.text.as_bytes(), signature, &self.keys);
        let signed = rows.take(CHECK, signed)?;
        let (by, comment) = (signed.by(), signed.comment());
        let trusted = Ids::of(&self.keys);
        rows.fine(
            CHECK,
            format_args!("signed by {by}: {comment}; trusted here: {trusted}"),
        );
        Some(Some(Signed {
            by: by.to_string(),
            text: String::from_utf8_lossy(signature.unwrap_or_default()).into_owned(),
            trusted: self.keys.iter().map(|key| key.line().to_owned()).collect(),
        }))
    }
}

/// Warns of a key that the package itself brings.
pub(super) fn suspect(named: &[PathBuf], package: &Path, rows: &mut Rows) {
    let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.into());
    for path in named {
        if real(path).starts_with(real(package)) {
            rows.warn(
                CHECK,
                format_args!(
                    "--trust {} lies in the package's directory, and a package cannot vouch for itself; take the key from where the package's maker publishes it",
                    path.display()
                ),
            );
        }
    }
}

/// What of a signed package is not bound by its signature. Nothing of it is used
/// by replant, but a person may start it.
pub(super) fn unbound(dir: &Path, manifest: &Manifest, rows: &mut Rows) {
    let Some(names) = rows.take(CHECK, names(dir)) else {
        return;
    };
    for path in names {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if !manifest.leaves_out(&name) {
            continue;
        }
        let place = path.display();
        match &*name {
            BINARY | SCRIPT => rows.refuse(
                CHECK,
                format_args!(
                    "{place} is not what was signed: migration.toml has no checksum of it; make the package again with replant-pack"
                ),
            ),
            _ => rows.warn(
                CHECK,
                format_args!(
                    "{place} is not part of what was signed, and replant does not use it; do not start it"
                ),
            ),
        }
    }
}

/// The files of a directory, in order; none if it does not exist.
fn names(dir: &Path) -> Result<Vec<PathBuf>, Error> {
    let entries = match std::fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(cannot("read the directory", dir)(error).into()),
    };
    let mut paths = Vec::new();
    for entry in entries {
        paths.push(entry.map_err(cannot("read the directory", dir))?.path());
    }
    paths.sort();
    Ok(paths)
}

fn key(path: &Path) -> Result<PublicKey, Error> {
    let bytes = std::fs::read(path).map_err(cannot("read the key", path))?;
    PublicKey::parse(&bytes).map_err(|why| Error::Key {
        path: path.into(),
        why,
    })
}

#[cfg(test)]
mod tests;
