// SPDX-License-Identifier: MIT OR Apache-2.0
//! The parts of the disk that start the machine: sector 0, the partition table,
//! and the partition of GRUB's core image; and where the migration survives a
//! power cut, the files that bring it back.
//!
//! The programs of the new system must not write there. If they wrote a boot
//! sector before everything that it leads to is on the disk, a power cut would
//! leave half a system that starts. So the disk refuses writes while they run.
//! Not every way to a disk respects that, so these places are compared after each
//! program, and restored at once if they have changed.

use super::Error;
use crate::disk::{self, Disk, own, sector_0};
use crate::tiny::lifeboat::Snapshot;
use ondisk::gpt::{Guid, Table};
use ondisk::lifeboat::{Run, SECTOR};
use ondisk::sha256::Sha256Sum;
use std::ops::Range;

/// Bytes that are read at once.
const PIECE: u64 = 1 << 20;
/// Bytes that are kept in memory, which is more than a table and a GRUB partition
/// have. Bytes beyond are only compared.
const MOST: u64 = 8 << 20;

/// The places of a disk that start the machine.
pub struct Area<'a> {
    disk: &'a Disk,
    places: Vec<(&'static str, Range<u64>)>,
    lifeboat: Option<Snapshot>,
}

/// A piece of such a place with its original content.
struct Piece {
    what: &'static str,
    place: Range<u64>,
    sum: Sha256Sum,
    bytes: Option<Vec<u8>>,
}

impl Area<'_> {
    /// The places on a disk with this table.
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

    /// Adds the files that bring an interrupted migration back.
    #[must_use]
    pub fn with(self, lifeboat: Option<Snapshot>) -> Self {
        Area { lifeboat, ..self }
    }

    /// Reads the places from the medium.
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

    /// Runs `program` while the disk refuses writes, then compares, and restores
    /// what has changed: sector 0 first.
    ///
    /// # Errors
    /// The error of `program`; [`Error::Overwritten`] takes precedence over it.
    pub fn keep(
        &self,
        name: &str,
        line: &mut dyn FnMut(&str),
        program: impl FnOnce(&mut dyn FnMut(&str)) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let before = self.look()?;
        let protection = Protection { disk: self.disk };
        if let Err(error) = self.disk.write_protect(true) {
            // Without the protection, comparing still finds what the program
            // changes.
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

    /// Restores the places. Returns the first one that had changed, if any, and
    /// whether all could be restored.
    fn put_back(&self, before: &[Piece]) -> Result<Option<Overwritten>, Error> {
        self.disk.flush()?;
        let (mut first, mut done) = (None, Ok(()));
        for piece in before {
            let length = piece.place.end - piece.place.start;
            // At most PIECE. A place that cannot be read counts as changed.
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

    /// Restores the files that bring an interrupted migration back. The new
    /// system does not need them, so an error is only a warning.
    fn put_lifeboat_back(&self, name: &str, line: &mut dyn FnMut(&str)) {
        let Some(snapshot) = &self.lifeboat else {
            return;
        };
        let changed = match snapshot.put_back(self.disk) {
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

/// A place that a program has changed.
struct Overwritten {
    what: &'static str,
    /// Whether all of it could be restored.
    put_back: Result<(), disk::Error>,
}

/// Switches the write protection off when dropped, whatever happens.
struct Protection<'a> {
    disk: &'a Disk,
}

impl Protection<'_> {
    fn release(self) -> Result<(), Error> {
        let disk = self.disk;
        drop(self);
        // On a protected disk each later step would fail without a helpful
        // message.
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
