// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a power cut leaves, and what would start from it.
//!
//! [`log::WriteLog`] is all that a machine wrote, in order; [`cut`] makes disks
//! of it as a cut can leave them; [`boots::what_boots`] says what starts from
//! one. Nothing here uses an encoder or decoder of the product: a mistake of
//! theirs must not be believed by its judge.

pub mod boots;
pub mod cut;
pub mod log;
mod numbers;
#[cfg(test)]
mod tests;

/// Bytes of a sector, whatever the disk's blocks are.
pub const SECTOR: u64 = 512;

/// A disk that can be looked at.
pub trait Sectors {
    /// How many sectors of 512 bytes it has.
    fn count(&self) -> u64;

    /// These sectors; what is beyond the end comes as zeros, as from a
    /// firmware that does not report the error.
    fn read(&self, lba: u64, sectors: u64) -> Vec<u8>;
}

impl Sectors for [u8] {
    fn count(&self) -> u64 {
        self.len() as u64 / SECTOR
    }

    fn read(&self, lba: u64, sectors: u64) -> Vec<u8> {
        let at = |lba: u64| (lba.saturating_mul(SECTOR) as usize).min(self.len());
        let mut bytes = self[at(lba)..at(lba.saturating_add(sectors))].to_vec();
        bytes.resize(sectors as usize * SECTOR as usize, 0);
        bytes
    }
}

impl Sectors for std::fs::File {
    fn count(&self) -> u64 {
        self.metadata().map_or(0, |meta| meta.len()) / SECTOR
    }

    fn read(&self, lba: u64, sectors: u64) -> Vec<u8> {
        use std::os::unix::fs::FileExt;
        let mut bytes = vec![0; sectors as usize * SECTOR as usize];
        let mut done = 0;
        while done < bytes.len() {
            match self.read_at(&mut bytes[done..], lba * SECTOR + done as u64) {
                Ok(0) => break,
                Ok(count) => done += count,
                Err(error) => panic!("the image cannot be read: {error}"),
            }
        }
        bytes
    }
}
