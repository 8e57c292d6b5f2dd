// SPDX-License-Identifier: MIT OR Apache-2.0
//! root and the users of the old system.

use super::authorized;
use super::database::{Table, field, is_field, is_name, names, number};
use super::files::Files;
use super::homes::too_long;
use super::login_defs::LoginDefs;
use super::model::{Accounts, Group, User};
use super::people::{self, Kind};
use super::ranges::{NOBODY, is_system};
use super::sudoers::Sudoers;
use crate::error::Result;
use crate::report::Report;
use rootdir::RootDir;
use std::collections::BTreeSet;

/// Reads root and the users of the system below `root`, with their ssh keys.
pub(crate) fn collect(root: &RootDir, report: &mut Report) -> Result<Accounts> {
    let files = Files::read(root)?;
    let (login_defs, sudoers) = (LoginDefs::read(root)?, Sudoers::read(root)?);
    let mut accounts = pick(&files, &login_defs, &sudoers, report);
    let nsswitch = root.text("etc/nsswitch.conf")?.unwrap_or_default();
    let has_sssd = root.exists("etc/sssd/sssd.conf")?;
    if let Some(source) = people::elsewhere(&files, &nsswitch, has_sssd) {
        report.warn(format!(
            "accounts that come from elsewhere ({source}: etc/nsswitch.conf) are not carried over, nor is what asks for them"
        ));
        accounts.other_way(format!("accounts of {source}"));
    }
    let apart = apart(&files, &accounts);
    authorized::collect(root, &files, &mut accounts, &apart, report)?;
    Ok(accounts)
}

/// Picks root and the users out of the account files.
pub(super) fn pick(
    files: &Files,
    login_defs: &LoginDefs,
    sudoers: &Sudoers,
    report: &mut Report,
) -> Accounts {
    let mut accounts = Accounts::default();
    let mut services = Vec::new();
    let root = superuser(files);
    let mut seen = BTreeSet::new();
    for entry in files.passwd.entries(7) {
        let name = field(entry, 0);
        let numbers = (number(entry, 2), number(entry, 3));
        let (Some(uid), Some(gid)) = numbers else {
            report.warn(format!(
                "the user {name:?} has a number that is none; not carried over"
            ));
            continue;
        };
        let is_root = uid == 0 && root == Some(name);
        if !seen.insert(name) {
            report.warn(format!(
                "passwd has the user {name:?} twice; the first line counts"
            ));
            continue;
        }
        let kind = people::kind(uid, login_defs.users_from());
        if !is_root && kind == Kind::System {
            if uid == 0 {
                report.warn(format!(
                    "the user {name:?} has number 0 beside root; not carried over"
                ));
            } else if uid > NOBODY {
                report.warn(format!(
                    "the user {name:?} has a number that nobody can have, {uid}; not carried over"
                ));
            }
            continue;
        }
        let mut user = user(files, entry, (name, uid, gid));
        if !is_root && kind == Kind::Unclear && people::looks_like_a_service(&user) {
            services.push(name);
            continue;
        }
        if is_root && name != "root" {
            report.warn(format!(
                "the user with number 0 is called {name:?}; password and keys go to root of the new system"
            ));
            user.name = "root".into();
        }
        if !is_field(&user.gecos) {
            report.warn(format!(
                "{name:?}: the comment of passwd holds control characters, which are left out"
            ));
            user.gecos.retain(|c| !c.is_control());
        }
        if let Some(why) = user.unwritable() {
            report.warn(format!("the user {name:?} is not carried over: {why}"));
            continue;
        }
        if too_long(&user.home) {
            report.warn(format!(
                "{name}: no home directory will be made, for passwd has one that is too long or too deep"
            ));
        }
        if is_root {
            accounts.users.insert(0, user)
        } else {
            accounts.users.push(user)
        }
    }
    if !services.is_empty() {
        report.warn(format!(
            "accounts with numbers that may be users' and that look like services' (no password, no login shell, no home in /home) are not carried over: {}",
            services.join(", ")
        ));
    }
    accounts.groups = groups(files, login_defs.groups_from(), &accounts.users, report);
    privileges(&mut accounts, files, login_defs, sudoers);
    accounts
}

