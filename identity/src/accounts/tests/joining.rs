// SPDX-License-Identifier: MIT OR Apache-2.0
//! Who gets what the new system has under his name.

use super::*;

const OLD_DEFS: &str = "UID_MIN 1000\nGID_MIN 1000\n";

fn old(passwd: &str, group: &str, sudoers: &str) -> (Accounts, Report) {
    let shadow: String = Table::parse(passwd)
        .entries(1)
        .map(|e| format!("{0}:$6${0}$old:1::::::\n", e[0]))
        .collect();
    let mut report = Report::default();
    let files = files(passwd, &shadow, group, "", "");
    let accounts = pick(
        &files,
        &LoginDefs(OLD_DEFS.into()),
        &Sudoers::parse(sudoers),
        &mut report,
    );
    (accounts, report)
}

fn join(accounts: &Accounts, passwd: &str, group: &str, sudoers: &str) -> (Plan, String) {
    let new = files(passwd, "root:!:1::::::\n", group, "", "");
    let system = System {
        sudoers: Sudoers::parse(sudoers),
        shells: ["/bin/sh".to_owned()].into(),
        ..System::default()
    };
    let mut report = Report::default();
    let first = plan(accounts, new, &system, &mut report).unwrap();
    // An interrupted step is done again, on its own result.
    let mut again = Report::default();
    let second = plan(accounts, first.files.clone(), &system, &mut again).unwrap();
    assert_eq!(first.files.passwd, second.files.passwd);
    assert_eq!(first.files.group, second.files.group);
    assert_eq!(first.files.shadow, second.files.shadow);
    (first, report.warnings.join("\n"))
}

fn members(plan: &Plan, group: &str) -> String {
    let entry = plan.files.group.get(group).unwrap();
    entry.get(3).cloned().unwrap_or_default()
}

#[test]
fn a_system_account_is_never_an_old_users() {
    let (accounts, _) = old(
        "root:x:0:0::/root:/bin/sh\ntoor:x:1500:1500::/home/toor:/bin/sh\nbackup:x:1501:1501::/home/b:/bin/sh\nsvc:x:1502:1502::/home/s:/bin/sh\nnone:x:1503:1503::/home/n:/bin/sh\n",
        "toor:x:1500:\nbackup:x:1501:\ntape:x:26:toor\n",
        "",
    );
    let (plan, warnings) = join(
        &accounts,
        "root:x:0:0::/root:/bin/sh\ntoor:x:0:0::/root:/bin/sh\nbackup:x:34:34::/var/backups:/bin/sh\nsvc:x:999:999::/:/bin/sh\nnone:x:65534:65534::/:/bin/sh\n",
        "root:x:0:\ntape:x:26:\nbackup:x:34:\n",
        "",
    );
    assert_eq!(plan.files.shadow.text(), "root:$6$root$old:1::::::\n");
    assert_eq!(members(&plan, "tape"), "");
    assert_eq!(plan.homes, []);
    for name in ["toor", "backup", "svc", "none"] {
        let message = format!("{name} is a system account of the new system");
        assert!(warnings.contains(&message), "{warnings}");
    }
}

#[test]
fn root_is_who_has_number_0() {
    let (accounts, report) = old(
        "admin:x:0:0::/root:/bin/sh\nroot:x:1500:100::/home/root:/bin/sh\n",
        "users:x:100:\n",
        "",
    );
    assert!(report.warnings[0].contains("\"admin\""), "{report:?}");
    let (plan, warnings) = join(
        &accounts,
        "root:x:0:0::/root:/bin/sh\n",
        "users:x:100:\n",
        "",
    );
    assert_eq!(plan.files.shadow.text(), "root:$6$admin$old:1::::::\n");
    assert!(warnings.contains("root is a system account"), "{warnings}");

    // Beside root, a second account with its number is only told.
    let (accounts, report) = old(
        "toor:x:0:0::/root:/bin/sh\nroot:x:0:0::/root:/bin/sh\n",
        "",
        "",
    );
    assert_eq!(accounts.users.len(), 1);
    assert!(report.warnings[0].contains("toor"), "{report:?}");
    let (plan, _) = join(&accounts, "root:x:0:0::/root:/bin/sh\n", "", "");
    assert_eq!(plan.files.shadow.text(), "root:$6$root$old:1::::::\n");
}

