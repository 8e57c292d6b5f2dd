// SPDX-License-Identifier: MIT OR Apache-2.0
//! Reading sysfs.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use super::DevNo;
use sys::{FileError, cannot};

/// Where sysfs is mounted.
pub const SYS: &str = "/sys";

/// The directory of the device with this number, without symbolic links.
pub(super) fn directory(sys: &Path, dev: DevNo) -> Result<PathBuf, FileError> {
    resolve(&sys.join("dev/block").join(dev.to_string()))
}

/// Resolves a link.
pub(super) fn resolve(link: &Path) -> Result<PathBuf, FileError> {
    fs::canonicalize(link).map_err(cannot("follow", link))
}

/// The entries of a directory, by name; none where there is no such directory.
pub(super) fn entries(dir: &Path) -> Result<Vec<PathBuf>, FileError> {
    let list = match fs::read_dir(dir) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        list => list.map_err(cannot("read", dir))?,
    };
    let paths = list.map(|entry| entry.map(|entry| entry.path()));
    let mut paths: Vec<PathBuf> = paths
        .collect::<Result<_, _>>()
        .map_err(cannot("read", dir))?;
    paths.sort_unstable();
    Ok(paths)
}

/// The last component of a path.
pub(super) fn name(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}

/// The trimmed text of a file; `None` if it is empty, missing or unreadable.
pub(crate) fn text(dir: &Path, name: &str) -> Option<String> {
    clean(&fs::read(dir.join(name)).ok()?)
}

pub(super) fn clean(bytes: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(bytes);
    let text = text.trim_matches(|c: char| c.is_whitespace() || c == '\0');
    (!text.is_empty()).then(|| text.to_owned())
}

/// Reads a file that must contain a number.
pub(super) fn number<T: FromStr>(dir: &Path, name: &str) -> Result<T, FileError> {
    let path = dir.join(name);
    let text = fs::read_to_string(&path).map_err(cannot("read", &path))?;
    text.trim().parse().map_err(|_| {
        let what = format!("{:?} is not what the kernel writes there", text.trim());
        FileError::new("read", &path, io::Error::other(what))
    })
}
