// SPDX-License-Identifier: MIT OR Apache-2.0
//! Reads record and state of one disk at an address.

use super::Error;
use crate::disk::{self, Disk};
use ondisk::lifeboat::record::{Head, Record, RecordError};
use ondisk::lifeboat::state::{self, Newest, newest};
use ondisk::lifeboat::{Address, BLOCK, Id, Role, Run, SECTOR, Twin, cut};

/// Both copies, in the order of an address.
pub(super) const TWINS: [Twin; 2] = [Twin::A, Twin::B];

/// The record and the state of the address's staging, if this disk has them.
///
/// # Errors
/// Why this is not the disk, as the end of "it ...".
pub(super) fn look(disk: &Disk, address: &Address) -> Result<(Record, Newest), Error> {
    let record = record(disk, address)?;
    let shapes = [
        ("bytes", disk.bytes(), record.disk.bytes),
        (
            "bytes in a block",
            disk.block_size().into(),
            record.disk.logical_block.into(),
        ),
    ];
    for (what, have, want) in shapes {
        if have != want {
            return Err(Error::Shape { what, have, want });
        }
    }
    for (twin, (at, state_at)) in TWINS
        .into_iter()
        .zip(address.record.into_iter().zip(address.state))
    {
        let runs = |role| record.file(role).map(|file| file.runs.as_slice());
        let role = Role::Record(twin);
        if runs(role).and_then(<[Run]>::first).map(|run| run.lba) != Some(at) {
            return Err(Error::Elsewhere(role));
        }
        let role = Role::State(twin);
        let place = runs(role).map(|runs| state::place(runs, record.disk.physical_block));
        if place != Some(Ok(Some(state_at))) {
            return Err(Error::Elsewhere(role));
        }
    }
    Ok((record, newest_state(disk, address)?))
}

/// The valid state. An unreadable copy counts as damaged: if the next write could
/// leave no valid copy, both are written.
pub(super) fn newest_state(disk: &Disk, address: &Address) -> Result<Newest, Error> {
    let [a, b] = address.state.map(|lba| sectors(disk, lba, state::BYTES));
    let (a, b) = match (a, b) {
        (Err(error), Err(_)) => return Err(error.into()),
        (a, b) => (a.unwrap_or_default(), b.unwrap_or_default()),
    };
    Ok(newest([&a, &b], &address.id)?)
}

/// The record. If both copies are valid, the complete one counts, because they
/// are completed one after the other.
fn record(disk: &Disk, address: &Address) -> Result<Record, Error> {
    let [a, b] = address.record.map(|lba| copy(disk, lba, &address.id));
    match (a, b) {
        (Ok(a), Ok(b)) if a.old.is_none() && b.old.is_some() => Ok(b),
        (Ok(record), _) | (Err(_), Ok(record)) => Ok(record),
        (Err(a), Err(b)) => Err(Error::NoRecord {
            a: Box::new(a),
            b: Box::new(b),
            at: address.record,
        }),
    }
}

/// The copy of the record that begins at sector `lba`.
///
/// # Errors
/// [`Error::Disk`], [`Error::Record`].
pub(super) fn copy(disk: &Disk, lba: u64, id: &Id) -> Result<Record, Error> {
    let head = Head::decode(&sectors(disk, lba, BLOCK)?, id)?;
    // Which of the two this is does not matter here.
    let [a, b] = head.runs;
    let begins_here = |runs: &[Run]| runs.first().is_some_and(|run| run.lba == lba);
    let own = if begins_here(&b) { b } else { a };
    let what = "first block";
    let form = || Error::from(RecordError::Form { what });
    let runs = cut(&own, 0, head.length.div_ceil(SECTOR)).map_err(|_| form())?;
    let mut bytes = Vec::new();
    for run in runs {
        let place = run.bytes().filter(|place| place.end <= disk.bytes());
        let place = place.ok_or_else(form)?;
        // As a whole no longer than a record can be.
        let length = usize::try_from(place.end - place.start).unwrap_or_default();
        bytes.extend(disk.read_fresh(place.start, length)?);
    }
    Ok(Record::decode(&bytes, id)?)
}

/// Bytes from a sector on; fewer, or none, where the disk ends before.
fn sectors(disk: &Disk, lba: u64, bytes: usize) -> Result<Vec<u8>, disk::Error> {
    let start = lba.saturating_mul(SECTOR);
    let left = disk.bytes().saturating_sub(start);
    match usize::try_from(left).map_or(bytes, |left| left.min(bytes)) {
        0 => Ok(Vec::new()),
        length => disk.read_fresh(start, length),
    }
}
