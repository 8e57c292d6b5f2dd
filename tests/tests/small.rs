// SPDX-License-Identifier: MIT OR Apache-2.0
//! A whole migration of the small machine, with 512 MiB of RAM.

use harness::recorded::recorded_small;
use harness::small::{End, Remains, Small};

#[test]
fn the_small_machine_becomes_the_new_one() {
    let recorded = recorded_small();
    let (staged, migrated) = (recorded.staged(), recorded.migrated());
    let remains = Remains::of(&staged);
    assert_ne!(remains.on(&staged), [""; 0]);
    let end = End::of(&Small::with(&migrated), &remains);
    assert_eq!(end.by_unit, None);
}
