// SPDX-License-Identifier: MIT OR Apache-2.0
//! GRUB's environment block, as far as staging depends on it.

use super::Error;
use ondisk::grub::Env;
use std::path::Path;

fn load(path: &Path) -> Result<Env, Error> {
    let bytes = std::fs::read(path).map_err(|source| Error::File {
        path: path.into(),
        source,
    })?;
    Env::parse(&bytes).map_err(|e| Error::Environment {
        path: path.into(),
        why: e.to_string(),
    })
}

/// Whether GRUB can write the block: it does that in place, without a file
/// system driver, so the file must be whole and without holes.
pub(super) fn check(path: &Path) -> Result<(), Error> {
    load(path)?;
    use std::os::unix::fs::MetadataExt;
    let meta = std::fs::metadata(path).map_err(|source| Error::File {
        path: path.into(),
        source,
    })?;
    if meta.blocks() == 0 {
        let why = "the file has no block of its own on the disk".to_string();
        return Err(Error::Environment {
            path: path.into(),
            why,
        });
    }
    Ok(())
}

/// What is chosen for the next boot only.
///
/// # Errors
/// [`Error`] when the block cannot be read.
pub fn armed_entry(path: &Path) -> Result<Option<String>, Error> {
    let environment = load(path)?;
    Ok(environment.get("next_entry").filter(|v| !v.is_empty()))
}
