// SPDX-License-Identifier: MIT OR Apache-2.0
//! Reads chunks, each again until its checksum is right.

use super::{Changed, Error, Runs};
use crate::disk::direct::{ALIGN, Aligned, Direct};
use crate::stop;
use ondisk::lifeboat::{Run, SECTOR};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// In which portions a chunk is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pieces {
    /// Each run at once.
    Whole,
    /// By [`SMALL`] sectors, and after an error by single blocks.
    Small,
}

/// The attempts in order. Large reads are repeated once, for errors that pass by
/// themselves; small ones follow, because one bad place fails a whole large read.
const TRIES: [Pieces; 4] = [Pieces::Whole, Pieces::Whole, Pieces::Small, Pieces::Small];

/// Before each further try.
const PAUSE: Duration = Duration::from_millis(250);

/// Sectors of a small piece: a physical block of most disks.
const SMALL: u64 = ALIGN as u64 / SECTOR;

/// The chunks of a file in runs.
pub(super) struct Chunks {
    runs: Arc<Runs>,
    direct: Direct,
    /// Whether the reader has gone.
    dropped: Arc<AtomicBool>,
}

impl Chunks {
    pub(super) fn new(runs: Arc<Runs>, dropped: Arc<AtomicBool>) -> io::Result<Chunks> {
        Ok(Chunks {
            direct: Direct::of(runs.disk.file(), runs.disk.block_size())?,
            runs,
            dropped,
        })
    }

    /// Room for any of the chunks.
    pub(super) fn buffer(&self) -> Aligned {
        Aligned::new(self.runs.chunk_bytes)
    }

    /// Reads a chunk into the front of `buffer`, verifies it, and returns its
    /// length: 0 beyond the last one.
    pub(super) fn read(&self, index: u64, buffer: &mut Aligned) -> Result<usize, Error> {
        let [first, again @ ..] = TRIES;
        let mut result = self.attempt(index, buffer, first);
        for pieces in again {
            match &result {
                Err(error) if !error.is_final() => log::warn!("{}; it is read again", error.what()),
                _ => break,
            }
            std::thread::sleep(PAUSE);
            result = self.attempt(index, buffer, pieces);
        }
        result
    }

    fn attempt(&self, index: u64, buffer: &mut [u8], pieces: Pieces) -> Result<usize, Error> {
        let file = &self.runs.file;
        let (Some((start, bytes)), Some(places)) = (file.chunk(index), file.chunk_runs(index))
        else {
            return Ok(0);
        };
        let mut rest = &mut *buffer;
        for place in places {
            // Within the chunk, which fits.
            let length = usize::try_from(place.sectors.saturating_mul(SECTOR)).unwrap_or_default();
            let (bytes, after) = rest.split_at_mut_checked(length).unwrap_or_default();
            match pieces {
                Pieces::Whole => self.piece(place, bytes)?,
                Pieces::Small => self.by_pieces(place, bytes, SMALL)?,
            }
            rest = after;
        }
        match file.checked(index, buffer) {
            Ok(chunk) => Ok(chunk.len()),
            Err(damage) => Err(Box::new(Changed {
                disk: self.runs.disk.path().into(),
                name: self.runs.name.clone(),
                bytes: start..start.saturating_add(bytes),
                damage,
            })
            .into()),
        }
    }

    /// Reads in pieces that begin at multiples of `step` sectors of the disk, so
    /// that an error names the bad block.
    fn by_pieces(&self, place: Run, bytes: &mut [u8], step: u64) -> Result<(), Error> {
        let block = (u64::from(self.runs.disk.block_size()) / SECTOR).max(1);
        let (mut at, mut rest) = (place, bytes);
        while at.sectors > 0 {
            let sectors = step.saturating_sub(at.lba % step).min(at.sectors);
            let length = usize::try_from(sectors.saturating_mul(SECTOR)).unwrap_or_default();
            let (piece, after) = rest.split_at_mut_checked(length).unwrap_or_default();
            let run = Run {
                lba: at.lba,
                sectors,
            };
            match self.piece(run, piece) {
                Err(Error::Read { .. }) if step > block => self.by_pieces(run, piece, block)?,
                done => done?,
            }
            at = Run {
                lba: at.lba.saturating_add(sectors),
                sectors: at.sectors.saturating_sub(sectors),
            };
            rest = after;
        }
        Ok(())
    }

    fn piece(&self, at: Run, bytes: &mut [u8]) -> Result<(), Error> {
        stop::check()?;
        if self.dropped.load(Ordering::Relaxed) {
            return Err(Error::Dropped(self.runs.name.clone()));
        }
        // Its bytes were counted when the runs were taken.
        let offset = at.lba.saturating_mul(SECTOR);
        self.direct
            .read(offset, bytes)
            .map_err(|error| Error::Read {
                disk: self.runs.disk.path().into(),
                role: self.runs.file.role,
                at,
                source: Arc::new(error),
            })
    }
}
