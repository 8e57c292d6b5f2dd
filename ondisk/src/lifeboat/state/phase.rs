// SPDX-License-Identifier: MIT OR Apache-2.0
//! The phases of a migration, and which follows which.

use std::fmt;

/// Where a migration is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// The files lie there; nothing was started. The old system boots.
    Staged,
    /// The old system's GRUB chainloaded our loader. The old system boots next.
    Trial {
        /// Such starts that did not reach [`Phase::Armed`].
        starts: u32,
    },
    /// LBA 0 is our loader, the old system is untouched.
    Armed {
        /// Starts through LBA 0 that did not reach [`Phase::Destroying`].
        starts: u32,
    },
    /// Past the point of no return.
    Destroying {
        /// The highest step that was reached, by its place in the list of steps.
        step: u32,
        /// Failures since that step was reached. A loss of power is none.
        failures: u32,
    },
    /// LBA 0 is the new system's boot sector; what was pinned is still there.
    Switched,
    /// The space of the pinned files has been released.
    Done,
}

impl Phase {
    /// Whether `next` can follow: forward; back only before the point of no
    /// return; and a step that was reached stays reached.
    #[must_use]
    pub fn leads_to(&self, next: &Phase) -> bool {
        use Phase::{Armed, Destroying, Done, Staged, Switched, Trial};
        match (self, next) {
            (Staged | Trial { .. } | Armed { .. }, Staged | Trial { .. } | Armed { .. })
            | (Destroying { .. } | Switched, Switched)
            | (Switched | Done, Done) => true,
            // Only what was armed may destroy, and from its beginning.
            (Armed { .. }, Destroying { step, failures }) => (*step, *failures) == (0, 0),
            (Destroying { step: from, .. }, Destroying { step: to, .. }) => from <= to,
            _ => false,
        }
    }

    /// This phase when step `step` begins. Failures count from the highest step
    /// that was reached; other phases than [`Phase::Destroying`] have no steps.
    #[must_use]
    pub fn reached(self, step: u32) -> Phase {
        match self {
            Phase::Destroying { step: highest, .. } if step > highest => {
                Phase::Destroying { step, failures: 0 }
            }
            other => other,
        }
    }

    /// This phase after one more start, or one more failure, that led to no
    /// later phase.
    #[must_use]
    pub fn counted(self) -> Phase {
        match self {
            Phase::Trial { starts } => Phase::Trial {
                starts: starts.saturating_add(1),
            },
            Phase::Armed { starts } => Phase::Armed {
                starts: starts.saturating_add(1),
            },
            Phase::Destroying { step, failures } => Phase::Destroying {
                step,
                failures: failures.saturating_add(1),
            },
            other @ (Phase::Staged | Phase::Switched | Phase::Done) => other,
        }
    }

    /// Its number on the disk, and its own numbers.
    pub(super) fn encode(self) -> (u32, [u32; 2]) {
        match self {
            Phase::Staged => (1, [0, 0]),
            Phase::Trial { starts } => (2, [starts, 0]),
            Phase::Armed { starts } => (3, [starts, 0]),
            Phase::Destroying { step, failures } => (4, [step, failures]),
            Phase::Switched => (5, [0, 0]),
            Phase::Done => (6, [0, 0]),
        }
    }

    pub(super) fn decode(number: u32, counters: [u32; 2]) -> Option<Phase> {
        Some(match (number, counters) {
            (1, [0, 0]) => Phase::Staged,
            (2, [starts, 0]) => Phase::Trial { starts },
            (3, [starts, 0]) => Phase::Armed { starts },
            (4, [step, failures]) => Phase::Destroying { step, failures },
            (5, [0, 0]) => Phase::Switched,
            (6, [0, 0]) => Phase::Done,
            _ => return None,
        })
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Phase::Staged => f.write_str("staged"),
            Phase::Trial { starts } => write!(f, "trial, starts: {starts}"),
            Phase::Armed { starts } => write!(f, "armed, starts: {starts}"),
            Phase::Destroying { step, failures } => {
                write!(f, "destroying, step {step}, failures: {failures}")
            }
            Phase::Switched => f.write_str("switched"),
            Phase::Done => f.write_str("done"),
        }
    }
}
