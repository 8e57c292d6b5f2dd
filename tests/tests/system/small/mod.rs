// SPDX-License-Identifier: MIT OR Apache-2.0
//! Whole migrations of the small machine.

mod again;
mod big;
mod firmware;
mod grubenv;
mod hardware;
mod killed;
mod pace;

use harness::cache;
use harness::migration::{steps, were_shown};
use harness::product::bundle;
use harness::recorded::recorded_small;
use harness::small::{End, IN_PLACE, Remains, Small, tail};
use testkit::tool;

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

/// The package leaves the second proof out: GRUB has started the loader, and
/// that is enough.
#[test]
#[ignore = "make crash"]
fn without_the_second_proof() {
    let machine = Small::new();
    let captured = machine.directory().join("captured");
    let new = cache::make("small.sh", &["new"]);
    tool(
        "cp",
        &[
            "-r",
            new.to_str().expect("UTF-8"),
            captured.to_str().expect("UTF-8"),
        ],
    );
    let layout = captured.join("layout.toml");
    let text = std::fs::read_to_string(&layout).expect("layout.toml");
    std::fs::write(&layout, format!("proof_boot = false\n{text}")).expect("layout.toml");
    machine.stage_package(&bundle("small-package", &captured), "resume");
    let remains = Remains::of(&machine.disk);
    let console = machine.boot().console;
    assert!(console.contains(IN_PLACE), "{}", tail(&console));
    were_shown(&console, &steps(true));
    End::of(&machine, Some(&remains));
}
