// SPDX-License-Identifier: MIT OR Apache-2.0
use ondisk::lifeboat::state::{Phase, State};
use ondisk::lifeboat::{Filler, Id, Role, Stream, Twin};

const ID: &str = "a0a1a2a3a4a5a6a7a8a9aaabacadaeaf";

#[test]
fn states() {
    let id: Id = ID.parse().unwrap();
    let golden = include_bytes!("../fixtures/lifeboat/states.bin");
    let phases = [
        Phase::Staged,
        Phase::Trial { starts: 3 },
        Phase::Armed { starts: 1 },
        Phase::Destroying {
            step: 7,
            failures: 2,
        },
        Phase::Switched,
        Phase::Done,
    ];
    assert_eq!(golden.len(), phases.len() * 4096);
    for ((phase, block), generation) in phases.into_iter().zip(golden.chunks(4096)).zip(1..) {
        let state = State {
            id,
            generation: (1 << 32) + generation,
            phase,
        };
        assert_eq!(State::decode(block, &id), Ok(state));
        assert!(state.encode() == *block, "{phase}");
    }
}

#[test]
fn filler() {
    let id: Id = ID.parse().unwrap();
    let golden = include_bytes!("../fixtures/lifeboat/filler.bin");
    let (state, record) = golden.split_at(4096);
    assert!(Filler::block(&id, Role::State(Twin::B), 5) == *state);
    assert!(Filler::block(&id, Role::Record(Twin::A), 0) == *record);
}

#[test]
fn stream() {
    let golden = include_bytes!("../fixtures/lifeboat/stream.bin");
    let mut seed = [0; 32];
    seed.iter_mut().zip(0..).for_each(|(byte, n)| *byte = n);
    let mut bytes = [0; 128];
    Stream::new(seed).fill(&mut bytes);
    assert_eq!(bytes, *golden);
}
