// SPDX-License-Identifier: MIT OR Apache-2.0
//! Bad input: one clear line, a failure, and a disk that nobody wrote.
//!
//! The old machine boots once. In it, `replant` is given packages and
//! machines that it must refuse; at the end a good package is staged. Copies
//! of that disk then start the tiny system, each with something wrong; the last
//! one has its disks change their names.

mod old;
mod swapped;
mod tiny;

use harness::migration::Machine;

#[test]
fn bad_input_is_refused_and_changes_nothing() {
    let machine = Machine::new();
    old::refuses(&machine);
    tiny::refuses(&machine);
    swapped::is_told_apart(&machine);
}

/// What a refusal must say; every word of it in one line.
fn assert_says(name: &str, line: &str, words: &[&str]) {
    for word in words {
        assert!(line.contains(word), "{name}: no {word:?} in: {line}");
    }
}
