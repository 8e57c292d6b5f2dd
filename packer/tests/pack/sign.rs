// SPDX-License-Identifier: MIT OR Apache-2.0
//! Signed packages, with minisign itself on the other side.

use super::bench::Bench;
use super::build::{OWN, bench};
use std::process::Command;

/// A key without a password; the number that minisign shows of it.
fn keys(bench: &Bench, name: &str) -> String {
    bench.shell(&format!(
        "minisign -G -W -p {name}.pub -s {name}.key >/dev/null
         sed -n 's/.* public key //p' {name}.pub | tr -d '\\n'"
    ))
}

#[test]
fn what_one_signs_the_other_verifies() {
    testkit::needs!("image", "minisign");
    let bench = bench();
    let said = bench.packs("keygen -W -p own.pub -s own.key");
    let own = said
        .split_whitespace()
        .filter_map(|word| word.strip_suffix(';'))
        .find(|word| word.len() > 8 && word.bytes().all(|byte| byte.is_ascii_hexdigit()));
    let own = own.unwrap().to_owned();
    assert_eq!(bench.shell("stat -c %a own.key own.pub"), "600\n644\n");
    bench.refuses("keygen -W -p new.pub -s own.key", "cannot make own.key: ");
    bench.shell("test ! -e new.pub");
    let vendor = keys(&bench, "vendor");
    for (name, id) in [("own", &own), ("vendor", &vendor)] {
        let said = bench.packs(&format!(
            "build new -o made {OWN} --name va --sign {name}.key"
        ));
        assert!(
            said.ends_with(&format!(" MiB, va, signed by {id}\n")),
            "{said}"
        );
        let listed = bench.shell("rm -rf out; mkdir out; tar -xf made -C out; tar -tf made");
        assert!(
            listed.starts_with("migration.toml\nmigration.toml.minisig\n"),
            "{listed}"
        );
        // Ours by minisign, prehashed (-H).
        let said = bench.shell(&format!("minisign -VH -p {name}.pub -m out/migration.toml"));
        assert!(said.contains("file:migration.toml\thashed"), "{said}");
        let said = bench.packs("inspect made");
        assert!(
            said.contains(&format!("  says that {id} signed it (timestamp:")),
            "{said}"
        );
        for package in ["made", "out"] {
            let said = bench.packs(&format!("verify {package} --trust {name}.pub"));
            let words = format!("{package}: signed by {id}: timestamp:");
            assert!(said.starts_with(&words), "{said}");
        }
        assert!(
            bench
                .packs("verify made")
                .contains("which was not verified")
        );
    }
    // Minisign takes a key of ours.
    bench.shell("minisign -S -s own.key -m out/migration.toml");
    bench.packs("verify out --trust own.pub");
    // Minisign's by us, of both kinds.
    for kind in ["", "-l"] {
        bench.shell(&format!(
            "minisign -S {kind} -s vendor.key -m out/migration.toml -t 'of us'"
        ));
        let said = bench.packs("verify out --trust own.pub --trust vendor.pub");
        assert!(
            said.starts_with(&format!("out: signed by {vendor}: of us\n")),
            "{said}"
        );
    }
    let json = bench.packs("inspect out --json");
    let words =
        format!("\"signature\":{{\"by\":\"{vendor}\",\"comment\":\"of us\",\"verified\":false}}");
    assert!(json.contains(&words), "{json}");
}

