// SPDX-License-Identifier: MIT OR Apache-2.0
//! A payload that is three times as big as the machine's RAM.

use harness::cache;
use harness::product::{bundle, copy_disk};
use harness::small::{End, IN_PLACE, Remains, Small, tail};
use std::path::Path;
use testkit::tool;

/// The small machine's new system, with 1.5 GiB that cannot be compressed.
fn captured(to: &Path) {
    let new = cache::make("small.sh", &["new"]);
    let script = format!(
        "cp -r {new} {to}; cd {to}; mkdir tree
         tar -C tree --xattrs --xattrs-include='*' -xpJf va.tar.xz
         head -c 1536M /dev/urandom >tree/usr/share/big
         tar -C tree --numeric-owner --xattrs --xattrs-include='*' -c . | xz -T0 -0 >va.tar.xz
         rm -r tree",
        new = new.display(),
        to = to.display(),
    );
    tool("sh", &["-ec", &script]);
}

#[test]
#[ignore = "make crash"]
fn it_is_migrated_with_512_mib() {
    let machine = Small::empty();
    copy_disk(&cache::make("small.sh", &["old", "6144"]), &machine.disk);
    let to = machine.directory().join("captured");
    captured(&to);
    machine.stage_package(&bundle("small-package", &to), "resume");
    let remains = Remains::of(&machine.disk);
    for said in ["by replant's loader", IN_PLACE] {
        let console = machine.boot().console;
        assert!(console.contains(said), "no {said:?}: {}", tail(&console));
    }
    End::of(&machine, Some(&remains));
}
