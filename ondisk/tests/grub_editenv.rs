// SPDX-License-Identifier: MIT OR Apache-2.0
//! grubenv as the installed grub-editenv writes it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests"
)]

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;

use ondisk::grub::Env;
use testkit::{Random, output, tool};

#[test]
fn what_grub_editenv_writes_is_read_and_written_alike() {
    testkit::needs!("grub-editenv");
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("grubenv");
    let file = path.to_str().unwrap();
    tool("grub-editenv", &[file, "create"]);
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
    let mut ours = Env::parse(&fs::read(&path).unwrap()).unwrap();
    for step in 0..400 {
        let name = names[random.below(5)];
        if random.below(4) == 0 {
            tool("grub-editenv", &[file, "unset", name]);
            ours.unset(name);
            wanted.remove(name);
        } else {
            let mut value = values[random.below(8)].to_owned();
            if random.below(4) == 0 {
                value = value.repeat(1 + random.below(80));
            }
            let set = output(Command::new("grub-editenv").args([
                file,
                "set",
                &format!("{name}={value}"),
            ]));
            assert_eq!(ours.set(name, &value).is_ok(), set.status.success());
            if set.status.success() {
                wanted.insert(name, value);
            } else {
                full += 1;
            }
        }
        let bytes = fs::read(&path).unwrap();
        let env = Env::parse(&bytes).unwrap();
        assert_eq!(ours.bytes(), bytes, "step {step}");
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
