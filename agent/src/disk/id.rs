// SPDX-License-Identifier: MIT OR Apache-2.0
//! The properties by which a disk is recognised under another name.

use super::{Disk, Error};
use crate::block::{SYS, by_number};
use ondisk::gpt::{self, Guid};
use ondisk::hex::Hex;
use ondisk::mbr;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// The identity of a disk. The name is no part of it, for it may change at a
/// reboot, or when the disk is detached and attached.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct DiskId {
    /// Size in bytes.
    pub bytes: u64,
    /// Logical block size in bytes; 0 where it was not recorded.
    #[serde(default)]
    pub block_size: u32,
    /// `dos 5eed0001`, `gpt` and the disk's GUID as 32 digits in the order of
    /// its bytes, or `none`.
    pub table: String,
    /// Serial number, where the disk or the hypervisor gives one.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub serial: String,
    /// World wide name, where it has one.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub wwn: String,
}

impl DiskId {
    /// Reads the identity of an open disk, past the page cache.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn of(disk: &Disk) -> Result<DiskId, Error> {
        let block = disk.block_size() as usize;
        let head = disk.read_fresh(0, block.saturating_mul(2).max(4096))?;
        let shown = disk
            .dev()
            .and_then(|dev| by_number(Path::new(SYS), dev).ok());
        let (serial, wwn) = shown.map_or((None, None), |block| (block.serial, block.wwn));
        Ok(DiskId {
            bytes: disk.bytes(),
            block_size: disk.block_size(),
            table: table_id(&head, block),
            serial: serial.unwrap_or_default(),
            wwn: wwn.unwrap_or_default(),
        })
    }

    /// The identity of the backup table at the disk's end, in the form of
    /// [`DiskId::table`].
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn backup_table(disk: &Disk) -> Result<String, Error> {
        let block = disk.block_size() as usize;
        let blocks = disk.bytes() / u64::from(disk.block_size().max(1));
        let last = blocks.saturating_sub(1) * u64::from(disk.block_size());
        let mut as_primary = vec![0; block];
        as_primary.extend(disk.read_fresh(last, block)?);
        Ok(table_id(&as_primary, block))
    }

    /// Why this is not the disk that was recorded, if it is not.
    pub fn differs(&self, recorded: &DiskId) -> Option<String> {
        self.hardware_differs(recorded).or_else(|| {
            (self.table != recorded.table).then(|| {
                format!(
                    "has the table \"{}\", it had \"{}\"",
                    self.table, recorded.table
                )
            })
        })
    }

    /// As [`DiskId::differs`], without comparing the table. Serial numbers and
    /// names count only where both sides have one, for not every driver shows
    /// them.
    pub fn hardware_differs(&self, recorded: &DiskId) -> Option<String> {
        if self.bytes != recorded.bytes {
            return Some(format!(
                "has {} bytes, it had {}",
                self.bytes, recorded.bytes
            ));
        }
        if ![0, self.block_size].contains(&recorded.block_size) {
            return Some(format!(
                "has blocks of {} bytes, it had blocks of {}",
                self.block_size, recorded.block_size
            ));
        }
        for (own, theirs) in [(&self.serial, &recorded.serial), (&self.wwn, &recorded.wwn)] {
            let comparable = !own.is_empty() && scheme(own) == scheme(theirs);
            if comparable && !theirs.is_empty() && own != theirs {
                return Some(format!("is number {own}, it was {theirs}"));
            }
        }
        None
    }
}

/// The kind and length of a world wide name. Kernels differ in which of a disk's
/// names they show: the same NVMe disk is `eui.` (EUI-64 or NGUID), `uuid.` or
/// `nvme.`, depending on the kernel's version and its list of disks whose names
/// are bogus (NVME_QUIRK_BOGUS_NID). `None` for a serial number.
fn scheme(name: &str) -> Option<(&str, usize)> {
    let (kind, rest) = name.split_once('.')?;
    let kinds = ["naa", "eui", "uuid", "nvme", "t10", "scsi"];
    let length = if kind == "eui" { rest.len() } else { 0 };
    kinds.contains(&kind).then_some((kind, length))
}

/// The identity of a partition table from the disk's first two blocks.
fn table_id(head: &[u8], block_size: usize) -> String {
    if let Some(guid) = head.get(block_size..).and_then(gpt::disk_guid) {
        return gpt_id(guid);
    }
    match mbr::is_marked(head) {
        true => format!("dos {:08x}", mbr::disk_signature(head)),
        false => "none".to_string(),
    }
}

/// The identity of a GPT, in the form of [`DiskId::table`].
pub fn gpt_id(Guid(bytes): Guid) -> String {
    format!("gpt {}", Hex(&bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_have_identities() {
        let mut head = vec![0; 1024];
        assert_eq!(table_id(&head, 512), "none");
        head[510..512].copy_from_slice(&[0x55, 0xaa]);
        head[440..444].copy_from_slice(&0x5eed_0001_u32.to_le_bytes());
        assert_eq!(table_id(&head, 512), "dos 5eed0001");
        head[512..520].copy_from_slice(b"EFI PART");
        head[568] = 0xab;
        assert!(table_id(&head, 512).starts_with("gpt ab00"));
        assert_eq!(table_id(&head[..513], 512), "dos 5eed0001");
    }

    #[test]
    fn what_both_sides_know_must_be_the_same() {
        let disk = DiskId {
            bytes: 8 << 30,
            block_size: 512,
            table: "dos 1".into(),
            serial: "A".into(),
            wwn: "naa.1".into(),
        };
        let same = |change: &dyn Fn(&mut DiskId)| {
            let mut other = disk.clone();
            change(&mut other);
            other.differs(&disk)
        };
        assert_eq!(same(&|_| {}), None);
        assert_eq!(same(&|d| d.serial.clear()), None);
        assert_eq!(same(&|d| d.wwn.clear()), None);
        let difference = |change: &dyn Fn(&mut DiskId)| same(change).unwrap();
        assert_eq!(
            difference(&|d| d.serial = "B".into()),
            "is number B, it was A"
        );
        assert!(difference(&|d| d.wwn = "naa.2".into()).contains("naa.2, it was naa.1"));
        assert!(difference(&|d| d.bytes = 1).contains("has 1 bytes"));
        assert!(difference(&|d| d.block_size = 4096).contains("blocks of 4096"));
        assert!(difference(&|d| d.table = "none".into()).contains("it had \"dos 1\""));
        // A record of a version that knew less.
        let old: DiskId = ondisk::document::read("bytes = 8589934592\ntable = \"dos 1\"").unwrap();
        assert_eq!(disk.differs(&old), None);
    }

    #[test]
    fn names_of_two_schemes_say_nothing() {
        let disk = |wwn: &str| DiskId {
            bytes: 8 << 30,
            wwn: wwn.into(),
            serial: "S.1".into(),
            ..DiskId::default()
        };
        let old = disk("eui.00000000000000018ce38e0100000001");
        for same in [
            "uuid.6c1d4f0e-0000-4000-8000-000000000001",
            "nvme.1b36-5331-51454d55-00000001",
            "eui.8ce38e0100000001",
        ] {
            assert_eq!(disk(same).hardware_differs(&old), None, "{same}");
        }
        let other = disk("eui.00000000000000018ce38e0100000002");
        assert!(other.hardware_differs(&old).is_some());
        let mut other = disk("uuid.6c1d4f0e-0000-4000-8000-000000000001");
        other.serial = "S.2".into();
        assert!(other.hardware_differs(&old).is_some());
    }
}
