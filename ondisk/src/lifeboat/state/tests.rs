// SPDX-License-Identifier: MIT OR Apache-2.0
//! States written in turn, cut off, and damaged.

use super::*;
use crate::lifeboat::{Role, Twin};

const ID: Id = Id(*b"0123456789abcdef");
const OTHER: Id = Id(*b"0123456789abcdeF");
/// One state of each phase, as a few lines of Python made them.
const GOLDEN: &[u8] = include_bytes!("../../../tests/fixtures/lifeboat/states.bin");
const PHASES: [Phase; 6] = [
    Phase::Staged,
    Phase::Trial { starts: 2 },
    Phase::Armed { starts: 0 },
    Phase::Destroying {
        step: 0,
        failures: 0,
    },
    Phase::Switched,
    Phase::Done,
];

fn state(generation: u64, phase: Phase) -> State {
    State {
        id: ID,
        generation,
        phase,
    }
}

/// The block with a right checksum, after a change.
fn changed(change: impl Fn(&mut [u8; BYTES])) -> [u8; BYTES] {
    let mut block = state(9, Phase::Trial { starts: 1 }).encode();
    change(&mut block);
    let sum = crate::checksum::crc32(&block[..SUM]).to_le_bytes();
    block[SUM..].copy_from_slice(&sum);
    block
}

#[test]
fn what_was_written_is_read() {
    for phase in PHASES.into_iter().chain([Phase::Destroying {
        step: u32::MAX,
        failures: 3,
    }]) {
        for generation in [0, 1, u64::from(u32::MAX) + 2, u64::MAX] {
            let state = state(generation, phase);
            assert_eq!(State::decode(&state.encode(), &ID), Ok(state));
        }
    }
}

#[test]
fn what_is_no_state_is_told_apart() {
    let decode = |block: &[u8]| State::decode(block, &ID).unwrap_err();
    let block = state(9, Phase::Staged).encode();
    assert_eq!(decode(&block[1..]), StateError::Length { have: 4095 });
    let long = [&block[..], &[0]].concat();
    assert_eq!(decode(&long), StateError::Length { have: 4097 });
    assert_eq!(decode(&[0; BYTES]), StateError::NoMagic);
    let filler = Filler::block(&ID, Role::State(Twin::A), 1);
    assert_eq!(
        decode(&filler),
        StateError::Filler(Filler {
            id: ID,
            role: Role::State(Twin::A),
            sector: 8
        })
    );
    let foreign = State::decode(&block, &OTHER).unwrap_err();
    let (found, want) = (ID, OTHER);
    assert_eq!(foreign, StateError::Foreign { found, want });
    let newer = changed(|b| b[16] = 2);
    assert_eq!(decode(&newer), StateError::Version { found: 2 });
    for (at, value) in [(56, 1), (SUM - 1, 0xff)] {
        let odd = changed(|b| b[at] = value);
        assert_eq!(decode(&odd), StateError::Unused { at, value });
    }
    for (number, counters) in [
        (0, [0; 2]),
        (7, [0; 2]),
        (1, [1, 0]),
        (2, [1, 1]),
        (6, [0, 1]),
    ] {
        let odd = changed(|b| {
            b[20] = number as u8;
            b[COUNTERS] = counters[0];
            b[COUNTERS + 4] = counters[1];
        });
        let [first, second] = counters.map(u32::from);
        let want = StateError::Phase {
            number,
            first,
            second,
        };
        assert_eq!(decode(&odd), want);
    }
}

#[test]
fn the_bytes_are_those_of_the_layout() {
    let id: Id = "a0a1a2a3a4a5a6a7a8a9aaabacadaeaf".parse().unwrap();
    assert_eq!(GOLDEN.len(), PHASES.len() * BYTES);
    for ((phase, block), generation) in PHASES.into_iter().zip(GOLDEN.chunks(BYTES)).zip(1..) {
        let (step, failures) = (7, 2);
        let phase = match phase {
            Phase::Trial { .. } => Phase::Trial { starts: 3 },
            Phase::Armed { .. } => Phase::Armed { starts: 1 },
            Phase::Destroying { .. } => Phase::Destroying { step, failures },
            without_numbers => without_numbers,
        };
        let generation = (1 << 32) + generation;
        let state = State {
            id,
            generation,
            phase,
        };
        assert_eq!(State::decode(block, &id), Ok(state));
        assert!(state.encode() == *block, "{phase}");
    }
}

