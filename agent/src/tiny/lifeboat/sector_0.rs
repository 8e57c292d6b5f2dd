// SPDX-License-Identifier: MIT OR Apache-2.0
//! Sector 0 while the migration survives a power cut: our loader, with the disk's
//! own partition table.

use super::{Error, Lifeboat};
use crate::disk::{Disk, sector_0};
use ondisk::lifeboat::record::Old;
use ondisk::lifeboat::{BootSector, boot_sector::BYTES};

const LOADER: &str = "replant's loader";

/// Sector 0 of a disk, of which the first 512 bytes count.
pub(super) fn read(disk: &Disk) -> Result<[u8; BYTES], Error> {
    let bytes = disk.read_fresh(0, BYTES)?;
    let what = "sector 0";
    let sector = bytes.first_chunk().copied();
    sector.ok_or(Error::ChangedSince { what })
}

impl Lifeboat {
    fn old(&self) -> Result<&Old, Error> {
        let what = "the record";
        self.record.old.as_ref().ok_or(Error::ChangedSince { what })
    }

    /// The old system's boot sector; `None` before it was recorded.
    pub(super) fn old_sector(&self) -> Option<[u8; BYTES]> {
        self.record.old.as_ref()?.head.first_chunk().copied()
    }

    /// Whether sector 0 of this disk is the loader with an open way back.
    pub(super) fn is_armed(&self, disk: &Disk) -> Result<bool, Error> {
        let armed = self.record.old.as_ref().map(|old| old.armed);
        Ok(armed == Some(read(disk)?))
    }

    /// As `is_armed`, for the disk that was found.
    ///
    /// # Errors
    /// [`Error::Disk`].
    pub fn sector_0_is_armed(&self) -> Result<bool, Error> {
        self.is_armed(&Disk::open(&self.path)?)
    }

    /// Writes the loader with its way back, and returns when it was read back.
    pub(super) fn write_armed(&self, disk: &Disk) -> Result<(), Error> {
        Ok(sector_0::write(disk, LOADER, 0, &self.old()?.armed)?)
    }

    /// Writes the old system's boot sector back, and returns when it was read
    /// back.
    pub(super) fn write_back(&self, disk: &Disk) -> Result<(), Error> {
        let old = self
            .old_sector()
            .ok_or(Error::ChangedSince { what: "the record" })?;
        Ok(sector_0::write(disk, "the old boot sector", 0, &old)?)
    }

    /// The loader without a way back, for the time past the point of no return;
    /// the other parts of the sector are taken from `kept`.
    ///
    /// # Errors
    /// A record that is not complete.
    pub fn loader(&self, kept: &[u8; BYTES]) -> Result<[u8; BYTES], Error> {
        let armed = &self.old()?.armed;
        let closed = BootSector {
            way_back: None,
            ..BootSector::decode(armed)?
        };
        // The code is that of the armed loader, even if another version of
        // replant runs now.
        Ok(closed.encode(armed, kept)?)
    }

    /// The base for the new table's sector 0: the loader without a way back, and
    /// the old table's entries, one of which may be active.
    ///
    /// # Errors
    /// A record that is not complete.
    pub fn boot_code(&self) -> Result<[u8; BYTES], Error> {
        self.loader(&self.old()?.armed)
    }

    /// Makes sector 0 start the tiny system and nothing else, with the table that
    /// it has now.
    ///
    /// # Errors
    /// [`Error::Disk`].
    pub fn close_way_back(&self, disk: &Disk) -> Result<(), Error> {
        let now = read(disk)?;
        let closed = self.loader(&now)?;
        match now == closed {
            true => Ok(()),
            false => Ok(sector_0::write(disk, LOADER, 0, &closed)?),
        }
    }

    /// Whether sector 0 is as [`Lifeboat::close_way_back`] leaves it.
    ///
    /// # Errors
    /// [`Error::Disk`].
    pub fn is_closed(&self, disk: &Disk) -> Result<bool, Error> {
        let now = read(disk)?;
        Ok(now == self.loader(&now)?)
    }
}
