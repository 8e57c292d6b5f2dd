// SPDX-License-Identifier: MIT OR Apache-2.0
//! Whole migrations of the small machine.

use harness::migration::{steps, were_shown};
use harness::recorded::recorded_small;
use harness::small::{End, IN_PLACE, Remains, Small, tail};

/// With 512 MiB of RAM.
#[test]
fn the_small_machine_becomes_the_new_one() {
    let recorded = recorded_small();
    let (staged, migrated) = (recorded.staged(), recorded.migrated());
    let remains = Remains::of(&staged);
    assert_ne!(remains.on(&staged), [""; 0]);
    let end = End::of(&Small::with(&migrated), Some(&remains));
    assert_eq!(end.by_unit, None);
}

/// Level `none`: the payload goes through RAM, and GRUB is installed by its
/// own program.
#[test]
fn without_protection() {
    let machine = Small::new().memory(1024);
    machine.stage("none");
    let console = machine.boot().console;
    assert!(console.contains(IN_PLACE), "{}", tail(&console));
    were_shown(&console, &steps(false));
    assert!(console.contains("Do not switch off"));
    let end = End::of(&machine, None);
    assert_eq!(end.by_unit, None);
}
