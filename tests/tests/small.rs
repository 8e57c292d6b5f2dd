// SPDX-License-Identifier: MIT OR Apache-2.0
//! A whole migration of the small machine at level `resume`.

use harness::small::{End, IN_PLACE, Remains, Small, tail};

#[test]
fn the_small_machine_becomes_the_new_one() {
    let machine = Small::new();
    let staged = machine.stage();
    let remains = Remains::of(&machine.disk);
    assert_ne!(remains.on(&machine.disk), [""; 0]);
    let armed = machine.boot();
    let migrated = machine.boot();
    for (boot, said) in [(&armed, "by replant's loader"), (&migrated, IN_PLACE)] {
        assert!(
            boot.console.contains(said),
            "no {said:?}: {}",
            tail(&boot.console)
        );
    }
    let end = End::of(&machine, &remains);
    assert_eq!(end.by_unit, None);
    let took = [&staged, &armed, &migrated].map(|boot| boot.took.as_secs());
    println!(
        "seconds: staging {}, arming {}, migrating {}",
        took[0], took[1], took[2]
    );
}
