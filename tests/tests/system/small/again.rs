// SPDX-License-Identifier: MIT OR Apache-2.0
//! The package is staged, taken back, and staged again: what the first staging
//! left in free blocks of the disk must not be taken for the second one.

use harness::small::{End, IN_PLACE, Small, ended, tail};
use harness::vm::Bus;

const SCRIPT: &str = "cd /mnt/package
stage() { ./replant stage --package . --yes --protection resume; }
stage && ./replant revert && stage && stage && echo @staged@
";

#[test]
fn the_last_staging_counts() {
    let machine = Small::new();
    let medium = machine.medium(&Small::package(), SCRIPT, &[]);
    let boot = ended(machine.vm().disk(&medium, Bus::Virtio).start());
    let context = || format!("{}\n{}", boot.said, tail(&boot.console));
    assert!(boot.said.contains("@staged@"), "{}", context());
    for said in ["by replant's loader", IN_PLACE] {
        let console = machine.boot().console;
        assert!(console.contains(said), "no {said:?}: {}", tail(&console));
    }
    End::of(&machine, None);
}
