// SPDX-License-Identifier: MIT OR Apache-2.0
//! A manifest, and everything that can be wrong with one.

use super::*;
const SUM: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/// The seed's layout, as a person would write it.
fn seed() -> String {
    include_str!("../../tests/fixtures/manifest/migration.toml").to_owned()
}

#[test]
fn reads_what_a_person_writes_and_reads_back_what_it_writes() {
    let manifest = Manifest::parse(&seed()).unwrap();
    let group = &manifest.volume_groups[0];
    assert_eq!(group.extent_size, Size::Bytes(4 << 20));
    assert_eq!(group.volumes[1].size, Size::Rest);
    assert!(manifest.table.grow_last);
    assert!(!manifest.identity.hostname);
    let boot = manifest.filesystem("/boot").unwrap();
    assert_eq!(boot.device(), Some(Device::Partition(2)));
    assert_eq!(
        boot.uuid_bytes().unwrap()[..5],
        [0x11, 0x11, 0x11, 0x11, 0x22]
    );
    let order: Vec<_> = manifest
        .mount_order()
        .iter()
        .map(|f| f.mount.as_str())
        .collect();
    assert_eq!(order, ["/", "/boot", "/data"]);
    assert_eq!(
        Manifest::parse(&manifest.encode().unwrap()).unwrap(),
        manifest
    );
}

#[test]
fn the_boot_that_proves_the_loader_is_left_out_only_where_it_is_said() {
    let parse = |line: &str| {
        let format = format!("format = 1\n{line}");
        Manifest::parse(&seed().replace("format = 1", &format)).unwrap()
    };
    assert!(parse("").has_proof_boot());
    assert!(parse("proof_boot = true").has_proof_boot());
    let without = parse("proof_boot = false");
    assert!(!without.has_proof_boot());
    assert_eq!(
        Manifest::parse(&without.encode().unwrap()).unwrap(),
        without
    );
}

#[test]
fn a_processor_can_be_demanded() {
    let parse = |line: &str| Manifest::parse(&format!("{}\n[requires]\n{line}\n", seed()));
    assert_eq!(
        Manifest::parse(&seed()).unwrap().requires,
        Requires::default()
    );
    for level in [Level::V1, Level::V2, Level::V3, Level::V4] {
        let manifest = parse(&format!("cpu = \"{level}\"")).unwrap();
        assert_eq!(manifest.requires.cpu, Some(level));
        let again = Manifest::parse(&manifest.encode().unwrap()).unwrap();
        assert_eq!(again, manifest);
    }
    for wrong in ["cpu = \"x86-64-v9\"", "cpu = 2", "memory = 1"] {
        let error = parse(wrong).unwrap_err();
        assert!(matches!(error, Error::Syntax(_)), "{wrong}: {error}");
    }
}

