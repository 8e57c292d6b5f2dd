// SPDX-License-Identifier: MIT OR Apache-2.0
//! Writing the state and the record.

use super::look::{TWINS, copy, newest_state};
use super::{Error, Lifeboat};
use crate::disk::{Disk, own};
use ondisk::lifeboat::record::{Old, Pinned, Record};
use ondisk::lifeboat::state::{Phase, State};
use ondisk::lifeboat::{Role, SECTOR, SECTOR_LEN, Twin, cut};

impl Lifeboat {
    /// Writes the phase into the older copy, as one block that is on the medium
    /// when this returns.
    ///
    /// # Errors
    /// A phase that cannot follow; a wrong disk, or one that does not keep what
    /// is written to it.
    pub fn write_state(&mut self, phase: Phase) -> Result<(), Error> {
        let disk = self.open()?;
        let next = self.newest.state.next(phase)?;
        self.put(&disk, &next)?;
        let found = newest_state(&disk, &self.address)?;
        if found.state != next {
            let disk = self.path.clone();
            let why = "the state that was written does not count".into();
            return Err(Error::OtherDisk { disk, why });
        }
        self.newest = found;
        Ok(())
    }

    fn put(&self, disk: &Disk, state: &State) -> Result<(), Error> {
        let [a, b] = self.address.state;
        let (twin, lba) = match self.newest.next {
            Twin::A => (Twin::A, a),
            Twin::B => (Twin::B, b),
        };
        let own = &self.file(Role::State(twin))?.runs;
        let at = lba.saturating_mul(SECTOR);
        Ok(own::write(disk, "the state", own, at, &state.encode())?)
    }

    /// Completes the record, one copy after the other, so that one is valid at
    /// any time.
    ///
    /// # Errors
    /// A record that has no room; a disk that does not keep what is written.
    pub(super) fn write_record(&mut self, old: Old) -> Result<(), Error> {
        let disk = self.open()?;
        let record = Record {
            old: Some(old),
            ..self.record.clone()
        };
        let bytes = record.encode()?;
        for (twin, lba) in TWINS.into_iter().zip(self.address.record) {
            let role = Role::Record(twin);
            overwrite(&disk, "the record", self.file(role)?, &bytes)?;
            if copy(&disk, lba, &self.address.id)? != record {
                return Err(Error::Changed { role });
            }
        }
        self.record = record;
        Ok(())
    }
}

/// Bytes that are written at once.
const PIECE: usize = 1 << 20;

/// Writes bytes from the start of a file of ours on; zeros up to the end of
/// their last sector.
pub(super) fn overwrite(
    disk: &Disk,
    what: &'static str,
    file: &Pinned,
    bytes: &[u8],
) -> Result<(), Error> {
    put(disk, what, file, 0, bytes)
}

/// As [`overwrite`], from byte `at` of the file on, which is a multiple of 512.
pub(super) fn rewrite(disk: &Disk, file: &Pinned, at: u64, bytes: &[u8]) -> Result<(), Error> {
    put(disk, "a damaged copy", file, at, bytes)
}

fn put(disk: &Disk, what: &'static str, file: &Pinned, at: u64, bytes: &[u8]) -> Result<(), Error> {
    let mut bytes = bytes.to_vec();
    bytes.resize(bytes.len().next_multiple_of(SECTOR_LEN), 0);
    let sectors = bytes.len() as u64 / SECTOR;
    let runs = cut(&file.runs, at / SECTOR, sectors).map_err(|short| Error::Places {
        role: file.role,
        short,
    })?;
    let mut rest = bytes.as_slice();
    for run in runs {
        let length = usize::try_from(run.sectors.saturating_mul(SECTOR)).unwrap_or(usize::MAX);
        let (part, behind) = rest.split_at_checked(length).unwrap_or((rest, &[]));
        let mut at = run.lba.saturating_mul(SECTOR);
        for piece in part.chunks(PIECE) {
            own::write(disk, what, &file.runs, at, piece)?;
            at = at.saturating_add(piece.len() as u64);
        }
        rest = behind;
    }
    Ok(())
}
