// SPDX-License-Identifier: MIT OR Apache-2.0
//! `check` where keys are installed; `stage` makes the same checks, but first of
//! all looks at the first sector of this machine's disk.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::Path;
use std::process::Command;
use testkit::SigningKey;

const REPLANT: &str = env!("CARGO_BIN_EXE_replant");

/// What a command says on a machine whose /etc has these keys and nothing else,
/// behind a mount of its own.
fn say(keys: &Path, arguments: &[&str]) -> String {
    let script = "mount -t tmpfs none /etc; mkdir -p /etc/replant; cp -r \"$1\" /etc/replant/trusted-keys; \
                  shift; \"$@\" 2>&1; echo \"exit status $?\"";
    let mut command = Command::new("unshare");
    command.args([
        "--mount",
        "--propagation",
        "private",
        "sh",
        "-uc",
        script,
        "sh",
    ]);
    command.arg(keys).arg(REPLANT).args(arguments);
    testkit::run(&mut command)
}

#[test]
fn only_a_package_that_an_installed_or_a_named_key_signed_is_looked_at() {
    testkit::needs!("root", "unshare");
    let dir = tempfile::tempdir().unwrap();
    let [keys, package, named] = ["keys", "package", "named.pub"].map(|name| dir.path().join(name));
    std::fs::create_dir(&keys).unwrap();
    std::fs::create_dir(&package).unwrap();
    let (vendor, other) = (SigningKey::new(), SigningKey::new());
    let text = testkit::manifest();
    std::fs::write(package.join("migration.toml"), &text).unwrap();
    std::fs::write(&named, other.public()).unwrap();
    let [at, named] = [&package, &named].map(|path| path.to_str().unwrap());
    let check = ["check", "--json", "--package", at];
    let trust = ["check", "--json", "--package", at, "--trust", named];
    // What comes behind the signature.
    let looked = "has no va.sgdisk";
    let row = |state: &str, found: &str| {
        format!("\"check\":\"signature\",\"state\":\"{state}\",\"found\":\"{found}")
    };

    let said = say(&keys, &check);
    assert!(
        said.contains("the package is not signed, and no key") && said.contains(looked),
        "{said}"
    );
    std::fs::write(keys.join("vendor.pub"), vendor.public()).unwrap();
    let said = say(&keys, &check);
    assert!(
        said.contains("the package is not signed (it has no "),
        "{said}"
    );
    assert!(
        !said.contains(looked) && said.ends_with("exit status 2\n"),
        "{said}"
    );
    std::fs::write(
        package.join("migration.toml.minisig"),
        other.sign(text.as_bytes()),
    )
    .unwrap();
    let said = say(&keys, &check);
    let words = format!("the package is signed by {}, and only", other.id());
    assert!(
        said.contains(&row("refused", &words)) && !said.contains(looked),
        "{said}"
    );
    let said = say(&keys, &trust);
    let words = format!("signed by {}: ", other.id());
    assert!(
        said.contains(&row("ok", &words)) && said.contains(looked),
        "{said}"
    );
    std::fs::write(keys.join("bad.pub"), "x\n").unwrap();
    for command in [&check[..], &trust] {
        let said = say(&keys, command);
        let words = "/etc/replant/trusted-keys/bad.pub is no public key of minisign";
        assert!(said.contains(words) && !said.contains(looked), "{said}");
    }
}
