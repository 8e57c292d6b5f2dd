// SPDX-License-Identifier: MIT OR Apache-2.0
//! Users who put into their homes what is not theirs. Needs root.

use super::support::{Places, read, write};
use identity::{Policy, Report, apply, load, save};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::path::Path;
use std::process::Command;

const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI";
const SECRET: &str = "$6$topsecret$";

/// A system with root's secrets and these users, numbered from 1000.
fn system(root: &Path, users: &[&str]) {
    let mut passwd = "root:x:0:0:root:/root:/bin/bash\n".to_owned();
    let mut group = "root:x:0:\n".to_owned();
    for (n, user) in users.iter().enumerate() {
        let number = 1000 + n;
        passwd += &format!("{user}:x:{number}:{number}::/home/{user}:/bin/bash\n");
        group += &format!("{user}:x:{number}:\n");
    }
    write(root, "etc/passwd", &passwd);
    write(root, "etc/group", &group);
    write(root, "etc/shadow", &format!("root:{SECRET}:1::::::\n"));
    write(root, "etc/gshadow", "");
    write(root, "etc/cron.d/.keep", "");
    write(root, "usr/bin/bash", "");
    write(root, "root/.ssh/authorized_keys", &format!("{KEY}root\n"));
    mode(root, "etc/shadow", 0o600);
    mode(root, "root", 0o700);
    for (n, user) in users.iter().enumerate() {
        own(root, &format!("home/{user}/.ssh"), n);
        own(root, &format!("home/{user}"), n);
    }
}

fn own(root: &Path, path: &str, n: usize) {
    std::fs::create_dir_all(root.join(path)).unwrap();
    give(root, path, n);
}

fn give(root: &Path, path: &str, n: usize) {
    let number = Some(1000 + n as u32);
    std::os::unix::fs::lchown(root.join(path), number, number).unwrap();
}

fn mode(root: &Path, path: &str, mode: u32) {
    let mode = std::fs::Permissions::from_mode(mode);
    std::fs::set_permissions(root.join(path), mode).unwrap();
}

fn warned(report: &Report, parts: &[&str]) -> bool {
    let all = |w: &String| parts.iter().all(|p| w.contains(p));
    report.warnings.iter().any(all)
}

#[test]
fn what_a_user_cannot_read_does_not_become_his() {
    testkit::needs!("root");
    let places = Places::new();
    let old = &places.old;
    let users = [
        "link", "way", "hard", "pipe", "device", "self", "huge", "open", "other", "ring", "dots",
        "mine", "roots", "group",
    ];
    system(old, &users);
    let number = |name: &str| users.iter().position(|u| *u == name).unwrap();
    let file = |name: &str| format!("home/{name}/.ssh/authorized_keys");
    let link = |name: &str, target: &str| {
        symlink(target, old.join(file(name))).unwrap();
        give(old, &file(name), number(name));
    };
    link("link", "../../../etc/shadow");
    std::fs::remove_dir(old.join("home/way/.ssh")).unwrap();
    symlink("/root/.ssh", old.join("home/way/.ssh")).unwrap();
    std::fs::hard_link(old.join("etc/shadow"), old.join(file("hard"))).unwrap();
    let make = |args: &[&str], name: &str| {
        let made = Command::new("mknod")
            .arg(old.join(file(name)))
            .args(args)
            .status();
        assert!(made.unwrap().success());
        give(old, &file(name), number(name));
    };
    make(&["p"], "pipe");
    make(&["c", "1", "5"], "device");
    link("self", "/proc/self/environ");
    let huge = std::fs::File::create(old.join(file("huge"))).unwrap();
    huge.set_len(1 << 40).unwrap();
    give(old, &file("huge"), number("huge"));
    write(old, &file("open"), &format!("{KEY}anybody\n"));
    give(old, &file("open"), number("open"));
    mode(old, "home/open", 0o777);
    write(old, &file("other"), &format!("{KEY}somebody\n"));
    give(old, &file("other"), number("link"));
    link("ring", "authorized_keys");
    // Those that sshd takes, too.
    own(old, "home/dots/files", number("dots"));
    write(old, "home/dots/files/keys", &format!("{KEY}dots\n"));
    give(old, "home/dots/files/keys", number("dots"));
    mode(old, "home/dots/files/keys", 0o600);
    link("dots", "../files/keys");
    write(old, &file("mine"), &format!("{KEY}mine\n"));
    give(old, &file("mine"), number("mine"));
    mode(old, &file("mine"), 0o600);
    mode(old, "home/mine/.ssh", 0o700);
    write(old, &file("roots"), &format!("{KEY}roots\n"));
    write(old, &file("group"), &format!("{KEY}group\n"));
    give(old, &file("group"), number("group"));
    mode(old, &file("group"), 0o664);

    let report = save(old, None, &places.saved).unwrap();
    let identity = load(&places.saved).unwrap();
    for user in &identity.accounts.users {
        let keys = user.authorized_keys.as_str();
        let want = match user.name.as_str() {
            name @ ("root" | "dots" | "mine" | "roots" | "group") => format!("{KEY}{name}\n"),
            _ => String::new(),
        };
        assert_eq!(keys, want, "{}", user.name);
    }
    for (name, why) in [
        ("link", "Permission denied"),
        ("way", "Permission denied"),
        ("hard", "Permission denied"),
        ("huge", "larger than"),
        ("open", "mode 0777"),
        ("other", "owner 1000"),
        ("ring", "symbolic links"),
    ] {
        let path = format!("/{}", file(name));
        assert!(warned(&report, &[&path, why]), "{name}: {report:?}");
    }
    // Somebody else in the group, and it is not the user's own any more.
    let group = read(old, "etc/group").replace("group:x:1013:", "group:x:1013:link");
    write(old, "etc/group", &group);
    let report = save(old, None, &places.saved).unwrap();
    assert!(warned(&report, &["home/group", "mode 0664"]), "{report:?}");
    write(old, "etc/ssh/sshd_config", "StrictModes no\n");
    save(old, None, &places.saved).unwrap();
    let identity = load(&places.saved).unwrap();
    let keys = |name: &str| {
        let mut users = identity.accounts.users.iter();
        users
            .find(|u| u.name == name)
            .unwrap()
            .authorized_keys
            .clone()
    };
    assert_eq!(keys("group"), format!("{KEY}group\n"));
    assert_eq!((keys("link"), keys("hard")), (String::new(), String::new()));
}