#[test]
fn what_the_key_has_not_signed_is_refused() {
    testkit::needs!("image", "minisign");
    let bench = bench();
    let vendor = keys(&bench, "vendor");
    let other = keys(&bench, "other");
    bench.packs(&format!(
        "build new -o made {OWN} --name va --sign vendor.key"
    ));
    bench.shell("mkdir out; tar -xf made -C out");
    let by_other = format!("is signed by {vendor}, and only what {other} signed is taken");
    bench.refuses("verify out --trust other.pub", &by_other);
    bench.refuses(
        "verify out --trust vendor.key",
        "vendor.key is a secret key; ",
    );
    bench.refuses("verify out --trust nothing", "nothing: No such file");
    bench.refuses(
        "verify out --trust out/replant",
        "out/replant is no public key of minisign",
    );
    // The 40th byte of the key's line, which stays one of its letters.
    bench.shell(
        "sed '2s/^\\(.\\{40\\}\\)\\(.\\)/\\1_\\2/; 2s/_A/B/; 2s/_./A/' vendor.pub >bent.pub",
    );
    bench.refuses("verify out --trust bent.pub", "migration.toml is not what ");
    for (spoil, words) in [
        (
            "sed -i 's/^name = \"va\"/name = \"vb\"/; /^# /d' migration.toml",
            "migration.toml is not what ",
        ),
        // The comment is signed, too.
        (
            "sed -i 's/hashed/Hashed/' migration.toml.minisig",
            "migration.toml is not what ",
        ),
        (
            "echo x >migration.toml.minisig",
            "is no signature of minisign",
        ),
        ("rm migration.toml.minisig", "the package is not signed "),
        (
            "printf x | dd of=va.tar.xz bs=1 seek=3000 conv=notrunc 2>&1",
            "va.tar.xz has the SHA-256 ",
        ),
        (
            "printf x | dd of=initramfs-convert.img bs=1 seek=3000 conv=notrunc 2>&1",
            "initramfs-convert.img has the SHA-256 ",
        ),
        ("touch setup.sh", "the signature says nothing of setup.sh, "),
        (
            "mkdir sub; touch sub/setup.sh",
            "the signature says nothing of sub, ",
        ),
    ] {
        bench.shell(&format!("rm -rf bad; cp -r out bad; cd bad; {spoil}"));
        bench.refuses("verify bad --trust vendor.pub", words);
    }
    // Without a key it is only said.
    bench.shell(
        "sed '2s/^\\(.\\{90\\}\\)\\(.\\)/\\1_\\2/; 2s/_A/B/; 2s/_./A/' vendor.key >bent.key",
    );
    bench.shell("rm out/migration.toml.minisig");
    assert!(bench.packs("verify out").starts_with("out: not signed\n"));
    assert!(bench.packs("inspect out").contains("  not signed\n"));
    for (key, words) in [
        (
            "vendor.pub",
            "vendor.pub: is a public key; --sign takes the secret one",
        ),
        ("init", "init: "),
        ("nothing", "nothing: No such file"),
        (
            "bent.key",
            "bent.key: migration.toml.minisig: what the key signs is not right",
        ),
    ] {
        bench.refuses(
            &format!("build new -o other {OWN} --name va --sign {key}"),
            words,
        );
    }
}

/// What unpacking would leave is what was verified.
#[test]
fn an_archive_has_each_file_once_and_nothing_but_files() {
    testkit::needs!("image");
    let bench = bench();
    bench.packs("keygen -W");
    bench.packs(&format!(
        "build new -o made {OWN} --name va --sign minisign.key"
    ));
    bench.shell("mkdir out; tar -xf made -C out; gzip -dc made >plain; cd out; ln -s /bin/sh x");
    for (add, words) in [
        (
            "out/migration.toml",
            "migration.toml is in the package twice",
        ),
        (
            "out/migration.toml.minisig",
            "migration.toml.minisig is in the package twice",
        ),
        ("out/replant", "replant is in the package twice"),
        ("out/x", "x is a link, a device, "),
    ] {
        let (dir, name) = add.split_once('/').unwrap();
        bench.shell(&format!(
            "cp plain bad; tar -rf bad -C {dir} {name}; gzip -f bad"
        ));
        bench.refuses("verify bad.gz --trust minisign.pub", words);
    }
}

