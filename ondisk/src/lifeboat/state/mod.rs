// SPDX-License-Identifier: MIT OR Apache-2.0
//! The state of a migration, in one aligned block of the disk, twice.
//!
//! The copies are written in turn, each as a whole block. The one with the
//! highest generation counts, so a write that is cut off leaves the state
//! before it. ARCHITECTURE.md has the layout.

mod newest;
mod phase;
mod place;
#[cfg(test)]
mod tests;

pub use newest::{Newest, NoState, newest};
pub use phase::Phase;
pub use place::place;

use super::filler::Filler;
use super::id::Id;
use std::ops::Range;

/// Bytes of a copy: the largest block of a disk that is written at once.
pub const BYTES: usize = 4096;
/// The version that is written, and the only one that is read.
pub const VERSION: u32 = 1;
const MAGIC: &[u8; 16] = b"replant state\0\0\0";
const ID: Range<usize> = 32..48;
/// Numbers of the phase.
const COUNTERS: usize = 48;
/// What is not used yet, and zero.
const UNUSED: Range<usize> = 56..SUM;
const SUM: usize = BYTES - 4;

/// How far a migration is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct State {
    /// The staging.
    pub id: Id,
    /// One more with each write.
    pub generation: u64,
    /// Where the migration is.
    pub phase: Phase,
}

/// Why a block is no state of this staging, or cannot be followed by another.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StateError {
    /// Not 4096 bytes.
    #[error("a state has {BYTES} bytes, {have} were read")]
    Length {
        /// Bytes that there are.
        have: usize,
    },
    /// The block was never written: it has what `stage` filled it with.
    #[error("no state was written here yet: there is {0} of staging {id}", id = .0.id)]
    Filler(Filler),
    /// Something else.
    #[error("there is no state here")]
    NoMagic,
    /// A write that was cut off, or a bad block.
    #[error("the state is damaged: checksum {stored:08x}, computed {computed:08x}")]
    Torn {
        /// Checksum in the block.
        stored: u32,
        /// Checksum of the block.
        computed: u32,
    },
    /// Made by another version of replant.
    #[error("the state has version {found}, this replant knows version {VERSION}")]
    Version {
        /// Version in the block.
        found: u32,
    },
    /// Of another staging.
    #[error("the state is that of staging {found}, not of {want}")]
    Foreign {
        /// Staging in the block.
        found: Id,
        /// The staging that was looked for.
        want: Id,
    },
    /// A phase, or a number of it, that there is not, although the checksum is
    /// right.
    #[error("the state has phase {number} with {first} and {second}, which does not exist")]
    Phase {
        /// Number of the phase.
        number: u32,
        /// Its first number.
        first: u32,
        /// Its second number.
        second: u32,
    },
    /// Bytes that this version leaves zero are not.
    #[error("the state has {value:#04x} at byte {at}, where nothing is")]
    Unused {
        /// Which byte.
        at: usize,
        /// What it is.
        value: u8,
    },
    /// A phase that cannot follow.
    #[error("a migration that is \"{from}\" cannot become \"{to}\"")]
    Order {
        /// The phase now.
        from: Phase,
        /// The phase that was asked for.
        to: Phase,
    },
    /// No number is left.
    #[error("the state has been written {0} times, there is no higher number")]
    LastGeneration(u64),
}

impl State {
    /// The first state, which `stage` writes.
    #[must_use]
    pub fn staged(id: Id) -> State {
        State {
            id,
            generation: 1,
            phase: Phase::Staged,
        }
    }

    /// The state after this one.
    ///
    /// # Errors
    /// A phase that cannot follow, as any other after
    /// [`Phase::Destroying`] but those that lead to the new system.
    pub fn next(&self, phase: Phase) -> Result<State, StateError> {
        if !self.phase.leads_to(&phase) {
            return Err(StateError::Order {
                from: self.phase,
                to: phase,
            });
        }
        let generation = self.generation.checked_add(1);
        Ok(State {
            id: self.id,
            generation: generation.ok_or(StateError::LastGeneration(self.generation))?,
            phase,
        })
    }

    /// The block.
    #[must_use]
    pub fn encode(&self) -> [u8; BYTES] {
        let mut block = [0; BYTES];
        let (number, counters) = self.phase.encode();
        let fields = MAGIC.iter().copied();
        let fields = fields.chain(VERSION.to_le_bytes());
        let fields = fields.chain(number.to_le_bytes());
        let fields = fields.chain(self.generation.to_le_bytes());
        let fields = fields.chain(self.id.0);
        let fields = fields.chain(counters.into_iter().flat_map(u32::to_le_bytes));
        for (to, from) in block.iter_mut().zip(fields) {
            *to = from;
        }
        let sum = checksum(&block).to_le_bytes();
        for (to, from) in block.iter_mut().skip(SUM).zip(sum) {
            *to = from;
        }
        block
    }

    /// Reads a block of 4096 bytes; it must be one of staging `id`.
    ///
    /// # Errors
    /// Filler, another staging, a torn block and unknown bytes are different
    /// errors.
    pub fn decode(block: &[u8], id: &Id) -> Result<State, StateError> {
        let length = StateError::Length { have: block.len() };
        let block: &[u8; BYTES] = block.try_into().map_err(|_| length)?;
        if !block.starts_with(MAGIC) {
            let filler = block.first_chunk::<512>().and_then(|s| Filler::decode(s));
            return Err(filler.map_or(StateError::NoMagic, StateError::Filler));
        }
        let (stored, computed) = (u32_at(block, SUM), checksum(block));
        if stored != computed {
            return Err(StateError::Torn { stored, computed });
        }
        let found = u32_at(block, 16);
        if found != VERSION {
            return Err(StateError::Version { found });
        }
        let mut found = Id([0; 16]);
        for (to, from) in found.0.iter_mut().zip(block.get(ID).unwrap_or_default()) {
            *to = *from;
        }
        if found != *id {
            return Err(StateError::Foreign { found, want: *id });
        }
        let unused = block.iter().enumerate().take(UNUSED.end).skip(UNUSED.start);
        for (at, &value) in unused {
            if value != 0 {
                return Err(StateError::Unused { at, value });
            }
        }
        let number = u32_at(block, 20);
        let [first, second] = [u32_at(block, COUNTERS), u32_at(block, COUNTERS + 4)];
        let phase = Phase::decode(number, [first, second]);
        let generation = u64::from(u32_at(block, 24)) | u64::from(u32_at(block, 28)) << 32;
        Ok(State {
            id: found,
            generation,
            phase: phase.ok_or(StateError::Phase {
                number,
                first,
                second,
            })?,
        })
    }
}

fn checksum(block: &[u8; BYTES]) -> u32 {
    crate::checksum::crc32(block.get(..SUM).unwrap_or_default())
}

fn u32_at(block: &[u8; BYTES], at: usize) -> u32 {
    let bytes = block.get(at..).and_then(<[u8]>::first_chunk);
    bytes.map_or(0, |bytes| u32::from_le_bytes(*bytes))
}
