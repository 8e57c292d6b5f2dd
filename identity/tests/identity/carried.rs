// SPDX-License-Identifier: MIT OR Apache-2.0
//! Files that a package names go from the old system into the new one.

use super::support::{Places, read, write};
use identity::{Machine, Policy, apply, load, save_with};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::path::Path;

/// Saves what these paths name.
fn saved(places: &Places, paths: &[&str]) -> Result<Vec<String>, identity::Error> {
    let machine = Machine {
        carry: paths.iter().map(|path| path.to_string()).collect(),
        ..Machine::default()
    };
    save_with(&places.old, None, machine, &places.saved).map(|report| report.warnings)
}

/// Nothing is missing that would be said.
fn named(old: &Path) {
    write(old, "etc/hostname", "box\n");
    write(old, "etc/machine-id", "0123456789abcdef0123456789abcdef\n");
}

fn mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

/// (mode, owner, group) of a file.
fn who(root: &Path, path: &str) -> (u32, u32, u32) {
    let meta = root.join(path).symlink_metadata().unwrap();
    (meta.mode() & 0o7777, meta.uid(), meta.gid())
}

#[test]
fn owners_go_by_their_names() {
    testkit::needs!("root");
    let places = Places::new();
    let (old, new) = (&places.old, &places.new);
    named(old);
    write(
        old,
        "etc/passwd",
        "root:x:0:0::/root:/bin/sh\napp:x:26:26::/:/bin/sh\nold:x:27:27::/:/bin/sh\n",
    );
    write(old, "etc/group", "root:x:0:\napp:x:26:\nold:x:27:\n");
    write(
        new,
        "etc/passwd",
        "root:x:0:0::/root:/bin/sh\napp:x:931:931::/:/bin/sh\n",
    );
    write(new, "etc/group", "root:x:0:\napp:x:932:\n");
    write(old, "etc/app/key", "secret");
    write(old, "etc/app/more/conf", "x=1\n");
    write(old, "opt/tool", "#!/bin/sh\n");
    write(old, "srv/gone", "of somebody who is not there");
    chown(old.join("etc/app"), Some(26), Some(0)).unwrap();
    chown(old.join("etc/app/key"), Some(26), Some(26)).unwrap();
    chown(old.join("srv/gone"), Some(27), Some(4444)).unwrap();
    mode(&old.join("etc/app"), 0o750);
    mode(&old.join("etc/app/key"), 0o640);
    mode(&old.join("opt/tool"), 0o4755);
    symlink("more/conf", old.join("etc/app/link")).unwrap();
    let pipe = std::process::Command::new("mkfifo")
        .arg(old.join("etc/app/pipe"))
        .status();
    assert!(pipe.unwrap().success());
    write(new, "etc/app/more/own", "the new system's own");
    write(new, "opt/tool", "older");

    let warnings = saved(
        &places,
        &["/etc/app", "/opt/tool", "/srv/gone", "/var/none"],
    )
    .unwrap();
    assert_eq!(warnings.len(), 2, "{warnings:?}");
    assert!(
        warnings[0].contains("/etc/app/pipe is a device, pipe or socket"),
        "{warnings:?}"
    );
    assert!(
        warnings[1].contains("/var/none, which the package carries over"),
        "{warnings:?}"
    );
    assert_eq!(load(&places.saved).unwrap().carried.len(), 7);
    // Twice, as a step that is repeated.
    for _ in 0..2 {
        let report = apply(&places.saved, new, &Policy::default()).unwrap();
        let unknown: Vec<&String> = report
            .warnings
            .iter()
            .filter(|w| w.contains("[carry]"))
            .collect();
        assert_eq!(unknown.len(), 2, "{unknown:?}");
        assert!(
            unknown[0].contains("user old does not exist"),
            "{unknown:?}"
        );
        assert_eq!(read(new, "etc/app/key"), "secret");
        assert_eq!(read(new, "etc/app/link"), "x=1\n");
        assert_eq!(read(new, "etc/app/more/own"), "the new system's own");
        assert_eq!(read(new, "opt/tool"), "#!/bin/sh\n");
        assert_eq!(who(new, "etc/app"), (0o750, 931, 0));
        assert_eq!(who(new, "etc/app/key"), (0o640, 931, 932));
        assert_eq!(who(new, "opt/tool"), (0o755, 0, 0));
        assert_eq!(who(new, "srv/gone"), (0o644, 0, 0));
        assert!(!new.join("etc/app/pipe").exists());
    }
    // Staged again without them.
    saved(&places, &[]).unwrap();
    assert!(load(&places.saved).unwrap().carried.is_empty());
    assert_eq!(
        std::fs::read_dir(places.saved.join("carried"))
            .unwrap()
            .count(),
        0
    );
}

/// What stands in their way in the new system stays, and is named.
#[test]
fn another_kind_of_file_is_in_the_way() {
    testkit::needs!("root");
    let places = Places::new();
    let (old, new) = (&places.old, &places.new);
    named(old);
    write(old, "etc/passwd", "root:x:0:0::/root:/bin/sh\n");
    for path in ["srv/a/below/file", "srv/b", "srv/real"] {
        write(old, path, "old");
    }
    symlink("real", old.join("srv/c")).unwrap();
    write(new, "srv/a", "a file");
    for path in ["srv/b/own", "srv/c/own"] {
        write(new, path, "own");
    }
    let none = saved(&places, &["/srv/a", "/srv/b", "/srv/c"]).unwrap();
    assert_eq!(none, [""; 0]);
    let report = apply(&places.saved, new, &Policy::default()).unwrap();
    for word in [
        "/srv/a was a directory",
        "/srv/b was a file",
        "/srv/c was a link to real",
    ] {
        let said = report.warnings.iter().filter(|w| w.contains(word)).count();
        assert_eq!(said, 1, "{word}: {:?}", report.warnings);
    }
    assert_eq!(read(new, "srv/a"), "a file");
    for path in ["srv/b/own", "srv/c/own"] {
        assert_eq!(read(new, path), "own");
    }
}

#[test]
fn too_much_is_refused_by_name() {
    testkit::needs!("root");
    let places = Places::new();
    write(&places.old, "etc/passwd", "root:x:0:0::/root:/bin/sh\n");
    for n in 0..5 {
        write(&places.old, &format!("srv/data/{n}"), &"x".repeat(1 << 20));
    }
    saved(
        &places,
        &["/srv/data/0", "/srv/data/1", "/srv/data/2", "/srv/data/3"],
    )
    .unwrap();
    let error = saved(&places, &["/srv/data"]).unwrap_err().to_string();
    assert!(error.contains("srv/data/4: with it, "), "{error}");
    assert!(error.contains("[carry]"), "{error}");
    write(&places.old, "srv/big", &"x".repeat(5 << 20));
    let error = saved(&places, &["/srv/big"]).unwrap_err().to_string();
    assert!(error.contains("srv/big: with it, "), "{error}");
}