#[test]
fn groups_that_give_privileges_are_given_only_by_a_system_group_of_that_name() {
    let (accounts, _) = old(
        "root:x:0:0::/root:/bin/sh\nalice:x:1000:1001::/home/alice:/bin/sh\nbob:x:1005:6::/home/bob:/bin/sh\n",
        "disk:x:6:alice\nplugdev:x:46:alice\ndocker:x:1001:bob\nshadow:x:1002:alice\nkvm:x:1003:alice\nteam:x:1004:alice,bob\n",
        "",
    );
    let (plan, warnings) = join(
        &accounts,
        "root:x:0:0::/root:/bin/sh\n",
        "root:x:0:\ndisk:x:6:\nplugdev:x:46:\nshadow:x:42:\ndocker:x:990:\nkvm:x:109:\nusers:x:100:\n",
        "",
    );
    assert_eq!(members(&plan, "disk"), "alice");
    assert_eq!(members(&plan, "plugdev"), "alice");
    assert_eq!(members(&plan, "team"), "alice,bob");
    for group in ["shadow", "docker", "kvm"] {
        assert_eq!(members(&plan, group), "", "{group}");
        let message = format!("{group} is a system group of the new system");
        assert!(warnings.contains(&message), "{warnings}");
    }
    let passwd = plan.files.passwd.text();
    // docker was alice's primary group, disk is bob's in both systems.
    assert!(passwd.contains("alice:x:1000:100:"), "{passwd}");
    assert!(passwd.contains("bob:x:1005:6:"), "{passwd}");
}

#[test]
fn what_sudo_names_is_a_privilege_too() {
    let (accounts, _) = old(
        "root:x:0:0::/root:/bin/sh\nadmin:x:1000:1000::/home/admin:/bin/sh\nubuntu:x:1001:100::/home/ubuntu:/bin/sh\ncarol:x:1002:100::/home/carol:/bin/sh\n",
        "users:x:100:\nadmin:x:1000:\nops:x:1003:carol\n",
        "%ops ALL=(ALL) ALL\n",
    );
    let sudoers = "%admin ALL=(ALL) ALL\n%sudo ALL=(ALL:ALL) ALL\nubuntu ALL=(ALL) NOPASSWD:ALL\n%ops ALL=ALL\n";
    let (plan, warnings) = join(
        &accounts,
        "root:x:0:0::/root:/bin/sh\n",
        "root:x:0:\nsudo:x:27:\nusers:x:100:\n",
        sudoers,
    );
    // The group of that name would make its user root, as Ubuntu comes.
    assert!(plan.files.group.get("admin").is_none());
    let passwd = plan.files.passwd.text();
    assert!(passwd.contains("admin:x:1000:100:"), "{passwd}");
    assert!(plan.files.passwd.get("ubuntu").is_none(), "{passwd}");
    assert!(warnings.contains("ubuntu becomes root in the new system by a rule of sudoers"));
    assert!(warnings.contains("admin gives the right to become root"));
    // Who could become root by a rule still can.
    assert_eq!(members(&plan, "ops"), "carol");
}

#[test]
fn an_admin_of_the_payload_is_joined_only_by_an_admin() {
    let passwd = "root:x:0:0::/root:/bin/sh\ndebian:x:1000:1000::/home/debian:/bin/sh\n";
    let group = "root:x:0:\nsudo:x:27:debian\ndebian:x:1000:\n";
    let old_passwd = "root:x:0:0::/root:/bin/sh\ndebian:x:1500:100::/home/debian:/bin/sh\n";
    let (accounts, _) = old(old_passwd, "users:x:100:\n", "");
    let (plan, warnings) = join(&accounts, passwd, group, "");
    assert!(plan.files.shadow.get("debian").is_none());
    assert!(
        warnings.contains("debian becomes root in the new system by the group sudo"),
        "{warnings}"
    );
    let (accounts, _) = old(
        old_passwd,
        "users:x:100:\nwheel:x:10:debian\n",
        "%wheel ALL=(ALL) ALL\n",
    );
    let (plan, _) = join(&accounts, passwd, group, "");
    assert!(plan.files.shadow.get("debian").is_some());
}