#[test]
fn a_key_may_have_a_password() {
    testkit::needs!("image", "minisign", "time");
    let bench = bench();
    bench.shell(
        "printf 'open sesame\\nno more\\n' >word; printf 'open sesame\\nopen sesame\\n' |
         minisign -G -p theirs.pub -s theirs.key >/dev/null",
    );
    bench.shell("echo >empty");
    bench.refuses(
        "keygen -p own.pub -s own.key --password-file empty",
        "the password of the new key is empty",
    );
    bench.packs("keygen -p own.pub -s own.key --password-file word");
    let sign = |key: &str, set: fn(&mut Command)| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_replant-pack"));
        let line = format!("build new -o made {OWN} --name va --sign {key}");
        command.args(line.split(' ')).current_dir(bench.path("."));
        command.stdin(std::process::Stdio::null());
        set(&mut command);
        let out = command.output().unwrap();
        (out.status.success(), String::from_utf8(out.stderr).unwrap())
    };
    let (done, said) = sign("theirs.key", |c| {
        c.args(["--password-file", "word"]);
    });
    assert!(done, "{said}");
    bench.packs("verify made --trust theirs.pub");
    let (done, said) = sign("own.key", |c| {
        c.env("REPLANT_PACK_PASSWORD", "open sesam");
    });
    assert!(
        !done && said.contains("own.key: ") && said.contains("Wrong password"),
        "{said}"
    );
    let (done, said) = sign("own.key", |_| ());
    assert!(
        !done && said.contains("nobody to ask on standard input"),
        "{said}"
    );
    bench.shell("mkdir out; tar -xf made -C out; rm out/*.minisig; echo 'open sesame' | minisign -S -s own.key -m out/migration.toml >&2");
    bench.packs("verify out --trust own.pub");
}

/// The lines of the guide for a program that has minisign and a key.
fn four_lines() -> String {
    let guide = include_str!("../../../docs/guide.md");
    let mut blocks = guide
        .split("```")
        .filter(|block| block.contains("minisign -Vm"));
    let lines = blocks.next().unwrap().trim().to_owned();
    assert!(
        blocks.next().is_none() && lines.lines().count() == 4,
        "{lines}"
    );
    lines
}

#[test]
fn the_four_lines_of_the_guide_start_only_what_was_signed() {
    testkit::needs!("image", "minisign");
    let bench = bench();
    keys(&bench, "vendor");
    keys(&bench, "other");
    bench.shell("printf '#!/bin/sh\\necho started $*\\n' >start; chmod 755 start");
    bench.packs(&format!(
        "build new -o made {OWN} --name va --sign vendor.key"
    ));
    // What stands for replant can be started.
    bench.shell(
        "mkdir out; tar -xf made -C out; cp start out/replant; cd out
         old=$(tar -xOf ../made replant | sha256sum | cut -c1-64)
         sed -i \"s/$old/$(sha256sum <replant | cut -c1-64)/\" migration.toml
         minisign -S -s ../vendor.key -m migration.toml
         tar -czf ../migration.tar.gz *",
    );
    let lines = four_lines()
        .replace("/root/package", "unpacked")
        .replace("/etc/vendor.pub", "../KEY");
    let run = |key: &str, spoil: &str| {
        let lines = lines.replace("KEY", key);
        bench.shell(&format!(
            "rm -rf spoilt unpacked; cp -r out spoilt; cd spoilt; {spoil}
             tar -czf ../migration.tar.gz *; cd ..; ( {lines} ) 2>/dev/null || true"
        ))
    };
    let said = run("vendor.pub", "true");
    let started = "started stage --package . --trust ../vendor.pub --yes --json\n";
    assert!(said.ends_with(started), "{said}");
    for (key, spoil) in [
        ("other.pub", "true"),
        ("vendor.pub", "echo >>replant"),
        ("vendor.pub", "echo >>migration.toml"),
        ("vendor.pub", "rm migration.toml.minisig"),
        // What it leads to may be another program a moment later.
        ("vendor.pub", "mv replant ../real; ln -s ../real replant"),
    ] {
        let said = run(key, spoil);
        assert!(!said.contains("started"), "{key}, {spoil}: {said}");
    }
    // An archive that opens the directory to everybody.
    let lines = lines.replace("KEY", "vendor.pub");
    let said = bench.shell(&format!(
        "rm -rf unpacked; chmod 777 out; tar -czf migration.tar.gz -C out .
         ( {lines} ) 2>/dev/null; stat -c %a unpacked"
    ));
    assert!(said.ends_with(&format!("{started}700\n")), "{said}");
}
