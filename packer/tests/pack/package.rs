// SPDX-License-Identifier: MIT OR Apache-2.0
//! `replant-pack inspect` and `verify` on packages, whole and spoilt.

use super::bench::kernel;
use super::build::{OWN, bench};

#[test]
fn a_package_is_described_and_judged() {
    testkit::needs!("image");
    let bench = bench();
    bench.packs(&format!(
        "build new -o made {OWN} --name va --appliance-version 9"
    ));
    let text = bench.packs("inspect made");
    let version = &kernel().version;
    for words in [
        "package va 9 (format 1)\n",
        &format!("  kernel {version}, "),
        "  takes the rest\n",
        "protection: what the machine can have\n",
        "  /                partition 2      ext4 ",
    ] {
        assert!(text.contains(words), "{words}: {text}");
    }
    // JSON that another program reads, packed or not.
    bench.shell("mkdir out; tar -xf made -C out");
    let json = bench.packs("inspect out --json");
    assert_eq!(json, bench.packs("inspect made --json"));
    std::fs::write(bench.path("json"), &json).unwrap();
    let said = bench.shell(
        "python3 -c 'import json; o=json.load(open(\"json\")); print(o[\"kernel\"], o[\"files\"][0][\"name\"], o[\"filesystems\"][0][\"label\"], \"dm_mod\" in o[\"modules\"], o[\"requires\"][\"memory\"] > 300 << 20)'",
    );
    assert_eq!(said, format!("{version} va.sgdisk top True True\n"));

    for package in ["made", "out"] {
        let said = bench.packs(&format!("verify {package}"));
        assert!(said.contains(": va 9 is whole, "), "{said}");
    }
    for (spoil, words) in [
        ("printf x >>va.tar.xz", "va.tar.xz has "),
        (
            "printf x | dd of=va.tar.xz bs=1 seek=3000 conv=notrunc 2>&1",
            "va.tar.xz has the SHA-256 ",
        ),
        (
            "rm vmlinuz-convert",
            "has no vmlinuz-convert, which its migration.toml names",
        ),
        (
            "sed -i s/va/vb/ migration.toml",
            "migration.toml is not as replant-pack wrote it",
        ),
        (
            "rm migration.toml",
            "no migration.toml in it; is it a package?",
        ),
    ] {
        bench.shell(&format!("rm -rf bad; cp -r out bad; cd bad; {spoil}"));
        bench.refuses("verify bad", words);
    }
    bench.shell("head -c -20000 made >cut; cp out/vmlinuz-convert other");
    bench.refuses("verify cut", "is all of it there?");
    bench.refuses("verify other", "is it a package");
}

#[test]
fn what_check_would_refuse_verify_refuses() {
    testkit::needs!("image");
    let bench = bench();
    bench.packs(&format!("build new -o made {OWN} --name va"));
    // By hand, with another payload and the right sums.
    bench.shell("mkdir out; tar -xf made -C out; sed -i '/^# /d' out/migration.toml");
    let spoil = |change: &str| {
        bench.shell(&format!(
            "rm -rf bad bent; cp -r out bad; cp -a new bent; {change}
             tar --xattrs --xattrs-include='*' -cJf bad/va.tar.xz -C bent .; cd bad
             old=$(sed -n '/\"va.tar.xz\"/,/sha256/s/^sha256 = \"\\(.*\\)\"/\\1/p' migration.toml)
             size=$(sed -n '/\"va.tar.xz\"/,/sha256/s/^size = //p' migration.toml)
             sed -i \"s/$old/$(sha256sum va.tar.xz | cut -d' ' -f1)/; s/^size = $size\\$/size = $(stat -c %s va.tar.xz)/\" migration.toml"
        ));
        bench.fails("verify bad")
    };
    let text = spoil("rm bent/usr/sbin/grub-mkconfig");
    assert!(
        text.contains("va.tar.xz: ") && text.contains("grub-mkconfig"),
        "{text}"
    );
    let text = spoil("touch bent/one-more");
    assert!(
        text.contains("migration.toml says that the payload has "),
        "{text}"
    );
}