#[test]
fn homes_that_are_none() {
    testkit::needs!("root");
    let places = Places::new();
    let old = &places.old;
    system(old, &["a"]);
    let long = "l".repeat(300);
    let deep = "/d".repeat(3000);
    let mut passwd = read(old, "etc/passwd");
    for (n, home) in [
        "/", "/etc", "/proc", "../..", "", "relative", "/root", "/home/a",
    ]
    .into_iter()
    .chain([long.as_str(), &format!("/home/{long}"), &deep])
    .enumerate()
    {
        passwd += &format!("u{n}:x:{}:1000::{home}:/bin/bash\n", 2000 + n);
    }
    write(old, "etc/passwd", &passwd);
    let keys = "home/a/.ssh/authorized_keys";
    write(old, keys, &format!("{KEY}a\n"));
    give(old, keys, 0);
    save(old, None, &places.saved).unwrap();
    let identity = load(&places.saved).unwrap();
    let with: Vec<&str> = identity
        .accounts
        .users
        .iter()
        .filter(|u| !u.authorized_keys.is_empty())
        .map(|u| u.name.as_str())
        .collect();
    assert_eq!(with, ["root", "a"]);
    system(&places.new, &[]);
    let before = super::support::snapshot(&places.new.join("etc")).len();
    // After the point of no return all of it is only told.
    let report = apply(&places.saved, &places.new, &Policy::default()).unwrap();
    assert!(
        warned(&report, &["no home directory /home/lll"]),
        "{report:?}"
    );
    assert!(places.new.join("home/a/.ssh/authorized_keys").exists());
    assert!(super::support::snapshot(&places.new.join("etc")).len() < before + 10);
    let root = std::fs::metadata(places.new.join("root")).unwrap();
    assert_eq!((root.uid(), root.mode() & 0o7777), (0, 0o700));
}

#[test]
fn a_home_of_the_payload_leads_nowhere_else() {
    testkit::needs!("root");
    let places = Places::new();
    let (old, new) = (&places.old, &places.new);
    let users = ["cron", "shadow1", "hard1", "upper", "plain", "roots"];
    system(old, &users);
    for (n, user) in users.iter().enumerate() {
        let file = format!("home/{user}/.ssh/authorized_keys");
        write(old, &file, &format!("{KEY}{user}\n"));
        give(old, &file, n);
    }
    save(old, None, &places.saved).unwrap();
    system(new, &users);
    let ssh = |user: &str| new.join(format!("home/{user}/.ssh"));
    let keys = |user: &str| ssh(user).join("authorized_keys");
    std::fs::remove_dir(ssh("cron")).unwrap();
    symlink("/etc/cron.d", ssh("cron")).unwrap();
    symlink("/etc/shadow", keys("shadow1")).unwrap();
    std::fs::hard_link(new.join("etc/shadow"), keys("hard1")).unwrap();
    // A home in a directory that somebody else can write.
    own(new, "home/cron/inner", 0);
    symlink("/etc", new.join("home/cron/inner/upper")).unwrap();
    for root in [new, old] {
        let passwd = read(root, "etc/passwd");
        write(
            root,
            "etc/passwd",
            &passwd.replace("/home/upper", "/home/cron/inner/upper"),
        );
    }
    write(
        new,
        "home/plain/.ssh/authorized_keys",
        "ssh-rsa AAAA payload\n",
    );
    // A home for sftp: root's, and so are its keys.
    chown(new.join("home/roots"), Some(0), Some(0)).unwrap();
    chown(ssh("roots"), Some(0), Some(0)).unwrap();
    let report = apply(&places.saved, new, &Policy::default()).unwrap();
    assert!(!new.join("etc/cron.d/authorized_keys").exists());
    assert!(!new.join("etc/.ssh").exists());
    assert!(
        warned(&report, &["the ssh keys of cron", ".ssh"]),
        "{report:?}"
    );
    assert!(warned(&report, &["the ssh keys of upper"]), "{report:?}");
    for user in ["shadow1", "hard1"] {
        let text = std::fs::read_to_string(keys(user)).unwrap();
        assert_eq!(text, format!("{KEY}{user}\n"));
        assert!(warned(&report, &["is replaced", user]), "{report:?}");
    }
    let text = std::fs::read_to_string(keys("plain")).unwrap();
    assert_eq!(text, format!("ssh-rsa AAAA payload\n{KEY}plain\n"));
    let text = std::fs::read_to_string(keys("roots")).unwrap();
    assert_eq!(text, format!("{KEY}roots\n"));
    assert!(read(new, "etc/shadow").contains(SECRET));
    let shadow = std::fs::metadata(new.join("etc/shadow")).unwrap();
    assert_eq!((shadow.uid(), shadow.mode() & 0o777), (0, 0o600));
}

