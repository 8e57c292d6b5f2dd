// SPDX-License-Identifier: MIT OR Apache-2.0
//! Who could log in to the old system can log in to the new one, or is named.

use super::support::{Places, read, write};
use identity::{Policy, Report, apply, load, save};
use std::os::unix::fs::{MetadataExt, chown};
use std::path::Path;

const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGtleQ";

fn fixture(root: &Path, folder: &str, names: &[&str]) {
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    for name in names {
        let text = std::fs::read_to_string(here.join(folder).join(name)).unwrap();
        let dir = if *name == "sshd_config" {
            "etc/ssh"
        } else {
            "etc"
        };
        write(root, &format!("{dir}/{name}"), &text);
    }
}

/// A payload, with a password of its own for root.
fn new(root: &Path) {
    write(
        root,
        "etc/passwd",
        "root:x:0:0:root:/root:/bin/bash\nchrony:x:998:996::/var/lib/chrony:/sbin/nologin\n",
    );
    write(root, "etc/group", "root:x:0:\nwheel:x:10:\nchrony:x:996:\n");
    write(
        root,
        "etc/shadow",
        "root:$6$payload$:1::::::\nchrony:!!:1::::::\n",
    );
    write(root, "usr/bin/bash", "");
    std::os::unix::fs::symlink("usr/bin", root.join("bin")).unwrap();
    std::fs::create_dir_all(root.join("root")).unwrap();
}

fn says(report: &Report, part: &str) -> bool {
    report.warnings.iter().any(|w| w.contains(part))
}

fn migrate(places: &Places) -> Report {
    let mut report = save(&places.old, None, &places.saved).unwrap();
    let applied = apply(&places.saved, &places.new, &Policy::default()).unwrap();
    report.warnings.extend(applied.warnings);
    report
}

#[test]
fn users_count_from_where_the_old_system_counts_them() {
    testkit::needs!("root");
    let places = Places::new();
    let (old, dest) = (&places.old, &places.new);
    fixture(
        old,
        "users-from-500",
        &["passwd", "group", "shadow", "login.defs"],
    );
    // A service with such a number, and one that somebody logs in with.
    let passwd = read(old, "etc/passwd")
        + "chrony:x:998:996::/var/lib/chrony:/sbin/nologin\ngit:x:110:110::/srv/git:/bin/sh\n";
    write(old, "etc/passwd", &passwd);
    for (file, owner) in [("home/psudo", 501), ("srv/git", 110)] {
        write(
            old,
            &format!("{file}/.ssh/authorized_keys"),
            &format!("{KEY} {owner}\n"),
        );
        for path in [
            file.to_owned(),
            format!("{file}/.ssh"),
            format!("{file}/.ssh/authorized_keys"),
        ] {
            chown(old.join(path), Some(owner), Some(owner)).unwrap();
        }
    }
    new(dest);
    let report = migrate(&places);
    let saved = load(&places.saved).unwrap().accounts;
    let names: Vec<&str> = saved.users.iter().map(|u| u.name.as_str()).collect();
    assert_eq!(names, ["root", "pweb", "psudo"]);
    assert!(says(&report, "look like services'"), "{report:?}");
    assert!(says(&report, "git could log in"), "{report:?}");
    assert!(!says(&report, "nobody"), "{report:?}");
    assert!(says(&report, "psudo keeps the number 501"), "{report:?}");
    // Twice the same, with its keys.
    let before = read(dest, "etc/passwd");
    for _ in 0..2 {
        assert_eq!(read(dest, "etc/passwd"), before);
        assert!(
            before.contains("psudo:x:501:505::/home/psudo:/bin/bash\n"),
            "{before}"
        );
        assert!(before.contains("chrony:x:998:996:"), "{before}");
        assert!(read(dest, "etc/group").contains("wheel:x:10:psudo\n"));
        assert!(read(dest, "etc/shadow").contains("psudo:$6$saltsalt$"));
        let keys = read(dest, "home/psudo/.ssh/authorized_keys");
        assert_eq!(keys, format!("{KEY} 501\n"));
        let home = std::fs::metadata(dest.join("home/psudo")).unwrap();
        assert_eq!((home.uid(), home.gid()), (501, 505));
        let report = apply(&places.saved, dest, &Policy::default()).unwrap();
        assert!(!says(&report, "psudo"), "{report:?}");
    }
}

