// SPDX-License-Identifier: MIT OR Apache-2.0
//! What of the disk starts the machine: sector 0, the partition table, and the
//! partition of GRUB's core image.
//!
//! The programs of the new system have no business there. A boot sector that
//! comes before everything that it leads to is on the disk starts half a
//! system if the power goes. So the disk refuses writes while they run, and
//! what is there is compared afterwards, for not every way to a disk asks
//! whether it may be written.

use super::Error;
use crate::disk::Disk;
use ondisk::gpt::{Guid, Table};
use ondisk::sha256::{Sha256, Sha256Sum};
use std::ops::Range;

/// Bytes that are read at once.
const PIECE: u64 = 1 << 20;

/// The places of a disk that start the machine.
pub struct Area<'a> {
    disk: &'a Disk,
    places: Vec<(&'static str, Range<u64>)>,
}

impl Area<'_> {
    /// Those of a disk with this table.
    pub fn of<'a>(disk: &'a Disk, table: &Table) -> Area<'a> {
        let block = u64::from(table.block_size);
        let first = table.partitions.iter().map(|p| table.byte_range(p).start);
        let end = first.min().unwrap_or(block);
        let mut places = vec![("sector 0", 0..block), ("the partition table", block..end)];
        let bios = |p: &&ondisk::gpt::Partition| p.type_guid == Guid::BIOS_BOOT;
        if let Some(bios) = table.partitions.iter().find(bios) {
            places.push(("the BIOS boot partition", table.byte_range(bios)));
        }
        Area { disk, places }
    }

    /// What is there, on the medium.
    fn sums(&self) -> Result<Vec<Sha256Sum>, Error> {
        self.disk.flush()?;
        let sum = |place: &Range<u64>| {
            let mut hash = Sha256::new();
            let mut at = place.start;
            while at < place.end {
                let length = (place.end - at).min(PIECE);
                hash.update(&self.disk.read_fresh(at, length as usize)?);
                at += length;
            }
            Ok(hash.finish())
        };
        self.places.iter().map(|(_, place)| sum(place)).collect()
    }

    /// Runs `program` while the disk refuses writes, and compares.
    ///
    /// # Errors
    /// What `program` gives; [`Error::Overwritten`] whatever that is.
    pub fn keep(
        &self,
        name: &str,
        line: &mut dyn FnMut(&str),
        program: impl FnOnce(&mut dyn FnMut(&str)) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let before = self.sums()?;
        let protection = Protection { disk: self.disk };
        if let Err(error) = self.disk.write_protect(true) {
            // What the program does is still looked at.
            line(&format!("warning: {error}"));
        }
        let result = program(&mut *line);
        protection.release()?;
        let after = self.sums()?;
        let mut pairs = before.iter().zip(&after);
        let Some(at) = pairs.position(|(before, after)| before != after) else {
            return result;
        };
        if let Err(error) = result {
            line(&error.to_string());
        }
        Err(Error::Overwritten {
            program: name.into(),
            what: self.places.get(at).map_or("the disk", |place| place.0),
            disk: self.disk.path().into(),
        })
    }
}

/// Takes the write protection back, whatever happens.
struct Protection<'a> {
    disk: &'a Disk,
}

impl Protection<'_> {
    fn release(self) -> Result<(), Error> {
        let disk = self.disk;
        drop(self);
        // Each later step would fail at a protected disk, and not say why.
        match disk.is_write_protected()? {
            false => Ok(()),
            true => Err(crate::disk::Error::ReadOnly {
                path: disk.path().into(),
            }
            .into()),
        }
    }
}

impl Drop for Protection<'_> {
    fn drop(&mut self) {
        if let Err(error) = self.disk.write_protect(false) {
            log::warn!("{error}");
        }
    }
}
