// SPDX-License-Identifier: MIT OR Apache-2.0
//! Accounts of an old system in the files of a new one.

use super::collect::pick;
use super::database::Table;
use super::files::Files;
use super::login_defs::LoginDefs;
use super::model::{Accounts, User};
use super::plan::{Plan, plan};
use super::sudoers::Sudoers;
use super::system::System;
use crate::report::Report;
use testkit::Target;

mod joining;
mod staying_out;

const PASSWD: &str = "root:x:0:0:root:/root:/bin/bash\nbin:x:1:1:bin:/bin:/sbin/nologin\n# comment\n+@nis\ntoor:x:0:0::/root:/bin/sh\nalice:x:1000:1000:Alice A.:/home/alice:/bin/zsh\nbob:x:1001:100::/home/bob:/bin/bash\npostgres:x:1005:1005::/srv/pg:/bin/bash\nnfsnobody:x:65534:65534::/var/lib/nfs:/sbin/nologin\nsvc:x:700:700::/:/sbin/nologin\n";
const SHADOW: &str = "root:$6$r$hash:17000:0:99999:7:::\nbin:*:17000:0:99999:7:::\nalice:$6$a$hash:17001:0:90:7:14::\nbob:$1$b$hash:17002:0:99999:7:::\npostgres:!!:17003::::::\n";
const GROUP: &str = "root:x:0:\nwheel:x:10:alice,root\nusers:x:100:\ndocker:x:992:alice\nalice:x:1000:\nstaff2:x:1002:alice,bob\npostgres:x:1005:\n";
const GSHADOW: &str = "wheel:::alice\nstaff2:!:bob:alice,bob\n";

fn files(passwd: &str, shadow: &str, group: &str, gshadow: &str, subuid: &str) -> Files {
    Files {
        passwd: Table::parse(passwd),
        shadow: Table::parse(shadow),
        group: Table::parse(group),
        gshadow: Table::parse(gshadow),
        subuid: Table::parse(subuid),
        subgid: Table::default(),
    }
}

fn old(report: &mut Report) -> Accounts {
    let files = files(
        PASSWD,
        SHADOW,
        GROUP,
        GSHADOW,
        "alice:100000:65536\nbob:165536:65536\n",
    );
    let sudoers = Sudoers::parse("%wheel ALL=(ALL) ALL\n");
    pick(
        &files,
        &LoginDefs("UID_MIN 1000\n".into()),
        &sudoers,
        report,
    )
}

fn new_files() -> Files {
    files(
        "root:x:0:0:root:/root:/bin/bash\nvendor:x:1000:1000:Vendor:/home/vendor:/bin/bash\npostgres:x:26:26::/var/lib/pgsql:/sbin/nologin\nsshd:x:101:65534::/run/sshd:/usr/sbin/nologin\n",
        "root:*:20000:0:99999:7:::\nvendor:!:20000::::::\npostgres:!!:20000::::::\n",
        "root:x:0:\nsudo:x:27:\nusers:x:100:\npostgres:x:26:\nvendor:x:1000:\nvideo:x:1002:vendor\n",
        "sudo:*::\n",
        "vendor:165536:65536\n",
    )
}

fn planned(report: &mut Report, id: &str) -> Plan {
    let accounts = old(report);
    let system = System {
        id: id.into(),
        shells: ["/bin/bash".to_owned(), "/bin/sh".to_owned()].into(),
        ..System::default()
    };
    plan(&accounts, new_files(), &system, report).unwrap()
}

#[test]
fn users_are_picked_by_number() {
    let mut report = Report::default();
    let accounts = old(&mut report);
    let names: Vec<&str> = accounts.users.iter().map(|u| u.name.as_str()).collect();
    assert_eq!(names, ["root", "alice", "bob", "postgres"]);
    let alice = &accounts.users[1];
    assert_eq!(alice.groups, ["wheel", "docker", "staff2"]);
    assert_eq!(
        (alice.group.as_str(), alice.aging.as_str()),
        ("alice", "17001:0:90:7:14::")
    );
    assert_eq!(alice.subuid, [(100_000, 65536)]);
    assert!(report.warnings.iter().any(|w| w.contains("toor")));
    let groups: Vec<&str> = accounts.groups.iter().map(|g| g.name.as_str()).collect();
    assert_eq!(groups, ["alice", "staff2", "postgres"]);
}

