// SPDX-License-Identifier: MIT OR Apache-2.0
//! The disk's first sector while the old system runs: it must be the old
//! system's.

use crate::disk::{self, Disk, sector_0};
use ondisk::checksum::crc32;
use ondisk::lifeboat::{BootSector, BootSectorError, SECTOR, SECTOR_LEN};

/// Bytes of boot code. The rest of the sector, disk signature and table, was
/// never changed by replant, but others may have changed it since.
const CODE: usize = 440;

/// Why the old first sector could not be put back.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Disk(#[from] disk::Error),
    #[error(
        "the first sector of {disk} is replant's loader, and the old one, which should lie beside what it loads, is not there ({why}); install this system's boot loader again (grub-install {disk}, or grub2-install {disk})"
    )]
    Lost { disk: String, why: String },
}

/// Whether replant's loader is in the first sector.
///
/// # Errors
/// When it cannot be read.
pub fn is_armed(disk: &Disk) -> Result<bool, disk::Error> {
    let sector = disk.read_fresh(0, SECTOR_LEN)?;
    let other = |e| matches!(e, BootSectorError::NotOurs | BootSectorError::Length { .. });
    Ok(!BootSector::decode(&sector).is_err_and(other))
}

/// Puts the old boot code back if replant's loader is there; returns whether it
/// was. For a machine that was armed and whose old system runs nevertheless.
///
/// # Errors
/// When the loader is there and the old code cannot be put back.
pub fn put_back(disk: &Disk) -> Result<bool, Error> {
    let name = disk.path().display().to_string();
    let lost = |why: String| Error::Lost {
        disk: name.clone(),
        why,
    };
    let found = match BootSector::decode(&disk.read_fresh(0, SECTOR_LEN)?) {
        Ok(found) => found,
        Err(BootSectorError::NotOurs | BootSectorError::Length { .. }) => return Ok(false),
        Err(damaged) => return Err(lost(damaged.to_string())),
    };
    for blob in &found.blobs {
        let bytes = usize::from(blob.sectors) * SECTOR_LEN;
        let Some(at) = blob.lba.checked_mul(SECTOR) else {
            continue;
        };
        // An unreadable copy counts as missing.
        let Ok(read) = disk.read_fresh(at, bytes) else {
            continue;
        };
        let old = read.rchunks(SECTOR_LEN).next().unwrap_or_default();
        let whole = crc32(&read) == blob.crc32 || found.way_back == Some(crc32(old));
        if let (true, Some(code)) = (whole, old.get(..CODE)) {
            sector_0::write(disk, "the old boot code", 0, code)?;
            return Ok(true);
        }
    }
    Err(lost("neither copy is as it was".into()))
}
