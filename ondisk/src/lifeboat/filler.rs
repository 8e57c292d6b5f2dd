// SPDX-License-Identifier: MIT OR Apache-2.0
//! What record and state files contain before they are written for the first
//! time: where each of their sectors belongs, so that a wrong mapping from the
//! file to the disk shows when the disk is read.

use super::id::Id;
use super::role::Role;
use crate::numbers::{array_at, u32_at, u64_at};
use crate::run::{SECTOR, SECTOR_LEN};
use std::fmt;

/// Bytes of a block of filler.
pub const BLOCK: usize = 4096;
const MAGIC: &[u8; 16] = b"replant filler\0\0";
/// Sectors of a block; each says where it belongs, for on a file system of
/// small blocks the four corners of a block may be elsewhere.
const SECTORS: u64 = BLOCK as u64 / SECTOR;
/// Used bytes of a sector; the others are zero.
const USED: usize = 44;

/// Where a sector of filler belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Filler {
    /// The staging.
    pub id: Id,
    /// The file.
    pub role: Role,
    /// Its sector of 512 bytes within the file, from 0.
    pub sector: u64,
}

/// A sector that does not belong where it was found.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{} of staging {} should be here, there is {}: the file does not lie \
     where its map says; stage again",
    .want, .want.id, FoundFiller(.found)
)]
pub struct Misplaced {
    /// What was looked for.
    pub want: Filler,
    /// What is there, if it is filler at all.
    pub found: Option<Filler>,
}

struct FoundFiller<'a>(&'a Option<Filler>);

impl fmt::Display for FoundFiller<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(found) => write!(f, "{found} of staging {}", found.id),
            None => f.write_str("something else"),
        }
    }
}

impl fmt::Display for Filler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sector {} of {}", self.sector, self.role)
    }
}

impl Filler {
    /// Block `number` (from 0, of 4096 bytes) of the file `role` of a staging.
    #[must_use]
    pub fn block(id: &Id, role: Role, number: u64) -> [u8; BLOCK] {
        let mut block = [0; BLOCK];
        let first = number.wrapping_mul(SECTORS);
        let sectors = block.chunks_exact_mut(SECTOR_LEN);
        for (bytes, at) in sectors.zip(0..SECTORS) {
            let filler = Filler {
                id: *id,
                role,
                sector: first.wrapping_add(at),
            };
            for (to, from) in bytes.iter_mut().zip(filler.encode()) {
                *to = from;
            }
        }
        block
    }

    /// Compares what was read as block `number` with what [`Filler::block`]
    /// wrote there.
    ///
    /// # Errors
    /// The first sector that belongs elsewhere, or is missing.
    pub fn check(id: &Id, role: Role, number: u64, bytes: &[u8]) -> Result<(), Misplaced> {
        let first = number.wrapping_mul(SECTORS);
        let mut read = bytes.chunks(SECTOR_LEN);
        for at in 0..SECTORS {
            let want = Filler {
                id: *id,
                role,
                sector: first.wrapping_add(at),
            };
            let found = read.next().and_then(Filler::decode);
            if found != Some(want) {
                return Err(Misplaced { want, found });
            }
        }
        Ok(())
    }

    /// Reads one sector; `None` if it is not filler from its first byte to its
    /// last one.
    #[must_use]
    pub fn decode(sector: &[u8]) -> Option<Filler> {
        let filler = Filler {
            id: Id(array_at(sector, 16)?),
            sector: u64_at(sector, 32)?,
            role: Role::of(u32_at(sector, 40)?)?,
        };
        let (used, unused) = sector.split_at_checked(USED)?;
        let whole = sector.len() == SECTOR_LEN
            && used == filler.encode()
            && unused.iter().all(|byte| *byte == 0);
        whole.then_some(filler)
    }

    fn encode(&self) -> [u8; USED] {
        let mut bytes = [0; USED];
        let parts = MAGIC.iter().copied().chain(self.id.0);
        let parts = parts.chain(self.sector.to_le_bytes());
        let parts = parts.chain(self.role.number().to_le_bytes());
        for (to, from) in bytes.iter_mut().zip(parts) {
            *to = from;
        }
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::super::role::Twin;
    use super::*;

    const ID: Id = Id(*b"0123456789abcdef");
    const ROLE: Role = Role::State(Twin::B);

    #[test]
    fn what_was_written_is_found() {
        for number in [0, 1, 77, 1 << 40, u64::MAX] {
            let block = Filler::block(&ID, ROLE, number);
            assert_eq!(Filler::check(&ID, ROLE, number, &block), Ok(()));
        }
    }

    #[test]
    fn every_way_to_be_elsewhere_is_told() {
        let error_of = |bytes: &[u8]| Filler::check(&ID, ROLE, 3, bytes).unwrap_err();
        let want = Filler {
            id: ID,
            role: ROLE,
            sector: 24,
        };
        let found = |found| Misplaced { want, found };
        // The next block, the other copy, another staging, nothing of ours.
        assert_eq!(
            error_of(&Filler::block(&ID, ROLE, 4)),
            found(Some(Filler { sector: 32, ..want }))
        );
        let role = Role::State(Twin::A);
        assert_eq!(
            error_of(&Filler::block(&ID, role, 3)),
            found(Some(Filler { role, ..want }))
        );
        let id = Id([7; 16]);
        assert_eq!(
            error_of(&Filler::block(&id, ROLE, 3)),
            found(Some(Filler { id, ..want }))
        );
        assert_eq!(error_of(&[0; BLOCK]), found(None));
        assert_eq!(error_of(&[]), found(None));
        // A quarter of the block is that of another one.
        let mut block = Filler::block(&ID, ROLE, 3);
        block[1024..2048].copy_from_slice(&Filler::block(&ID, ROLE, 9)[1024..2048]);
        let error = error_of(&block);
        assert_eq!((error.want.sector, error.found.unwrap().sector), (26, 74));
        assert_eq!(
            error.to_string(),
            "sector 26 of state B of staging 30313233343536373839616263646566 should be here, \
             there is sector 74 of state B of staging 30313233343536373839616263646566: the file \
             does not lie where its map says; stage again"
        );
    }

    /// Against bytes that a few lines of Python made.
    #[test]
    fn the_bytes_are_those_of_the_layout() {
        let id: Id = "a0a1a2a3a4a5a6a7a8a9aaabacadaeaf".parse().unwrap();
        let golden = include_bytes!("../../tests/fixtures/lifeboat/filler.bin");
        let (state, record) = golden.split_at(BLOCK);
        assert!(Filler::block(&id, Role::State(Twin::B), 5) == *state);
        assert!(Filler::block(&id, Role::Record(Twin::A), 0) == *record);
    }

    #[test]
    fn each_byte_counts() {
        let block = Filler::block(&ID, ROLE, 3);
        for at in 0..BLOCK {
            let mut bad = block;
            bad[at] ^= 1;
            let error = Filler::check(&ID, ROLE, 3, &bad).unwrap_err();
            assert_eq!(error.want.sector, 24 + at as u64 / 512, "{at}");
        }
        assert!(Filler::check(&ID, ROLE, 3, &block[..BLOCK - 1]).is_err());
    }
}