#[test]
fn only_files_of_an_application_are_carried() {
    let parse = |words: &str| Manifest::parse(&format!("{}\n{words}\n", seed()));
    let carry = |paths: &str| parse(&format!("[carry]\npaths = [{paths}]"));
    let manifest = carry(r#""/etc/app", "/usr/local/etc/app", "/opt/a b""#).unwrap();
    assert_eq!(manifest.carry.paths.len(), 3);
    let again = Manifest::parse(&manifest.encode().unwrap()).unwrap();
    assert_eq!(again, manifest);
    for (path, message) in [
        ("etc/app", "is not like"),
        ("/", "is not like"),
        ("/etc/app/", "is not like"),
        ("/etc/../app", "is not like"),
        ("/etc", "is written or read by replant itself"),
        ("/etc/shadow", "is written or read by replant itself"),
        (
            "/etc/ssh/sshd_config.d",
            "is written or read by replant itself",
        ),
        (
            "/etc/netplan/own.yaml",
            "is written or read by replant itself",
        ),
        ("/usr/bin/app", "belongs to the system itself"),
        ("/lib/modules", "belongs to the system itself"),
        ("/boot/grub", "belongs to the system itself"),
        ("/etc/pam.d/app", "belongs to the system itself"),
        ("/usr", "is written or read by replant itself"),
        ("/proc/x", "belongs to the system itself"),
    ] {
        let error = carry(&format!("{path:?}")).unwrap_err().to_string();
        assert!(error.contains(message) && error.contains(path), "{error}");
    }
    for twice in [
        r#""/opt/a", "/opt/a""#,
        r#""/opt/a", "/opt/a/b""#,
        r#""/opt/a/b", "/opt/a""#,
    ] {
        let error = carry(twice).unwrap_err().to_string();
        assert!(error.contains("named twice"), "{error}");
    }
    let hooks = |words: &str| parse(&format!("[hooks]\nafter_identity = [{words}]"));
    let manifest = hooks(r#"["/opt/app/convert", "-v"]"#).unwrap();
    let again = Manifest::parse(&manifest.encode().unwrap()).unwrap();
    assert_eq!(again.hooks, manifest.hooks);
    for wrong in ["[]", r#"["convert"]"#] {
        let error = hooks(wrong).unwrap_err().to_string();
        assert!(error.contains("after_identity"), "{error}");
    }
}

#[test]
fn refuses_with_the_place_and_the_reason() {
    for (old, new, message) in [
        (
            "format = 1",
            "format = 2",
            "migration.toml has format 2, this replant reads 1",
        ),
        (
            "format = 1",
            "format = 1\ncolour = 3",
            "unknown field `colour`",
        ),
        ("\"512MiB\"", "\"512 megs\"", "\"512 megs\" is no size"),
        (
            "\"512MiB\"",
            "\"rest\"",
            "only one volume can take the rest",
        ),
        ("\"512MiB\"", "\"99999999999TiB\"", "is no size"),
        ("VA/root", "VA/boot", "there is no volume VA/boot"),
        ("VA/root", "root", "device is \"partition N\""),
        (
            "partition 2",
            "partition 3",
            "partition 3 belongs to \"VA\"",
        ),
        (
            "mount = \"/\"",
            "mount = \"/x\"",
            "no file system is mounted at /",
        ),
        (
            "mount = \"/data\"",
            "mount = \"/../data\"",
            "without . and ..",
        ),
        ("-555555555555", "-5555", "form 8-4-4-4-12"),
        ("name = \"VA\"", "name = \"-VA\"", "it begins with \"-\""),
        (
            "name = \"data\"",
            "name = \"data_tmeta\"",
            "lvm2 keeps such names for itself",
        ),
        (
            "mount = \"/data\"",
            "mount = \"/da\\u0000ta\"",
            "without . and .. and NUL",
        ),
        (
            "mount = \"/data\"",
            "mount = \"/data\"\nlabel = \"0123456789abcdefg\"",
            "has 17 bytes and may have 16",
        ),
        (
            "mount = \"/data\"",
            "mount = \"/data\"\nlabel = \"a\\u0000b\"",
            "holds a NUL byte",
        ),
        (
            "partitions = [3]",
            "partitions = [3]\nextent_size = \"32KiB\"",
            "64KiB to 1TiB",
        ),
        (
            "partitions = [3]",
            "partitions = [3]\nextent_size = \"2TiB\"",
            "64KiB to 1TiB",
        ),
        ("va.sgdisk", "../va.sgdisk", "no directory"),
        ("va.sgdisk", "vb.sgdisk", "va.sgdisk is not listed"),
        (SUM, "abc", "64 lower-case"),
    ] {
        let text = seed();
        assert!(text.contains(old), "{old}");
        let error = Manifest::parse(&text.replacen(old, new, 1))
            .unwrap_err()
            .to_string();
        assert!(error.contains(message), "{new}: {error}");
        assert!(!error.contains('\n'), "{error}");
    }
}

#[test]
fn sizes() {
    for (text, bytes) in [("1", 1), ("1B", 1), ("4 KiB", 4096), ("3GiB", 3 << 30)] {
        assert_eq!(Size::parse(text), Some(Size::Bytes(bytes)), "{text}");
    }
    for text in ["", "MiB", "-1", "1.5GiB", "1GB", "16777216TiB"] {
        assert_eq!(Size::parse(text), None, "{text}");
    }
    for size in [
        Size::Rest,
        Size::Bytes(0),
        Size::Bytes(1000),
        Size::Bytes(512 << 20),
    ] {
        assert_eq!(Size::parse(&size.to_string()), Some(size));
    }
}

#[test]
fn no_character_of_it_can_change_unseen() {
    let text = Manifest::parse(&seed()).unwrap().encode().unwrap();
    assert_eq!(Manifest::seal(&text), Ok(Seal::Right));
    assert_eq!(Manifest::seal(&seed()), Ok(Seal::Absent));
    // Readers of TOML that know nothing of it read the same.
    assert!(toml::from_str::<toml::Table>(&text).is_ok());
    for at in 0..text.len() - 1 {
        let mut bytes = text.clone().into_bytes();
        bytes[at] ^= 1;
        let Ok(damaged) = String::from_utf8(bytes) else {
            continue;
        };
        assert_eq!(Manifest::parse(&damaged), Err(Error::Changed), "byte {at}");
    }
    for end in 0..text.len() - 1 {
        // Shorter than the first line it is nothing but a comment.
        assert!(Manifest::parse(&text[..end]).is_err(), "{end} bytes");
    }
    let message = Manifest::parse(&text.replace("VA/root", "VA/data")).unwrap_err();
    assert!(
        message
            .to_string()
            .contains("; unpack migration.tar.gz again, or, to change"),
        "{message}"
    );
    let more = format!("{text}name = 1\n");
    assert_eq!(Manifest::parse(&more), Err(Error::Changed));
}

#[test]
fn what_is_carried_over_is_known_by_its_keys() {
    let with = |line: &str| Manifest::parse(&seed().replace("hostname = false", line));
    let policy = with("timezone = false").unwrap().identity;
    assert!(policy.hostname && !policy.timezone);
    for (line, key) in [("hostnam = false", "hostnam"), ("network = 3", "boolean")] {
        let error = with(line).unwrap_err().to_string();
        let number = 1 + seed()
            .lines()
            .position(|l| l == "hostname = false")
            .unwrap();
        assert!(error.contains(&format!("line {number}: ")), "{error}");
        assert!(error.contains(key), "{error}");
    }
}