#[test]
fn admins_stay_admins_where_their_group_has_another_name() {
    let passwd = "root:x:0:0::/root:/bin/sh\neve:x:1000:1000::/home/eve:/bin/sh\n";
    let group = "wheel:x:10:eve\neve:x:1000:\n";
    for (sudoers, want) in [("%wheel ALL=(ALL) ALL\n", "eve"), ("# nothing\n", "")] {
        let (accounts, _) = old(passwd, group, sudoers);
        let (plan, warnings) = join(
            &accounts,
            "root:x:0:0::/root:/bin/sh\n",
            "root:x:0:\nsudo:x:27:\n",
            "%sudo ALL=(ALL:ALL) ALL\n",
        );
        assert_eq!(members(&plan, "sudo"), want);
        assert_eq!(
            want.is_empty(),
            warnings.contains("no group wheel"),
            "{warnings}"
        );
    }
}

#[test]
fn two_accounts_with_one_number_stay_two() {
    let (accounts, _) = old(
        "root:x:0:0::/root:/bin/sh\nshop:x:1000:1000::/srv/shop:/bin/sh\nshopftp:x:1000:1001::/srv/shop/ftp:/bin/sh\n",
        "shop:x:1000:\nweb:x:1001:shop\nftp:x:1001:\n",
        "",
    );
    let (plan, _) = join(
        &accounts,
        "root:x:0:0::/root:/bin/sh\nvendor:x:1000:1000::/home/v:/bin/sh\nvendor2:x:1000:1001::/home/v2:/bin/sh\n",
        "root:x:0:\nvendor:x:1000:\nvideo:x:1001:\n",
        "",
    );
    assert_eq!(
        plan.files.passwd.text(),
        "root:x:0:0::/root:/bin/sh\nvendor:x:59999:59998::/home/v:/bin/sh\nvendor2:x:59999:59999::/home/v2:/bin/sh\n\
         shop:x:1000:1000::/srv/shop:/bin/sh\nshopftp:x:1000:1001::/srv/shop/ftp:/bin/sh\n"
    );
    assert_eq!(
        plan.files.group.text(),
        "root:x:0:\nvendor:x:59998:\nvideo:x:59999:\nshop:x:1000:\nweb:x:1001:shop\nftp:x:1001:\n"
    );
    assert_eq!(plan.moved_users, [(1000, 59999)]);
    assert_eq!(plan.moved_groups, [(1001, 59999), (1000, 59998)]);
    assert_eq!(
        plan.homes,
        [
            ("/srv/shop".into(), 1000, 1000),
            ("/srv/shop/ftp".into(), 1000, 1001)
        ]
    );
}

#[test]
fn impossible_numbers_and_fields_are_reported_on_the_old_system() {
    let long = "x".repeat(300);
    let (accounts, report) = old(
        &format!(
            "root:x:0:0::/root:/bin/sh\na:x:4294967295:100::/home/a:/bin/sh\nb:x:65535:100::/home/b:/bin/sh\nc:x:1000:100:Tab\there:/home/c:/bin/sh\nd:x:1001:100::/home/{long}:/bin/sh\nc:x:1002:100::/home/c:/bin/sh\ne:x:99999999999:100::/home/e:/bin/sh\n"
        ),
        "users:x:100:\n",
        "",
    );
    let names: Vec<&str> = accounts.users.iter().map(|u| u.name.as_str()).collect();
    assert_eq!(names, ["root", "c", "d"]);
    assert_eq!(accounts.users[1].gecos, "Tabhere");
    let message = report.warnings.join("\n");
    for part in [
        "\"a\" has a number",
        "\"b\" has a number",
        "\"e\" has a number",
        "comment of passwd",
        "d: no home directory will be made",
        "\"c\" twice",
    ] {
        assert!(message.contains(part), "{part}: {message}");
    }
}

#[test]
fn subordinate_numbers_hold_no_account() {
    let (mut accounts, _) = old(
        "root:x:0:0::/root:/bin/sh\na:x:1000:100::/home/a:/bin/sh\n",
        "users:x:100:\n",
        "",
    );
    accounts.users[1].subuid = vec![(1, 65536), (200_000, 65536), (u32::MAX, 5)];
    let (plan, warnings) = join(
        &accounts,
        "root:x:0:0::/root:/bin/sh\nsshd:x:74:74::/:/bin/sh\n",
        "users:x:100:\n",
        "",
    );
    assert_eq!(plan.files.subuid.text(), "a:200000:65536\n");
    assert!(warnings.contains("1 to 65536"), "{warnings}");
}