/// A write of which only some sectors arrived, over any other block.
#[test]
fn a_torn_block_is_never_a_state() {
    let new = state(8, Phase::Armed { starts: 0 }).encode();
    let old = [
        [0; BYTES],
        Filler::block(&ID, Role::State(Twin::A), 0),
        state(6, Phase::Staged).encode(),
        State {
            id: OTHER,
            ..state(8, Phase::Done)
        }
        .encode(),
    ];
    for old in old {
        for arrived in 0..256u32 {
            let mut block = old;
            for sector in (0..8).filter(|sector| arrived >> sector & 1 == 1) {
                let bytes = sector * 512..(sector + 1) * 512;
                block[bytes.clone()].copy_from_slice(&new[bytes]);
            }
            let read = State::decode(&block, &ID);
            if block == new {
                assert!(read.is_ok());
            } else if block == old {
                assert_eq!(read, State::decode(&old, &ID));
            } else {
                assert!(read.is_err(), "{arrived:08b}: {read:?}");
            }
        }
    }
    for bit in 0..BYTES * 8 {
        let mut block = new;
        block[bit / 8] ^= 1 << (bit % 8);
        assert!(State::decode(&block, &ID).is_err(), "bit {bit}");
    }
}

#[test]
fn the_highest_generation_counts_and_the_other_copy_is_written_next() {
    let read = |a: &State, b: &State| newest([&a.encode(), &b.encode()], &ID);
    let (old, new) = (
        state(4, Phase::Staged),
        state(5, Phase::Armed { starts: 0 }),
    );
    let counts = |state, next| {
        let damage = None;
        Ok(Newest {
            state,
            next,
            damage,
        })
    };
    assert_eq!(read(&old, &new), counts(new, Twin::A));
    assert_eq!(read(&new, &old), counts(new, Twin::B));
    // As stage writes them.
    assert_eq!(read(&old, &old), counts(old, Twin::B));
    let odd = State {
        phase: Phase::Done,
        ..new
    };
    assert_eq!(
        read(&new, &odd),
        Err(NoState::Contradiction {
            generation: 5,
            a: new,
            b: odd
        })
    );
    // A foreign copy is not compared, whatever its number.
    let foreign = State {
        id: OTHER,
        ..state(77, Phase::Done)
    };
    let got = read(&foreign, &old).unwrap();
    assert_eq!((got.state, got.next), (old, Twin::A));
    assert!(matches!(got.damage, Some(StateError::Foreign { .. })));
    let mut torn = new.encode();
    torn[512] = 1;
    let got = newest([&old.encode(), &torn], &ID).unwrap();
    assert_eq!((got.state, got.next), (old, Twin::B));
    assert!(matches!(got.damage, Some(StateError::Torn { .. })));
    let neither = newest([&torn, &[0; BYTES]], &ID).unwrap_err();
    let NoState::Neither { a, b } = neither else {
        panic!("{neither}");
    };
    assert!(matches!(a, StateError::Torn { .. }));
    assert_eq!(b, StateError::NoMagic);
}

/// Both copies, as many writes in turn as a migration has, each cut off at any
/// of its sectors: what is read is the state before or the new one.
#[test]
fn a_write_that_is_cut_off_loses_no_state() {
    let mut current = State::staged(ID);
    let mut disk = [current.encode(), current.encode()];
    let phases = PHASES.into_iter().chain((0..5).map(|_| Phase::Done));
    for phase in phases {
        let read = newest([&disk[0], &disk[1]], &ID).unwrap();
        assert_eq!(read.state, current);
        let next = current.next(phase).unwrap();
        let at = match read.next {
            Twin::A => 0,
            Twin::B => 1,
        };
        for arrived in 0..256u32 {
            let mut cut = disk;
            for sector in (0..8).filter(|sector| arrived >> sector & 1 == 1) {
                let bytes = sector * 512..(sector + 1) * 512;
                cut[at][bytes.clone()].copy_from_slice(&next.encode()[bytes]);
            }
            let read = newest([&cut[0], &cut[1]], &ID).unwrap();
            assert!([current, next].contains(&read.state));
        }
        disk[at] = next.encode();
        current = next;
    }
    assert_eq!(current.generation, 12);
}

