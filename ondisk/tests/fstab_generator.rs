// SPDX-License-Identifier: MIT OR Apache-2.0
//! What `ondisk::fstab` takes, against systemd's own generator: whatever the
//! layout bears out is mounted from just that device, and nothing else must
//! be there for the new system to come up.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use ondisk::fstab;
use ondisk::gpt::{Guid, Name, Partition, Table};
use ondisk::manifest::Filesystem;
use std::fs;
use std::path::Path;
use std::process::Command;
use testkit::Random;

const GENERATOR: &str = "/lib/systemd/system-generators/systemd-fstab-generator";
const UUID: &str = "3f0f0000-0000-4000-8000-00000000000a";
const BOOT: &str = "/dev/disk/by-uuid/3f0f0000-0000-4000-8000-00000000000a";
const GUID: &str = "02020202-0202-0202-0202-0202020202ab";

/// Needs package systemd. The units that it makes of the table, by their name.
fn units(table: &[u8]) -> Vec<(String, String)> {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("fstab");
    fs::write(&file, table).unwrap();
    let out = dir.path().join("out");
    fs::create_dir(&out).unwrap();
    let status = Command::new(GENERATOR)
        .args([&out, &out, &out])
        .env("SYSTEMD_FSTAB", &file)
        .env("SYSTEMD_PROC_CMDLINE", "ro")
        .env("SYSTEMD_LOG_TARGET", "console")
        .output()
        .expect("package systemd");
    // It fails for a line that it cannot use, and makes the others.
    drop(status);
    let mut units = Vec::new();
    collect(&out, "", &mut units);
    units.sort();
    units
}

fn collect(dir: &Path, below: &str, units: &mut Vec<(String, String)>) {
    for entry in fs::read_dir(dir).unwrap() {
        let entry = entry.unwrap();
        let name = format!("{below}{}", entry.file_name().to_str().unwrap());
        let kind = entry.file_type().unwrap();
        if kind.is_dir() {
            collect(&entry.path(), &format!("{name}/"), units);
        } else if kind.is_symlink() {
            units.push((name, String::new()));
        } else {
            units.push((name, fs::read_to_string(entry.path()).unwrap()));
        }
    }
}

fn layout() -> (Table, Vec<Filesystem>) {
    let mut table = Table::new(1 << 30, 512, Guid([7; 16])).unwrap();
    table.partitions.push(Partition {
        number: 2,
        type_guid: Guid::LINUX,
        guid: GUID.to_uppercase().parse().unwrap(),
        first_lba: 2048,
        last_lba: 40959,
        attributes: 0,
        name: Name::new("boot part").unwrap(),
    });
    let filesystem = |device: &str, mount: &str, uuid: &str, label: &str| Filesystem {
        device: device.into(),
        mount: mount.into(),
        kind: "ext4".into(),
        uuid: Some(uuid.into()),
        label: label.into(),
        content_bytes: 0,
        content_entries: 0,
    };
    let root = filesystem("VA/root", "/", &UUID.replace('a', "b"), "");
    (
        table,
        vec![root, filesystem("partition 2", "/boot", UUID, "B o")],
    )
}

/// Whether the layout bears the table out, with a root in it.
fn agrees(text: &[u8]) -> Result<(), String> {
    let (table, mut filesystems) = layout();
    let lines = fstab::parse(text).map_err(|e| e.to_string())?;
    let found = fstab::compare(&lines, &mut filesystems, &table);
    found.map(|_| ()).map_err(|e| e.to_string())
}

/// What systemd will mount at /boot, as what; and which mounts it needs.
fn systemd(text: &[u8]) -> (Option<(String, String)>, Vec<String>) {
    let units = units(text);
    let value = |text: &str, key: &str| {
        let line = text.split('\n').find_map(|l| l.strip_prefix(key));
        line.unwrap_or_default().to_string()
    };
    let boot = units.iter().find(|(name, _)| name == "boot.mount");
    let boot = boot.map(|(_, text)| (value(text, "What="), value(text, "Type=")));
    let needed = units.iter().filter_map(|(name, _)| {
        let unit = name.strip_prefix("local-fs.target.requires/")?;
        (unit != "boot.mount" && unit != "-.mount").then(|| unit.to_string())
    });
    (boot, needed.collect())
}