#[test]
fn users_count_from_uid_min_and_services_are_left_out() {
    let passwd =
        "svc:x:700:700::/:/sbin/nologin\nu:x:501:501::/home/u:/bin/sh\nlow:x:499:499::/:/bin/sh\n";
    let mut report = Report::default();
    let accounts = pick(
        &files(
            passwd,
            "",
            "u:x:501:\nsvc:x:700:\ndocker:x:701:u\nteam:x:702:u\n",
            "",
            "",
        ),
        &LoginDefs("UID_MIN 500\nGID_MIN 500\n".into()),
        &Sudoers::default(),
        &mut report,
    );
    assert_eq!(accounts.users.len(), 1, "{accounts:?}");
    assert_eq!(
        accounts.users[0].password, "x",
        "no shadow entry: the field of passwd"
    );
    let groups: Vec<&str> = accounts.groups.iter().map(|g| g.name.as_str()).collect();
    assert_eq!(groups, ["u", "team"]);
    assert_eq!(accounts.system_groups, ["docker"]);
    assert!(report.warnings[0].ends_with(": svc"), "{report:?}");
}

#[test]
fn the_new_systems_files() {
    let mut report = Report::default();
    let plan = planned(&mut report, "rocky 9.4");
    assert_eq!(
        plan.files.passwd.text(),
        "root:x:0:0:root:/root:/bin/bash\n\
         vendor:x:59999:59999:Vendor:/home/vendor:/bin/bash\n\
         postgres:x:26:26::/var/lib/pgsql:/sbin/nologin\n\
         sshd:x:101:65534::/run/sshd:/usr/sbin/nologin\n\
         alice:x:1000:1000:Alice A.:/home/alice:/bin/bash\n\
         bob:x:1001:100::/home/bob:/bin/bash\n"
    );
    assert_eq!(
        plan.files.shadow.text(),
        "root:$6$r$hash:17000:0:99999:7:::\nvendor:!:20000::::::\npostgres:!!:20000::::::\n\
         alice:$6$a$hash:17001:0:90:7:14::\nbob:$1$b$hash:17002:0:99999:7:::\n"
    );
    assert_eq!(
        plan.files.group.text(),
        "root:x:0:\nsudo:x:27:alice\nusers:x:100:\npostgres:x:26:\nvendor:x:59999:\n\
         video:x:59998:vendor\nalice:x:1000:\nstaff2:x:1002:alice,bob\n"
    );
    assert_eq!(
        plan.files.gshadow.text(),
        "sudo:*::alice\nalice:!::\nstaff2:!:bob:alice,bob\n"
    );
    assert_eq!(
        plan.files.subuid.text(),
        "vendor:165536:65536\nalice:100000:65536\n"
    );
    assert_eq!(plan.moved_users, [(1000, 59999)]);
    assert_eq!(plan.moved_groups, [(1000, 59999), (1002, 59998)]);
    assert_eq!(
        plan.homes,
        [
            ("/home/alice".into(), 1000, 1000),
            ("/home/bob".into(), 1001, 100)
        ]
    );
    let warnings = report.warnings.join("\n");
    for part in [
        "postgres is a system account",
        "/bin/zsh",
        "no group docker",
        "bob: the subordinate numbers",
    ] {
        assert!(warnings.contains(part), "{part}: {warnings}");
    }
}

#[test]
fn planning_twice_changes_nothing() {
    let mut report = Report::default();
    let first = planned(&mut report, "debian 12");
    let system = System {
        shells: ["/bin/bash".to_owned()].into(),
        ..System::default()
    };
    let second = plan(&old(&mut report), first.files.clone(), &system, &mut report).unwrap();
    for (a, b) in [
        (&first.files.passwd, &second.files.passwd),
        (&first.files.shadow, &second.files.shadow),
        (&first.files.group, &second.files.group),
        (&first.files.gshadow, &second.files.gshadow),
        (&first.files.subuid, &second.files.subuid),
    ] {
        assert_eq!(a, b);
    }
    assert!(second.moved_users.is_empty() && second.moved_groups.is_empty());
}

#[test]
fn nobody_is_locked_out_and_nobody_let_in() {
    let locked = Accounts {
        users: vec![User {
            name: "root".into(),
            password: "!".into(),
            ..User::default()
        }],
        ..Accounts::default()
    };
    let new = || {
        files(
            "root:x:0:0::/root:/bin/sh\n",
            "root:$6$v$vendor:1::::::\n",
            "",
            "",
            "",
        )
    };
    let mut report = Report::default();
    let plan1 = plan(&locked, new(), &System::default(), &mut report).unwrap();
    assert!(plan1.files.shadow.text().contains("vendor"));
    assert_eq!(report.warnings.len(), 1);
    let mut open = locked.clone();
    open.users[0].password = String::new();
    open.users[0].authorized_keys = "ssh-ed25519 AAAA me".into();
    let plan2 = plan(&open, new(), &System::default(), &mut report).unwrap();
    assert_eq!(
        plan2.files.shadow.text(),
        "root:!:::::::\n",
        "an empty password is locked"
    );
}

