// SPDX-License-Identifier: MIT OR Apache-2.0
//! What binds a staged package to one machine and one disk.

use super::{Error, read};
use serde::{Deserialize, Serialize};
use std::path::Path;

/// A machine and its disk, as they are seen on both sides of a reboot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fingerprint {
    /// /etc/machine-id of the old root.
    pub machine_id: String,
    /// The disk.
    pub disk: DiskId,
}

/// A disk, without its name, which may be another after a reboot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DiskId {
    /// Size in bytes.
    pub bytes: u64,
    /// `dos 5eed0001`, `gpt` and the disk's GUID as 32 digits in the order of
    /// its bytes, or `none`.
    pub table: String,
    /// Serial number, where the hypervisor gives one.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub serial: String,
}

impl Fingerprint {
    /// Reads the machine-id of a root directory.
    ///
    /// # Errors
    /// [`Error`] when the file is missing or empty.
    pub fn of(root: &Path, disk: DiskId) -> Result<Fingerprint, Error> {
        let path = root.join("etc/machine-id");
        let machine_id = match read(&path) {
            Err(Error::Read { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => {
                String::new()
            }
            text => text?.trim().to_string(),
        };
        if machine_id.is_empty() {
            return Err(Error::Odd {
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
        self.disk.differs(&staged.disk)
    }
}

impl DiskId {
    /// Why this is not the disk that was staged, if it is not. Serial numbers
    /// count only where both sides have one, for drivers differ in that.
    pub fn differs(&self, staged: &DiskId) -> Option<String> {
        if self.bytes != staged.bytes {
            return Some(format!("has {} bytes, it had {}", self.bytes, staged.bytes));
        }
        if self.table != staged.table {
            return Some(format!(
                "has the table \"{}\", it had \"{}\"",
                self.table, staged.table
            ));
        }
        let both = !self.serial.is_empty() && !staged.serial.is_empty();
        if both && self.serial != staged.serial {
            return Some(format!(
                "is number {}, it was {}",
                self.serial, staged.serial
            ));
        }
        None
    }
}

/// The identity of a partition table from the disk's first two sectors.
pub fn table_id(head: &[u8], block_size: usize) -> String {
    let gpt = head.get(block_size..block_size.saturating_add(92));
    if let Some(header) = gpt.filter(|h| h.starts_with(b"EFI PART")) {
        let guid = header.get(56..72).unwrap_or(&[]);
        return format!(
            "gpt {}",
            guid.iter().map(|b| format!("{b:02x}")).collect::<String>()
        );
    }
    if head.get(510..512) == Some(&[0x55, 0xaa]) {
        let bytes = head
            .get(440..444)
            .and_then(|b| b.try_into().ok())
            .unwrap_or([0; 4]);
        return format!("dos {:08x}", u32::from_le_bytes(bytes));
    }
    "none".to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_of_the_disk_in_another_machine_is_told_apart() {
        let mut head = vec![0; 1024];
        assert_eq!(table_id(&head, 512), "none");
        head[510..512].copy_from_slice(&[0x55, 0xaa]);
        head[440..444].copy_from_slice(&0x5eed_0001_u32.to_le_bytes());
        assert_eq!(table_id(&head, 512), "dos 5eed0001");
        head[512..520].copy_from_slice(b"EFI PART");
        head[568] = 0xab;
        assert!(table_id(&head, 512).starts_with("gpt ab00"));
        assert_eq!(table_id(&head[..513], 512), "dos 5eed0001");

        let disk = DiskId {
            bytes: 8 << 30,
            table: "dos 1".into(),
            serial: "A".into(),
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
        assert_eq!(other.differs(&staged).unwrap(), "is number B, it was A");
        let root = tempfile::tempdir().unwrap();
        let of = || Fingerprint::of(root.path(), staged.disk.clone());
        let error = of().unwrap_err().to_string();
        assert!(error.contains("systemd-machine-id-setup"), "{error}");
        std::fs::create_dir(root.path().join("etc")).unwrap();
        std::fs::write(root.path().join("etc/machine-id"), "m\n").unwrap();
        assert_eq!(of().unwrap(), staged);
        other.disk.bytes = 1;
        assert!(other.differs(&staged).unwrap().contains("has 1 bytes"));
        other.machine_id = "n".into();
        assert!(other.differs(&staged).unwrap().contains("machine-id"));
    }
}
