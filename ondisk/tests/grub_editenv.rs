// SPDX-License-Identifier: MIT OR Apache-2.0
//! grubenv as the installed grub-editenv writes it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests"
)]

mod support;

use std::collections::BTreeMap;
use std::fs;

use ondisk::grub::Env;
use support::{Random, run, succeed};

#[test]
fn what_grub_editenv_writes_is_read() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("grubenv");
    let file = path.to_str().unwrap();
    succeed("grub-editenv", &[file, "create"]);
    let names = [
        "saved_entry",
        "next_entry",
        "kernelopts",
        "boot_success",
        "x",
    ];
    let values = [
        "",
        "0",
        "Debian GNU/Linux",
        "a=b c",
        "back\\slash",
        "two\nlines",
        "#",
        "größe",
    ];
    let mut random = Random(0xe4f);
    let mut wanted = BTreeMap::new();
    let mut full = 0;
    for step in 0..400 {
        let name = names[random.below(5) as usize];
        if random.below(4) == 0 {
            succeed("grub-editenv", &[file, "unset", name]);
            wanted.remove(name);
        } else {
            let mut value = values[random.below(8) as usize].to_owned();
            if random.below(4) == 0 {
                value = value.repeat(1 + random.below(80) as usize);
            }
            let set = run("grub-editenv", &[file, "set", &format!("{name}={value}")]);
            if set.status.success() {
                wanted.insert(name, value);
            } else {
                full += 1;
            }
        }
        let env = Env::parse(&fs::read(&path).unwrap()).unwrap();
        for name in names {
            assert_eq!(
                env.get(name).as_ref(),
                wanted.get(name),
                "step {step}: {name}"
            );
        }
    }
    assert!(full > 5, "the file was full only {full} times");
}