#[test]
fn names_cannot_break_out_of_a_line() {
    let evil = |name: &str, gecos: &str| User {
        name: name.into(),
        gecos: gecos.into(),
        uid: 2000,
        home: "/home/x".into(),
        password: "*".into(),
        ..User::default()
    };
    let accounts = Accounts {
        users: vec![
            evil("a:b", ""),
            evil("c\nroot2:x:0:0::/:/bin/sh", ""),
            evil("d", "x\ny:z"),
            evil("..", ""),
        ],
        ..Accounts::default()
    };
    let mut report = Report::default();
    let plan = plan(&accounts, new_files(), &System::default(), &mut report).unwrap();
    assert_eq!(plan.files.passwd.text(), new_files().passwd.text());
    assert_eq!(report.warnings.len(), 4);
}

#[test]
fn hashes_that_a_system_refuses() {
    for (hash, id, warned) in [
        ("$y$j9T$x", "centos 7", true),
        ("$y$j9T$x", "rocky 9.3", false),
        ("$1$x", "rhel 9", false),
        ("abcdefghijklm", "almalinux 9.2", false),
        ("$2b$10$x", "centos 7", true),
        ("$1$x", "debian 12", false),
        ("$6$x", "rhel 9", false),
        ("!!", "rhel 9", false),
    ] {
        let accounts = Accounts {
            users: vec![User {
                name: "root".into(),
                password: hash.into(),
                authorized_keys: "k".into(),
                ..User::default()
            }],
            ..Accounts::default()
        };
        let mut report = Report::default();
        let system = System {
            id: id.into(),
            ..System::default()
        };
        plan(&accounts, new_files(), &system, &mut report).unwrap();
        assert_eq!(
            !report.warnings.is_empty(),
            warned,
            "{hash} {id}: {report:?}"
        );
    }
}

/// Whatever stands in the old files: no second root, no system account with an
/// old user's password, and nothing that the second time does otherwise.
#[test]
fn damaged_account_files() {
    const SUDOERS: &str = "Defaults env_reset\nUser_Alias OPS = alice, \\\n bob\nroot ALL=(ALL:ALL) ALL\n%wheel ALL=(ALL) NOPASSWD: ALL\nOPS ALL = /bin/ls\n#1000 ALL=ALL\n";
    let old = [
        PASSWD,
        SHADOW,
        GROUP,
        GSHADOW,
        SUDOERS,
        "UID_MIN 1000\nGID_MIN\t1000\n",
    ];
    let target = Target {
        name: "account files",
        samples: old.map(|t| t.as_bytes().to_vec()).to_vec(),
        words: b":~::~:0:0:~root~\n~,~+~-~4294967295~65534~postgres~vendor~%~=~ALL~(~\\\n~#~\xff~\
            \0~/",
        hot: vec![],
        rounds: 6000,
    };
    let tally = target.read(|bytes, random| {
        let damaged = String::from_utf8_lossy(bytes);
        let which = random.below(old.len());
        let text = |n: usize| if n == which { damaged.as_ref() } else { old[n] };
        let files = files(text(0), text(1), text(2), text(3), &damaged);
        let sudoers = Sudoers::parse(text(4));
        let mut report = Report::default();
        let accounts = pick(&files, &LoginDefs(text(5).into()), &sudoers, &mut report);
        let system = System {
            sudoers: Sudoers::parse(&damaged),
            ..System::default()
        };
        let first = plan(&accounts, new_files(), &system, &mut report).unwrap();
        let passwd = &first.files.passwd;
        let roots = passwd.entries(3).filter(|e| e[2].parse() == Ok(0));
        assert_eq!(roots.count(), 1, "{}", passwd.text());
        for name in ["postgres", "sshd"] {
            let was = new_files();
            assert_eq!(passwd.get(name), was.passwd.get(name));
            assert_eq!(first.files.shadow.get(name), was.shadow.get(name));
        }
        let second = plan(&accounts, first.files.clone(), &system, &mut report).unwrap();
        assert_eq!(first.files.passwd, second.files.passwd);
        assert_eq!(first.files.shadow, second.files.shadow);
        accounts.users.len() > 2
    });
    tally.at_least(1000, 50);
}