/// Two of one number, a name that is root's in the new system, a real key; and
/// what shadow's own programs say of the files.
#[test]
fn accounts_that_the_systems_own_programs_accept() {
    testkit::needs!("ssh-keygen", "pwck", "grpck", "root");
    let places = Places::new();
    let (old, new) = (&places.old, &places.new);
    system(old, &["shop", "toor"]);
    let passwd = read(old, "etc/passwd") + "shopftp:x:1000:1000::/home/ftp:/bin/bash\n";
    write(old, "etc/passwd", &passwd);
    let key = places.top.path().join("key");
    let made = Command::new("ssh-keygen")
        .args(["-q", "-t", "ed25519", "-N", "", "-f"])
        .arg(&key)
        .status();
    assert!(made.unwrap().success());
    let public = read(places.top.path(), "key.pub");
    for (n, user) in ["shop", "toor"].iter().enumerate() {
        let file = format!("home/{user}/.ssh/authorized_keys");
        write(old, &file, &public);
        give(old, &file, n);
    }
    save(old, None, &places.saved).unwrap();
    system(new, &[]);
    let passwd = read(new, "etc/passwd") + "toor:x:0:0::/root:/bin/bash\n";
    write(new, "etc/passwd", &passwd);
    write(new, "etc/group", "root:x:0:\nusers:x:100:\n");
    write(new, "etc/gshadow", "root:*::\nusers:!::\n");
    write(new, "etc/shadow", "root:!:1::::::\ntoor:!:1::::::\n");
    let report = apply(&places.saved, new, &Policy::default()).unwrap();
    assert!(
        warned(&report, &["toor is a system account", "ssh keys"]),
        "{report:?}"
    );
    let root_keys = read(new, "root/.ssh/authorized_keys");
    assert!(!root_keys.contains(public.trim()), "{root_keys}");
    assert!(read(new, "etc/shadow").contains("toor:!:1:"));
    let say = |program: &str, args: &[&Path]| {
        let out = Command::new(program).args(args).output().unwrap();
        let text = String::from_utf8_lossy(&out.stdout) + String::from_utf8_lossy(&out.stderr);
        text.into_owned()
    };
    let etc = |name: &str| new.join("etc").join(name);
    let quiet = Path::new("-rq");
    let said = say("pwck", &[quiet, &etc("passwd"), &etc("shadow")]);
    assert!(
        !said.contains("shop") && !said.contains("invalid"),
        "{said}"
    );
    let said = say("grpck", &[Path::new("-r"), &etc("group"), &etc("gshadow")]);
    assert_eq!(said, "");
    let file = new.join("home/shop/.ssh/authorized_keys");
    let said = say("ssh-keygen", &[Path::new("-l"), Path::new("-f"), &file]);
    assert!(said.contains("ED25519"), "{said}");
    for home in ["home/shop", "home/ftp"] {
        let meta = std::fs::metadata(new.join(home)).unwrap();
        assert_eq!((meta.uid(), meta.gid()), (1000, 1000), "{home}");
    }
}

/// What the tiny system would refuse is refused while the old one runs.
#[test]
fn an_identity_that_is_too_long_is_refused_when_it_is_saved() {
    testkit::needs!("root");
    let places = Places::new();
    let names: Vec<String> = (0..20).map(|n| format!("u{n}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    system(&places.old, &names);
    let keys = format!("{KEY}{}\n", "A".repeat(250)).repeat(800);
    for (n, name) in names.iter().enumerate() {
        let file = format!("home/{name}/.ssh/authorized_keys");
        write(&places.old, &file, &keys);
        give(&places.old, &file, n);
    }
    let error = save(&places.old, None, &places.saved)
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("21 accounts") && error.contains("shorten"),
        "{error}"
    );
    let warned = identity::survey(&places.old, None, None, &[]).unwrap_err();
    assert_eq!(warned.to_string(), error);
}
