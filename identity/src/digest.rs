// SPDX-License-Identifier: MIT OR Apache-2.0
//! One checksum over all files of a saved identity.

use super::error::Result;
use ondisk::sha256::{Sha256, Sha256Sum};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use sys::FileError;

/// SHA-256 over path, length and bytes of each regular file below `dir`, in
/// the order of the paths. Empty directories, links, owners and modes do not
/// count.
///
/// # Errors
/// [`Error::File`](super::Error::File) for what cannot be read.
pub fn digest(dir: &Path) -> Result<Sha256Sum> {
    let mut sum = Sha256::new();
    for (name, bytes) in &files(dir)? {
        let name = name.as_os_str().as_encoded_bytes();
        // Lengths first: no two sets of files make the same stream.
        for part in [name, bytes] {
            sum.update(&(part.len() as u64).to_le_bytes());
            sum.update(part);
        }
    }
    Ok(sum.finish())
}

/// The regular files below `dir`, by their paths.
pub(super) fn files(dir: &Path) -> Result<BTreeMap<PathBuf, Vec<u8>>> {
    let mut files = BTreeMap::new();
    collect(dir, Path::new(""), &mut files)?;
    Ok(files)
}

fn collect(dir: &Path, below: &Path, files: &mut BTreeMap<PathBuf, Vec<u8>>) -> Result<()> {
    let failed = |path: &Path| {
        let path = path.to_path_buf();
        move |e: std::io::Error| rootdir::Error::from(FileError::new("read", path, e))
    };
    for entry in std::fs::read_dir(dir).map_err(failed(dir))? {
        let entry = entry.map_err(failed(dir))?;
        let (path, name) = (entry.path(), below.join(entry.file_name()));
        let kind = entry.file_type().map_err(failed(&path))?;
        if kind.is_dir() {
            collect(&path, &name, files)?;
        } else if kind.is_file() {
            files.insert(name, std::fs::read(&path).map_err(failed(&path))?);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_and_every_name_counts() {
        let dir = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| std::fs::write(dir.path().join(name), text).unwrap();
        std::fs::create_dir(dir.path().join("ssh")).unwrap();
        write("identity.toml", "version = 1");
        write("ssh/key", "secret");
        let sum = || digest(dir.path()).unwrap();
        let first = sum();
        assert_eq!(sum(), first);
        write("ssh/key", "secreT");
        assert_ne!(sum(), first);
        write("ssh/key", "secret");
        assert_eq!(sum(), first);
        write("ssh/other", "");
        assert_ne!(sum(), first);
        std::fs::remove_file(dir.path().join("ssh/other")).unwrap();
        std::fs::rename(dir.path().join("ssh/key"), dir.path().join("ssh/kez")).unwrap();
        assert_ne!(sum(), first);
        assert!(digest(&dir.path().join("none")).is_err());
    }
}
