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
use std::os::unix::fs::MetadataExt;
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
    /// that is left out would let a package in. The same where a directory has
    /// files and none by the name of a key.
    pub(super) fn read(installed: &Path, named: &[PathBuf], rows: &mut Rows) -> Option<Trust> {
        let mut files = rows.take(CHECK, names(installed))?;
        let all = files.len();
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
        let left_out = files.len() < all;
        files.extend_from_slice(named);
        for place in installed.parent().into_iter().chain([installed]) {
            exposed(place, rows);
        }
        let mut keys = Vec::new();
        let mut whole = true;
        for path in &files {
            exposed(path, rows);
            match rows.take(CHECK, key(path)) {
                Some(key) if keys.contains(&key) => {}
                Some(key) => keys.push(key),
                None => whole = false,
            }
        }
        if left_out && files.is_empty() {
            // Somebody wanted a key to be trusted.
            rows.error(CHECK, &Error::NoKeys(installed.into()));
            return None;
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

/// Warns where somebody else than root could put a key, or another one in its place.
fn exposed(path: &Path, rows: &mut Rows) {
    // What is not there, or cannot be looked at, its reader says.
    let Ok(found) = std::fs::metadata(path) else {
        return;
    };
    let (user, group) = (rustix::process::geteuid(), rustix::process::getegid());
    let own = |id: u32, mine: u32| id == 0 || id == mine;
    let mode = found.mode();
    if !own(found.uid(), user.as_raw())
        || mode & 0o020 != 0 && !own(found.gid(), group.as_raw())
        || mode & 0o002 != 0
    {
        rows.warn(
            CHECK,
            format_args!(
                "{} can be changed by others than root, and so can what is trusted here; run chown root:root and chmod go-w on it",
                path.display()
            ),
        );
    }
}

/// The files of a directory, in order; none if it does not exist. A link that leads
/// nowhere, as to what is not mounted, is no directory that does not exist.
fn names(dir: &Path) -> Result<Vec<PathBuf>, Error> {
    let missing = || !dir.ancestors().any(|at| at.is_symlink() && !at.exists());
    let entries = match std::fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound && missing() => return Ok(Vec::new()),
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