#[test]
fn no_way_leads_back_over_the_point_of_no_return() {
    // Row: from; column: to.
    let allowed = [
        [1, 1, 1, 0, 0, 0],
        [1, 1, 1, 0, 0, 0],
        [1, 1, 1, 1, 0, 0],
        [0, 0, 0, 1, 1, 0],
        [0, 0, 0, 0, 1, 1],
        [0, 0, 0, 0, 0, 1],
    ];
    for (from, row) in PHASES.into_iter().zip(allowed) {
        for (to, allowed) in PHASES.into_iter().zip(row) {
            let next = state(1, from).next(to);
            assert_eq!(next.is_ok(), allowed == 1, "{from} to {to}");
        }
    }
    let step = |step, failures| Phase::Destroying { step, failures };
    assert!(state(1, step(4, 0)).next(step(3, 0)).is_err());
    assert!(state(1, step(4, 0)).next(step(4, 1)).is_ok());
    assert!(state(1, PHASES[2]).next(step(0, 1)).is_err());
    let error = state(1, PHASES[2]).next(step(1, 0)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "a migration that is \"armed, starts: 0\" cannot become \"destroying, step 1, failures: 0\""
    );
    let last = state(u64::MAX, Phase::Staged).next(Phase::Staged);
    assert_eq!(last, Err(StateError::LastGeneration(u64::MAX)));
}

#[test]
fn failures_count_from_the_highest_step() {
    let step = |step, failures| Phase::Destroying { step, failures };
    let mut phase = step(0, 0);
    for (event, want) in [
        (None, step(0, 1)),
        (Some(0), step(0, 1)),
        (Some(2), step(2, 0)),
        (None, step(2, 1)),
        // A resume begins again, and gets no further.
        (Some(0), step(2, 1)),
        (Some(2), step(2, 1)),
        (None, step(2, 2)),
        (Some(3), step(3, 0)),
    ] {
        phase = event.map_or(phase.counted(), |step| phase.reached(step));
        assert_eq!(phase, want);
    }
    assert_eq!(step(1, u32::MAX).counted(), step(1, u32::MAX));
    for phase in [Phase::Staged, Phase::Switched, Phase::Done] {
        assert_eq!(phase.reached(9).counted(), phase);
    }
    for start in [
        |starts| Phase::Trial { starts },
        |starts| Phase::Armed { starts },
    ] {
        assert_eq!(start(1).counted(), start(2));
        assert_eq!(start(1).reached(9), start(1));
        assert_eq!(start(u32::MAX).counted(), start(u32::MAX));
    }
}

#[test]
fn what_is_said() {
    let decode = |block: &[u8], id: &Id| State::decode(block, id).unwrap_err().to_string();
    let block = state(9, Phase::Staged).encode();
    let mut torn = block;
    torn[SUM..].fill(0);
    let sum = crate::checksum::crc32(&block[..SUM]);
    let filler = Filler::block(&OTHER, Role::State(Twin::B), 1);
    for (said, want) in [
        (decode(&[], &ID), "a state has 4096 bytes, 0 were read"),
        (
            decode(&filler, &ID),
            "no state was written here yet: there is sector 8 of state B of staging \
             30313233343536373839616263646546",
        ),
        (decode(&[0; BYTES], &ID), "there is no state here"),
        (
            decode(&torn, &ID),
            &format!("the state is damaged: checksum 00000000, computed {sum:08x}"),
        ),
        (
            decode(&changed(|b| b[16] = 7), &ID),
            "the state has version 7, this replant knows version 1",
        ),
        (
            decode(&block, &OTHER),
            "the state is that of staging 30313233343536373839616263646566, not of \
             30313233343536373839616263646546",
        ),
        (
            decode(&changed(|b| b[20] = 5), &ID),
            "the state has phase 5 with 1 and 0, which does not exist",
        ),
        (
            decode(&changed(|b| b[60] = 0xa), &ID),
            "the state has 0x0a at byte 60, where nothing is",
        ),
        (
            StateError::LastGeneration(7).to_string(),
            "the state has been written 7 times, there is no higher number",
        ),
    ] {
        assert_eq!(said, want);
    }
}
