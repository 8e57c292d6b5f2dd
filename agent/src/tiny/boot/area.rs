// SPDX-License-Identifier: MIT OR Apache-2.0
//! What of the disk starts the machine: sector 0, the partition table, and the
//! partition of GRUB's core image; and where a migration may be cut off, what
//! brings it back.
//!
//! The programs of the new system have no business there. A boot sector that
//! comes before everything that it leads to is on the disk starts half a
//! system if the power goes. So the disk refuses writes while they run, and
//! what is there is compared after each of them, for not every way to a disk
//! asks whether it may be written. What was changed is put back at once.

use super::Error;
use crate::disk::{self, Disk, own, sector_0};
use crate::tiny::lifeboat::Kept;
use ondisk::gpt::{Guid, Table};
use ondisk::lifeboat::{Run, SECTOR};
use ondisk::sha256::Sha256Sum;
use std::ops::Range;

/// Bytes that are read at once.
const PIECE: u64 = 1 << 20;
/// Bytes that are held in memory: more than a table and a partition for GRUB
/// have. What is beyond is only compared.
const MOST: u64 = 8 << 20;

/// The places of a disk that start the machine.
pub struct Area<'a> {
    disk: &'a Disk,
    places: Vec<(&'static str, Range<u64>)>,
    lifeboat: Option<Kept>,
}

/// A piece of a place, as it is to stay.
struct Piece {
    what: &'static str,
    place: Range<u64>,
    sum: Sha256Sum,
    bytes: Option<Vec<u8>>,
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
        Area {
            disk,
            places,
            lifeboat: None,
        }
    }

    /// And with these files of a migration that may be cut off.
    #[must_use]
    pub fn with(self, lifeboat: Option<Kept>) -> Self {
        Area { lifeboat, ..self }
    }

    /// What is there, on the medium.
    fn look(&self) -> Result<Vec<Piece>, Error> {
        self.disk.flush()?;
        let mut pieces = Vec::new();
        let mut room = MOST;
        for &(what, ref place) in &self.places {
            let mut at = place.start;
            while at < place.end {
                let length = (place.end - at).min(PIECE);
                let bytes = self.disk.read_fresh(at, length as usize)?;
                let left = room.checked_sub(length);
                room = left.unwrap_or(room);
                pieces.push(Piece {
                    what,
                    place: at..at + length,
                    sum: Sha256Sum::of(&bytes),
                    bytes: left.map(|_| bytes),
                });
                at += length;
            }
        }
        Ok(pieces)
    }

    /// Runs `program` while the disk refuses writes, compares, and puts back
    /// what is another: sector 0 first.
    ///
    /// # Errors
    /// What `program` gives; [`Error::Overwritten`] whatever that is.
    pub fn keep(
        &self,
        name: &str,
        line: &mut dyn FnMut(&str),
        program: impl FnOnce(&mut dyn FnMut(&str)) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let before = self.look()?;
        let protection = Protection { disk: self.disk };
        if let Err(error) = self.disk.write_protect(true) {
            // What the program does is still looked at.
            line(&format!("warning: {error}"));
        }
        let result = program(&mut *line);
        protection.release()?;
        let overwritten = self.put_back(&before);
        self.put_lifeboat_back(name, line);
        let Some(overwritten) = overwritten? else {
            return result;
        };
        if let Err(error) = result {
            line(&error.to_string());
        }
        Err(Error::Overwritten {
            program: name.into(),
            what: overwritten.what,
            disk: self.disk.path().into(),
            now: match overwritten.put_back {
                Ok(()) => "it was put back".into(),
                Err(error) => format!("it could not be put back: {error}"),
            },
        })
    }

    /// The first place that is not as it was, if there is one, and whether all
    /// of them are again.
    fn put_back(&self, before: &[Piece]) -> Result<Option<Overwritten>, Error> {
        self.disk.flush()?;
        let (mut first, mut done) = (None, Ok(()));
        for piece in before {
            let length = piece.place.end - piece.place.start;
            // At most PIECE; what cannot be read any more is another.
            let now = self.disk.read_fresh(piece.place.start, length as usize);
            if now.is_ok_and(|now| Sha256Sum::of(&now) == piece.sum) {
                continue;
            }
            first = first.or(Some(piece.what));
            done = done.and(self.write(piece));
        }
        Ok(first.map(|what| Overwritten {
            what,
            put_back: done,
        }))
    }

    fn write(&self, piece: &Piece) -> Result<(), disk::Error> {
        let (disk, place) = (self.disk, &piece.place);
        let Some(bytes) = &piece.bytes else {
            return Err(disk::Error::ReadBack {
                path: disk.path().into(),
                what: piece.what,
                offset: place.start,
            });
        };
        if place.start == 0 {
            return sector_0::write(disk, piece.what, 0, bytes);
        }
        let run = Run {
            lba: place.start / SECTOR,
            sectors: (place.end - place.start) / SECTOR,
        };
        own::write(disk, piece.what, &[run], place.start, bytes)
    }

    /// What brings the migration back if the power goes. The new system does
    /// without it, so it is no reason to stop.
    fn put_lifeboat_back(&self, name: &str, line: &mut dyn FnMut(&str)) {
        let Some(kept) = &self.lifeboat else {
            return;
        };
        let changed = match kept.put_back(self.disk) {
            Ok(changed) => changed,
            Err(error) => return line(&format!("warning: {error}")),
        };
        for file in changed {
            let now = match file.result {
                Ok(()) => "it was put back".into(),
                Err(error) => format!("it could not be put back: {error}"),
            };
            line(&format!(
                "warning: in the new system: {name} has written {} at LBA {} of the disk, which programs there must not do; {now}",
                file.role, file.lba
            ));
        }
    }
}

/// What was not as it had been.
struct Overwritten {
    what: &'static str,
    /// Whether all of it is again.
    put_back: Result<(), disk::Error>,
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
