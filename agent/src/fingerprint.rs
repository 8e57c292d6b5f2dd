// SPDX-License-Identifier: MIT OR Apache-2.0
//! What binds a staged package to one machine and one disk.

use crate::disk::DiskId;
use crate::machine::Error;
use rootdir::{self, RootDir};
use serde::{Deserialize, Serialize};
use std::path::Path;

/// Identifies a machine and its disk on both sides of a reboot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fingerprint {
    /// /etc/machine-id of the old root.
    pub machine_id: String,
    pub disk: DiskId,
}

impl Fingerprint {
    /// Reads the machine-id of a root directory.
    ///
    /// # Errors
    /// [`Error`] when the file is missing or empty.
    pub fn of(root: &Path, disk: DiskId) -> Result<Fingerprint, Error> {
        let file = "etc/machine-id";
        let path = root.join(file);
        let text = RootDir::open(root).and_then(|root| root.text(file));
        let machine_id = match text.map_err(|error| from_rootdir(&path, error))? {
            Some(text) => text.trim().to_string(),
            None => String::new(),
        };
        if machine_id.is_empty() {
            return Err(Error::Unexpected {
                path,
                what: "is missing or empty; make one on the old system (systemd-machine-id-setup)"
                    .into(),
            });
        }
        Ok(Fingerprint { machine_id, disk })
    }

    /// Why this is not the machine that was staged, if it is not.
    pub fn differs(&self, staged: &Fingerprint) -> Option<String> {
        if self.machine_id != staged.machine_id {
            return Some(format!(
                "machine-id is {}, the package was staged on {}",
                self.machine_id, staged.machine_id
            ));
        }
        let disk = self.disk.differs(&staged.disk);
        disk.map(|difference| format!("its disk {difference}"))
    }
}

/// Converts an error of `rootdir` into this module's own.
fn from_rootdir(path: &Path, error: rootdir::Error) -> Error {
    match error {
        rootdir::Error::File(error) => error.into(),
        other => Error::Unexpected {
            path: path.into(),
            what: other.to_string(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_machine_is_told_apart() {
        let disk = DiskId {
            bytes: 8 << 30,
            table: "dos 1".into(),
            serial: "A".into(),
            ..DiskId::default()
        };
        let staged = Fingerprint {
            machine_id: "m".into(),
            disk: disk.clone(),
        };
        assert_eq!(staged.differs(&staged), None);
        let mut other = staged.clone();
        other.disk.serial = String::new();
        assert_eq!(other.differs(&staged), None);
        other.disk.serial = "B".into();
        assert_eq!(
            other.differs(&staged).unwrap(),
            "its disk is number B, it was A"
        );
        let root = tempfile::tempdir().unwrap();
        let of = || Fingerprint::of(root.path(), staged.disk.clone());
        let error = of().unwrap_err().to_string();
        assert!(error.contains("systemd-machine-id-setup"), "{error}");
        std::fs::create_dir(root.path().join("etc")).unwrap();
        std::fs::write(root.path().join("etc/machine-id"), "m\n").unwrap();
        assert_eq!(of().unwrap(), staged);
        // A link means what it means below that root.
        std::fs::remove_file(root.path().join("etc/machine-id")).unwrap();
        std::os::unix::fs::symlink("/etc/id", root.path().join("etc/machine-id")).unwrap();
        assert!(of().is_err());
        std::fs::write(root.path().join("etc/id"), "m\n").unwrap();
        assert_eq!(of().unwrap(), staged);
        other.disk.bytes = 1;
        assert!(other.differs(&staged).unwrap().contains("has 1 bytes"));
        other.machine_id = "n".into();
        assert!(other.differs(&staged).unwrap().contains("machine-id"));
    }
}
