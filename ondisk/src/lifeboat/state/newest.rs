// SPDX-License-Identifier: MIT OR Apache-2.0
//! Decides which of the two copies is the valid one.

use super::{State, StateError};
use crate::lifeboat::id::Id;
use crate::lifeboat::role::Twin;

/// The result of reading both copies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Newest {
    /// The state that counts.
    pub state: State,
    /// The copy that is written next: not the one that counts.
    pub next: Twin,
    /// What is wrong with the copy [`Newest::next`]; the write mends it.
    pub damage: Option<StateError>,
}

/// Why there is no valid state.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoState {
    /// Neither can be read.
    #[error("neither copy of the state can be used: A: {a}; B: {b}")]
    Neither {
        /// What is wrong with copy A.
        a: StateError,
        /// What is wrong with copy B.
        b: StateError,
    },
    /// Two writers, or a copy of the disk: nothing must be written.
    #[error(
        "both copies of the state have number {generation}, but one says \"{}\" and the other \
         \"{}\": another machine or another program has written to this disk", .a.phase, .b.phase
    )]
    Contradiction {
        /// Number of both.
        generation: u64,
        /// What copy A says.
        a: State,
        /// What copy B says.
        b: State,
    },
}

/// The state of staging `id` from its copies A and B: the valid one with the
/// highest generation.
///
/// # Errors
/// [`NoState::Neither`] with what is wrong with each, which says whether this
/// disk has never had a state of this staging, or has lost it.
pub fn newest(copies: [&[u8]; 2], id: &Id) -> Result<Newest, NoState> {
    let [a, b] = copies.map(|copy| State::decode(copy, id));
    let counts = |state, next, damage| Newest {
        state,
        next,
        damage,
    };
    match (a, b) {
        (Ok(a), Ok(b)) if a.generation == b.generation && a != b => Err(NoState::Contradiction {
            generation: a.generation,
            a,
            b,
        }),
        (Ok(a), Ok(b)) if a.generation < b.generation => Ok(counts(b, Twin::A, None)),
        (Ok(a), Ok(_)) => Ok(counts(a, Twin::B, None)),
        (Ok(a), Err(damage)) => Ok(counts(a, Twin::B, Some(damage))),
        (Err(damage), Ok(b)) => Ok(counts(b, Twin::A, Some(damage))),
        (Err(a), Err(b)) => Err(NoState::Neither { a, b }),
    }
}
