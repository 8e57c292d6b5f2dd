// SPDX-License-Identifier: MIT OR Apache-2.0
//! Bytes to a record.

use super::error::within_bounds;
use super::layout::{CHUNK, Kind, MAGIC, RUN, SUM, checksum};
use super::reader::Reader;
use super::{Chunks, Disk, Old, Pinned, Record, RecordError, VERSION};
use crate::lifeboat::filler::Filler;
use crate::lifeboat::id::Id;
use crate::lifeboat::protected::Protected;
use crate::lifeboat::role::Role;
use crate::run::Run;
use crate::sha256::Sha256Sum;
use std::ops::Range;

impl Reader<'_> {
    /// A file's entry.
    pub(super) fn file(&mut self) -> Option<Pinned> {
        let role = Role::of(self.u32()?)?;
        self.zero()?;
        let bytes = self.u64()?;
        let sum = self.array()?;
        let chunk = self.u64()?;
        let (runs, sums) = (self.u32()?, self.u32()?);
        let runs = self.list(runs, RUN, |from| {
            Some(Run {
                lba: from.u64()?,
                sectors: from.u64()?,
            })
        })?;
        let sums = self.list(sums, CHUNK, |from| from.array().map(Sha256Sum))?;
        // No checksum is a sum of zeros; no chunks, chunks of no bytes.
        let sum = (sum != [0; 32]).then_some(Sha256Sum(sum));
        let chunks = match (chunk, sums) {
            (0, sums) if sums.is_empty() => None,
            (0, _) => return None,
            (bytes, sums) => Some(Chunks { bytes, sums }),
        };
        Some(Pinned {
            role,
            bytes,
            sum,
            runs,
            chunks,
        })
    }
}

/// The fields before the sections: what every version has.
pub(super) struct Start {
    pub(super) minor: u16,
    pub(super) length: u64,
    pub(super) sum: Sha256Sum,
}

/// Reads them; the record must be one of staging `id`.
pub(super) fn start(reader: &mut Reader<'_>, id: &Id) -> Result<Start, RecordError> {
    if !reader.0.starts_with(MAGIC) {
        let filler = reader.0.get(..512).and_then(Filler::decode);
        return Err(filler.map_or(RecordError::NoMagic, RecordError::Filler));
    }
    let mut fields = || {
        reader.take(MAGIC.len() as u64)?;
        let (major, minor) = (reader.u16()?, reader.u16()?);
        let zero = reader.u32()?;
        let length = reader.u64()?;
        let found = Id(reader.array()?);
        Some((
            major,
            minor,
            zero,
            length,
            found,
            Sha256Sum(reader.array()?),
        ))
    };
    let what = "head";
    let (major, minor, zero, length, found, sum) = fields().ok_or(RecordError::Form { what })?;
    if major != VERSION.0 {
        return Err(RecordError::Version { major, minor });
    }
    if zero != 0 || length < SUM.end as u64 {
        return Err(RecordError::Form { what });
    }
    within_bounds(length)?;
    if found != *id {
        return Err(RecordError::Foreign { found, want: *id });
    }
    Ok(Start { minor, length, sum })
}

/// One section: its number and its contents.
pub(super) fn section<'a>(reader: &mut Reader<'a>) -> Option<(u32, Reader<'a>)> {
    let kind = reader.u32()?;
    reader.zero()?;
    let length = reader.u64()?;
    Some((kind, Reader(reader.take(length)?)))
}

fn ranges(reader: &mut Reader<'_>) -> Option<Vec<Range<u64>>> {
    let mut ranges = Vec::new();
    while !reader.0.is_empty() {
        ranges.push(reader.u64()?..reader.u64()?);
    }
    Some(ranges)
}

