// SPDX-License-Identifier: MIT OR Apache-2.0
//! Our grubenv against the installed grub-editenv, byte for byte.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests"
)]

mod support;

use std::fs;

use ondisk::grub::{Env, EnvError};
use support::{Random, run, succeed};

#[test]
fn files_are_those_of_grub_editenv() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("grubenv");
    let file = path.to_str().unwrap();
    succeed("grub-editenv", &[file, "create"]);
    let mut env = Env::new();
    assert!(
        env.encode() == fs::read(&path).unwrap(),
        "a new file differs"
    );

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
    let mut full = 0;
    for step in 0..400 {
        let name = names[random.below(5) as usize];
        let what = format!("step {step}: {name}");
        if random.below(4) == 0 {
            succeed("grub-editenv", &[file, "unset", name]);
            env.unset(name);
        } else {
            let mut value = values[random.below(8) as usize].to_owned();
            if random.below(4) == 0 {
                value = value.repeat(1 + random.below(80) as usize);
            }
            let status = run("grub-editenv", &[file, "set", &format!("{name}={value}")]).status;
            match env.set(name, &value) {
                Ok(()) => {
                    assert!(status.success(), "{what}");
                    assert_eq!(env.get(name), Some(value));
                }
                Err(EnvError::Full { .. }) => {
                    assert!(!status.success(), "{what}");
                    full += 1;
                }
                Err(other) => panic!("{what}: {other}"),
            }
        }
        let theirs = fs::read(&path).unwrap();
        assert!(env.encode() == theirs, "{what}");
        assert_eq!(Env::parse(&theirs).unwrap(), env, "{what}");
    }
    assert!(full > 5, "the file was full only {full} times");
}

#[test]
fn grub_editenv_lists_what_we_wrote() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("grubenv");
    let mut env = Env::new();
    env.set("next_entry", "replant").unwrap();
    env.set("saved_entry", "a\\b").unwrap();
    fs::write(&path, env.encode()).unwrap();
    let list = succeed("grub-editenv", &[path.to_str().unwrap(), "list"]);
    assert_eq!(list, "next_entry=replant\nsaved_entry=a\\b\n");
}
