// SPDX-License-Identifier: MIT OR Apache-2.0
//! A file on a device that a person names: `DEVICE:PATH`.

use std::fmt;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use sys::{FileError, cannot};

/// Where the payload is, if not at its places on the migrated disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Elsewhere {
    /// The node of a disk, a partition or a volume with a file system.
    pub device: PathBuf,
    /// The file in it, from its root.
    pub file: String,
}

/// A text that is not of the form `DEVICE:PATH`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is not DEVICE:PATH, as in /dev/sdb1:/va.tar.xz; what there is shows: disks")]
pub struct BadElsewhere(String);

impl FromStr for Elsewhere {
    type Err = BadElsewhere;

    fn from_str(text: &str) -> Result<Elsewhere, BadElsewhere> {
        let bad = || BadElsewhere(text.into());
        // Names of devices may contain colons, but hardly one before a slash.
        let parts = text.split_once(":/").or_else(|| text.rsplit_once(':'));
        let (device, file) = parts.ok_or_else(bad)?;
        let file = file.trim_start_matches('/');
        if device.is_empty() || file.is_empty() || text.contains(['\n', '\0']) {
            return Err(bad());
        }
        Ok(Elsewhere {
            // An absolute path stays as it is.
            device: Path::new("/dev").join(device),
            file: file.into(),
        })
    }
}

/// Reads the file that the console left for the migration.
///
/// # Errors
/// When the file cannot be read.
pub(super) fn named(path: &Path) -> Result<Option<Elsewhere>, FileError> {
    match std::fs::read_to_string(path) {
        // The console writes valid text only.
        Ok(text) => Ok(text.parse().ok()),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(FileError::new("read", path, error)),
    }
}

/// Writes the file, or removes it.
///
/// # Errors
/// When the file cannot be written or removed.
pub(super) fn leave(path: &Path, payload: Option<&Elsewhere>) -> Result<(), FileError> {
    match payload {
        Some(payload) => std::fs::write(path, payload.to_string()).map_err(cannot("write", path)),
        None => sys::remove_file(path),
    }
}

impl fmt::Display for Elsewhere {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:/{}", self.device.display(), self.file)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_is_found_until_it_is_taken_back() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("payload-from");
        assert_eq!(named(&path).unwrap(), None);
        leave(&path, None).unwrap();
        let payload: Elsewhere = "sdb1:/a b".parse().unwrap();
        leave(&path, Some(&payload)).unwrap();
        assert_eq!(named(&path).unwrap(), Some(payload));
        leave(&path, None).unwrap();
        assert_eq!(named(&path).unwrap(), None);
        leave(&dir.path().join("no/such"), Some(&"a:b".parse().unwrap())).unwrap_err();
    }

    #[test]
    fn devices_and_files() {
        for (text, device, file) in [
            ("/dev/sdb1:/va.tar.xz", "/dev/sdb1", "va.tar.xz"),
            ("sdb1:va.tar.xz", "/dev/sdb1", "va.tar.xz"),
            ("sdc:/a dir/x:y.xz", "/dev/sdc", "a dir/x:y.xz"),
            ("/dev/mapper/VG-a:b", "/dev/mapper/VG-a", "b"),
            (
                "/dev/disk/by-path/pci-0000:00:1f.2:/x",
                "/dev/disk/by-path/pci-0000:00:1f.2",
                "x",
            ),
        ] {
            let found: Elsewhere = text.parse().unwrap();
            assert_eq!(
                (found.device.to_str().unwrap(), &*found.file),
                (device, file)
            );
            // What it says of itself is understood.
            assert_eq!(found.to_string().parse(), Ok(found));
        }
        for text in ["", ":", "sdb1", "sdb1:", "sdb1:/", ":/va.tar.xz", "a:b\nc"] {
            let error = text.parse::<Elsewhere>().unwrap_err().to_string();
            assert!(error.contains("is not DEVICE:PATH"), "{text}");
        }
    }
}