impl Record {
    /// Reads a record of staging `id` from the start of its file; what follows
    /// it there is not looked at.
    ///
    /// # Errors
    /// Whatever is not as [`Record::encode`] makes it.
    pub fn decode(file: &[u8], id: &Id) -> Result<Record, RecordError> {
        let Start { minor, length, sum } = start(&mut Reader(file), id)?;
        let have = u64::try_from(file.len()).unwrap_or(u64::MAX);
        let record = Reader(file).take(length);
        let record = record.ok_or(RecordError::Short { have, need: length })?;
        let computed = checksum(record);
        if computed != sum {
            let stored = sum;
            return Err(RecordError::Damaged { stored, computed });
        }
        let mut reader = Reader(record.get(SUM.end..).unwrap_or_default());
        let mut sections = [Reader(&[]); Kind::ALL.len()];
        for (kind, contents) in Kind::ALL.iter().zip(&mut sections) {
            let what = "list of sections";
            let want = kind.number();
            if reader.0.is_empty() {
                return Err(RecordError::Order { found: 0, want });
            }
            let (found, bytes) = section(&mut reader).ok_or(RecordError::Form { what })?;
            if found != want {
                return Err(strange(found, want, minor));
            }
            *contents = bytes;
        }
        if let Some((kind, _)) = section(&mut reader) {
            return Err(strange(kind, 0, minor));
        }
        let what = "end";
        reader.end().ok_or(RecordError::Form { what })?;
        let record = contents(*id, sections)?;
        record.check()?;
        Ok(record)
    }
}

/// A section that does not belong here: of a newer replant, or misplaced.
fn strange(kind: u32, want: u32, minor: u16) -> RecordError {
    let known = Kind::ALL.iter().any(|known| known.number() == kind);
    if minor > VERSION.1 && !known {
        let major = VERSION.0;
        return RecordError::UnknownSection { major, minor, kind };
    }
    RecordError::Order { found: kind, want }
}

fn contents(id: Id, sections: [Reader<'_>; Kind::ALL.len()]) -> Result<Record, RecordError> {
    let [mut files, mut disk, mut origin, mut seed, rest @ ..] = sections;
    let [
        manifest,
        table_backup,
        staged,
        mut protected,
        mut wipe,
        head,
        tail,
        armed,
    ] = rest;
    let form = |what| move || RecordError::Form { what };
    let files = {
        let mut read = || {
            let number = files.u32()?;
            files.zero()?;
            // Bounded by the bytes that there are, whatever the number says.
            let mut list = Vec::new();
            for _ in 0..number {
                list.push(files.file()?);
            }
            files.end().map(|()| list)
        };
        read().ok_or_else(form("list of files"))?
    };
    let disk = {
        let mut read = || {
            let read = Disk {
                bytes: disk.u64()?,
                logical_block: disk.u32()?,
                physical_block: disk.u32()?,
                serial: disk.text()?,
                wwn: disk.text()?,
            };
            disk.end().map(|()| read)
        };
        read().ok_or_else(form("disk"))?
    };
    let (time, host) = {
        let mut read = || {
            let read = (origin.u64()?, origin.text()?);
            origin.end().map(|()| read)
        };
        read().ok_or_else(form("time and host"))?
    };
    let bytes = seed.array();
    let seed = bytes
        .filter(|_| seed.0.is_empty())
        .ok_or_else(form("seed"))?;
    let protected = ranges(&mut protected).ok_or_else(form("list of protected ranges"))?;
    let protected = Protected::from_ranges(protected, disk.physical_block, disk.bytes);
    let wipe = ranges(&mut wipe).ok_or_else(form("list of ranges to wipe"))?;
    let old = match armed.0 {
        [] if head.0.is_empty() && tail.0.is_empty() => None,
        armed => Some(Old {
            head: head.0.to_vec(),
            tail: tail.0.to_vec(),
            armed: armed.try_into().map_err(|_| form("armed sector")())?,
        }),
    };
    Ok(Record {
        id,
        disk,
        time,
        host,
        seed,
        manifest: manifest.0.to_vec(),
        table_backup: table_backup.0.to_vec(),
        staged: staged.0.to_vec(),
        files,
        protected: protected.map_err(super::Inconsistent::from)?,
        wipe,
        old,
    })
}