/// The accounts of the system with which somebody could log in, as far as the
/// shell says.
fn apart(files: &Files, accounts: &Accounts) -> Vec<User> {
    let mut apart: Vec<User> = Vec::new();
    for entry in files.passwd.entries(7) {
        let name = field(entry, 0);
        let (Some(uid), Some(gid)) = (number(entry, 2), number(entry, 3)) else {
            continue;
        };
        let known = |u: &User| u.name == name;
        let is_there = accounts.users.iter().any(known) || apart.iter().any(known);
        // Accounts with number 0 are root's, or have a warning already.
        if uid != 0 && !is_there && people::is_shell(field(entry, 6)) {
            apart.push(user(files, entry, (name, uid, gid)));
        }
    }
    apart
}

/// The groups that people made.
fn groups(files: &Files, first: u32, users: &[User], report: &mut Report) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for entry in files.group.entries(3) {
        let (name, Some(gid)) = (field(entry, 0), number(entry, 2)) else {
            continue;
        };
        match people::kind(gid, first) {
            Kind::Person => {}
            Kind::Unclear if people::is_peoples(entry, users) => {}
            _ => continue,
        }
        if !is_name(name) {
            report.warn(format!(
                "the group name {name:?} cannot be written; not carried over"
            ));
            continue;
        }
        if groups.iter().any(|g| g.name == name) {
            report.warn(format!(
                "the file group has {name:?} twice; the first line counts"
            ));
            continue;
        }
        let secret = files.gshadow.get(name).unwrap_or_default();
        groups.push(Group {
            name: name.to_owned(),
            gid,
            password: field(secret, 1).to_owned(),
            admins: names(secret, 2).map(str::to_owned).collect(),
        });
    }
    groups
}

/// The name of the superuser: root, unless somebody gave it another one.
fn superuser(files: &Files) -> Option<&str> {
    let all = files.passwd.entries(7).filter(|e| number(e, 2) == Some(0));
    let names: Vec<&str> = all.map(|e| field(e, 0)).collect();
    let root = names.iter().find(|n| **n == "root");
    root.or(names.first()).copied()
}

fn user(files: &Files, entry: &[String], (name, uid, gid): (&str, u32, u32)) -> User {
    let secret = files.shadow.get(name).unwrap_or_default();
    // Before shadow files the hash was in passwd itself.
    let password = match secret {
        [] => field(entry, 1),
        _ => field(secret, 1),
    };
    let ranges = |table: &Table| {
        let mine = table
            .entries(3)
            .filter(|l| [name, &uid.to_string()].contains(&field(l, 0)));
        mine.filter_map(|l| Some((number(l, 1)?, number(l, 2)?)))
            .collect::<Vec<_>>()
    };
    let mut groups = files.group.entries(3);
    let group = groups.find(|g| number(g, 2) == Some(gid));
    User {
        name: name.to_owned(),
        uid,
        gid,
        group: group.map_or("", |g| field(g, 0)).to_owned(),
        gecos: field(entry, 4).to_owned(),
        home: field(entry, 5).to_owned(),
        shell: field(entry, 6).to_owned(),
        password: password.to_owned(),
        aging: (2..9)
            .map(|n| field(secret, n))
            .collect::<Vec<_>>()
            .join(":"),
        groups: files
            .group
            .entries(4)
            .filter(|g| names(g, 3).any(|n| n == name))
            .map(|g| field(g, 0).to_owned())
            .collect(),
        subuid: ranges(&files.subuid),
        subgid: ranges(&files.subgid),
        authorized_keys: String::new(),
    }
}

/// Notes which users could become root, and which system groups they are in.
fn privileges(accounts: &mut Accounts, files: &Files, login_defs: &LoginDefs, sudoers: &Sudoers) {
    let gid_min = login_defs.first_gid();
    let users = &accounts.users;
    let sudo = |u: &&User| sudoers.all_for_user(&u.name, u.uid);
    let sudo_users = users.iter().filter(sudo).map(|u| u.name.clone()).collect();
    let used: BTreeSet<&String> = users
        .iter()
        .flat_map(|u| u.groups.iter().chain([&u.group]))
        .collect();
    let (mut system_groups, mut sudo_groups) = (Vec::new(), Vec::new());
    for name in used {
        let Some(gid) = files.group.get(name).and_then(|g| number(g, 2)) else {
            continue;
        };
        let peoples = accounts.groups.iter().any(|g| g.name == *name);
        if is_system(gid, gid_min) && !peoples {
            system_groups.push(name.clone());
        }
        if sudoers.all_for_group(name, gid) {
            sudo_groups.push(name.clone());
        }
    }
    accounts.sudo_users = sudo_users;
    accounts.system_groups = system_groups;
    accounts.sudo_groups = sudo_groups;
}