#[test]
fn what_is_taken_is_what_systemd_mounts() {
    testkit::needs!(GENERATOR);
    let by_label = "/dev/disk/by-label/B\\x20o";
    let by_part = format!("/dev/disk/by-partuuid/{GUID}");
    let by_name = "/dev/disk/by-partlabel/boot\\x20part";
    for (line, what) in [
        (format!("UUID={UUID} /boot ext4 defaults 0 2"), BOOT),
        (format!("UUID=\"{UUID}\" /boot ext4"), BOOT),
        (format!("UUID='{UUID}' //boot/ auto ro"), BOOT),
        (format!("  {BOOT}\t/boot\text4  "), BOOT),
        ("LABEL=B\\040o /./boot ext4".into(), by_label),
        (format!("{by_label} /boot ext4"), by_label),
        (format!("PARTUUID={GUID} /boot ext4"), &by_part),
        ("PARTLABEL=boot\\040part /boot ext4".into(), by_name),
        ("/dev/sda2 /boot".into(), "/dev/sda2"),
    ] {
        agrees(line.as_bytes()).unwrap_or_else(|e| panic!("{line}: {e}"));
        let (boot, needed) = systemd(line.as_bytes());
        let (found, _) = boot.unwrap_or_else(|| panic!("{line}: no unit"));
        assert_eq!(found, what, "{line}");
        assert_eq!(needed, [""; 0], "{line}");
    }
}

#[test]
fn what_systemd_reads_otherwise_is_refused() {
    testkit::needs!(GENERATOR);
    let boot = |line: &str| systemd(line.as_bytes()).0;
    // The two that a machine was lost by.
    let upper = format!("UUID={} /boot ext4", UUID.to_uppercase());
    assert_ne!(boot(&upper).unwrap().0, BOOT);
    let crlf = format!("UUID={UUID} /boot ext4\r\n");
    assert_eq!(boot(&crlf).unwrap().1, "ext4\r");
    for line in [
        &upper,
        &crlf,
        &format!("UUID={UUID} /boot ext4 defaults\r\n"),
        &format!("/dev/disk/by-uuid/{} /boot ext4", UUID.to_uppercase()),
        &format!("PARTUUID={} /boot ext4", GUID.to_uppercase()),
        &format!("UUID=\"{UUID} /boot ext4"),
        &format!("UUID={UUID}\u{a0}/boot ext4"),
        &format!("\u{feff}UUID={UUID} /boot ext4"),
        &format!("UUID={UUID} /boot ext4\n/dev/sdb1 /data"),
        &format!("UUID={UUID} /boot ext4\n/dev/sdb1 /data ext4 nofail,fail"),
    ] {
        let message = agrees(line.as_bytes()).expect_err(line);
        assert!(message.contains("; "), "{message}");
    }
}

/// Pieces put together at random, always the same way.
#[test]
fn nothing_that_is_taken_surprises() {
    testkit::needs!(GENERATOR);
    let pieces: [&[&str]; 4] = [
        &[
            "UUID=3f0f0000-0000-4000-8000-00000000000a",
            "UUID=\"3f0f0000-0000-4000-8000-00000000000a\"",
            "UUID='3f0f0000-0000-4000-8000-00000000000a",
            "UUID=3F0F0000-0000-4000-8000-00000000000a",
            "LABEL=B\\040o",
            "LABEL=\"B\\040o\"",
            "LABEL=B\\\\040o",
            "/dev/sda2",
            "/dev/sdb1",
            "\u{feff}#",
            "# UUID=x",
        ],
        &[
            "/boot",
            "/boot/",
            "//boot/.",
            "/data",
            "/boot\\040",
            "boot",
            "none",
            "/boot\r",
        ],
        &["ext4", "auto", "", "ext4\r", "ext4\u{b}", "swap", "xfs"],
        &[
            "",
            "defaults",
            "nofail",
            "nofail,fail",
            "noauto,auto",
            "auto,noauto",
            "defaults\r",
        ],
    ];
    let mut random = Random(1);
    let (mut taken, mut refused) = (0, 0);
    for _ in 0..400 {
        let mut text = String::new();
        for _ in 0..=random.below(2) {
            for options in pieces {
                text += options[random.below(options.len())];
                text += [" ", "\t", "  "][random.below(3)];
            }
            text += ["\n", "\n", "\r\n", "\n\n"][random.below(4)];
        }
        if agrees(text.as_bytes()).is_err() {
            refused += 1;
            continue;
        }
        taken += 1;
        let (boot, needed) = systemd(text.as_bytes());
        assert_eq!(needed, [""; 0], "{text:?}");
        if let Some((what, kind)) = boot {
            let known = [BOOT, "/dev/disk/by-label/B\\x20o", "/dev/sda2"];
            let optional = ["nofail", "noauto"].iter().any(|o| text.contains(o));
            assert!(
                optional || known.contains(&what.as_str()),
                "{text:?}: {what}"
            );
            assert!(
                optional || ["ext4", "auto", ""].contains(&kind.as_str()),
                "{text:?}: {kind}"
            );
        }
    }
    assert!(
        taken > 40 && refused > 40,
        "{taken} taken, {refused} refused"
    );
}