#[test]
fn a_higher_uid_min_than_a_user_has_does_not_lose_the_user() {
    testkit::needs!("root");
    let places = Places::new();
    write(
        &places.old,
        "etc/passwd",
        "root:x:0:0::/root:/bin/bash\nfirst:x:1000:1000::/data/first:/bin/bash\nfed:x:1001:1001::/opt/fed:/sbin/nologin\n",
    );
    write(
        &places.old,
        "etc/shadow",
        "first:$6$x:1::::::\nfed:!!:1::::::\n",
    );
    write(&places.old, "etc/group", "root:x:0:\nfirst:x:1000:\n");
    write(
        &places.old,
        "etc/login.defs",
        "UID_MIN 5000\nGID_MIN 5000\n",
    );
    let report = save(&places.old, None, &places.saved).unwrap();
    let saved = load(&places.saved).unwrap().accounts;
    assert_eq!(saved.users.len(), 2, "{saved:?}");
    assert_eq!(
        (saved.users[1].name.as_str(), saved.groups.len()),
        ("first", 1)
    );
    assert!(says(&report, "not carried over: fed"), "{report:?}");
}

#[test]
fn keys_are_found_where_sshd_looks() {
    testkit::needs!("root");
    let places = Places::new();
    let (old, dest) = (&places.old, &places.new);
    fixture(
        old,
        "keys-elsewhere",
        &["passwd", "group", "shadow", "sshd_config"],
    );
    write(
        old,
        "etc/ssh/authorized_keys.d/root",
        &format!("{KEY} admin@desk\n"),
    );
    // sshd does not read this one.
    write(old, "root/.ssh/authorized_keys", &format!("{KEY} former\n"));
    new(dest);
    let report = migrate(&places);
    assert!(!says(&report, "nobody"), "{report:?}");
    assert_eq!(
        read(dest, "root/.ssh/authorized_keys"),
        format!("{KEY} admin@desk\n")
    );
    // The same as a drop-in, which the new system's sshd does not have.
    write(
        old,
        "etc/ssh/sshd_config",
        "Include /etc/ssh/sshd_config.d/*.conf\n",
    );
    write(
        old,
        "etc/ssh/sshd_config.d/50-keys.conf",
        "AuthorizedKeysFile /etc/ssh/authorized_keys.d/%u .ssh/authorized_keys\n",
    );
    save(old, None, &places.saved).unwrap();
    let keys = load(&places.saved).unwrap().accounts.users[0]
        .authorized_keys
        .clone();
    assert_eq!(keys, format!("{KEY} admin@desk\n{KEY} former\n"));
    write(
        dest,
        "etc/ssh/sshd_config",
        "AuthorizedKeysFile /etc/keys/%u\n",
    );
    let report = migrate(&places);
    assert!(
        says(&report, "does not read /root/.ssh/authorized_keys"),
        "{report:?}"
    );
}

#[test]
fn that_nobody_could_log_in_is_said_only_of_a_complete_list() {
    testkit::needs!("root");
    let places = Places::new();
    let (old, dest) = (&places.old, &places.new);
    fixture(old, "keys-elsewhere", &["passwd", "group", "shadow"]);
    new(dest);
    let alone = "nobody could log in to the old system";
    assert!(says(&migrate(&places), alone));
    let carried = "nobody who is carried over could log in";
    for (file, text, why) in [
        (
            "etc/ssh/sshd_config",
            "AuthorizedKeysCommand /usr/local/bin/keys\n",
            "/usr/local/bin/keys",
        ),
        (
            "etc/ssh/sshd_config",
            "TrustedUserCAKeys /etc/ssh/ca.pub\n",
            "/etc/ssh/ca.pub",
        ),
        (
            "etc/ssh/sshd_config",
            "Match LocalPort 2222\nAuthorizedKeysFile /k\n",
            "LocalPort 2222",
        ),
        (
            "etc/nsswitch.conf",
            "passwd: files ldap\n",
            "accounts of ldap",
        ),
    ] {
        write(old, file, text);
        let report = migrate(&places);
        assert!(!says(&report, alone), "{report:?}");
        let both = |w: &String| w.contains(carried) && w.contains(why);
        assert!(report.warnings.iter().any(both), "{why}: {report:?}");
        write(old, file, "");
    }
    assert!(says(&migrate(&places), alone));
}
