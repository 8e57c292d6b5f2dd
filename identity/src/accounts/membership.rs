// SPDX-License-Identifier: MIT OR Apache-2.0
//! Which groups of the new system an old user is in.

use super::database::{Table, field, names, number};
use super::files::Files;
use super::model::{Accounts, User};
use super::numbers::Carried;
use super::privilege::why_not_member;
use super::ranges::{NOBODY, is_system};
use super::system::System;
use crate::report::Report;

/// Admins' group on EL and on Debian.
const ADMINS: [&str; 2] = ["wheel", "sudo"];

/// The primary group's number; of a group that cannot be his any more it is
/// "users".
pub(super) fn primary(
    user: &User,
    accounts: &Accounts,
    files: &mut Files,
    new: &System,
    report: &mut Report,
) -> u32 {
    let gid = files.group.get(&user.group).and_then(|g| number(g, 2));
    let why = match gid {
        None => format!("the new system has no group {:?}", user.group),
        Some(gid) => match why_not_member(&user.group, Some(user.gid), accounts, files, new) {
            None => return gid,
            Some(why) => why,
        },
    };
    let users = users_group(files);
    report.warn(format!(
        "{why}; the primary group of {} is \"users\" now",
        user.name
    ));
    users
}

/// The number of the group "users", which is made if there is none.
fn users_group(files: &mut Files) -> u32 {
    if let Some(gid) = files.group.get("users").and_then(|g| number(g, 2)) {
        return gid;
    }
    let taken: Vec<u32> = files
        .group
        .entries(3)
        .filter_map(|g| number(g, 2))
        .collect();
    // 100 is its number on both families.
    let free = std::iter::once(100).chain((101..NOBODY).rev());
    let gid = free
        .into_iter()
        .find(|n| !taken.contains(n))
        .unwrap_or(NOBODY);
    let line = [
        "users".to_owned(),
        "x".to_owned(),
        gid.to_string(),
        String::new(),
    ];
    files.group.set(line.to_vec());
    gid
}

/// Makes a user a member of his other groups, as far as they are the same
/// groups.
pub(super) fn join(
    user: &User,
    accounts: &Accounts,
    files: &mut Files,
    new: &System,
    report: &mut Report,
) {
    for group in &user.groups {
        let found = files.group.get(group).is_some();
        if found {
            match why_not_member(group, None, accounts, files, new) {
                None => add(files, &user.name, group),
                Some(why) => report.warn(format!("{why}; {} is not in it any more", user.name)),
            }
        } else if let Some(other) = other_admins(group, accounts, files, new) {
            add(files, &user.name, other);
            report.done(format!(
                "{} was in the group {group} and is in {other} now",
                user.name
            ));
        } else {
            report.warn(format!(
                "the new system has no group {group}, which {} was in",
                user.name
            ));
        }
    }
}

/// What the new system calls its admins' group, for members of the old one's;
/// only if that made them admins.
fn other_admins(
    group: &str,
    accounts: &Accounts,
    files: &Files,
    new: &System,
) -> Option<&'static str> {
    let gave = accounts.sudo_groups.iter().any(|g| g == group)
        && accounts.system_groups.iter().any(|g| g == group);
    let system = |name: &&&str| {
        let gid = files.group.get(name).and_then(|g| number(g, 2));
        gid.is_some_and(|gid| is_system(gid, new.login_defs.first_gid()))
    };
    (ADMINS.contains(&group) && gave).then(|| ADMINS.iter().find(system).copied())?
}

fn add(files: &mut Files, user: &str, group: &str) {
    for table in [&mut files.group, &mut files.gshadow] {
        let Some(mut entry) = table.get(group).map(<[String]>::to_vec) else {
            continue;
        };
        entry.resize(entry.len().max(4), String::new());
        if !names(&entry, 3).any(|n| n == user) {
            let mut all: Vec<&str> = names(&entry, 3).collect();
            all.push(user);
            let all = all.join(",");
            if let Some(field) = entry.get_mut(3) {
                *field = all;
            }
            table.set(entry);
        }
    }
}

/// Adds subordinate numbers, unless they overlap with those of others.
pub(super) fn subordinate(user: &User, files: &mut Files, report: &mut Report) {
    let numbers =
        |table: &Table| -> Vec<u32> { table.entries(3).filter_map(|e| number(e, 2)).collect() };
    let (users, groups) = (numbers(&files.passwd), numbers(&files.group));
    for (table, ranges, accounts) in [
        (&mut files.subuid, &user.subuid, users),
        (&mut files.subgid, &user.subgid, groups),
    ] {
        for &(first, count) in ranges {
            let end = first.saturating_add(count);
            let of = |e: &[String]| (number(e, 1).unwrap_or(0), number(e, 2).unwrap_or(0));
            let mine = |e: &[String]| field(e, 0) == user.name && of(e) == (first, count);
            if table.entries(3).any(mine) {
                continue;
            }
            let overlaps = table.entries(3).any(|e| {
                let (f, c) = of(e);
                first < f.saturating_add(c) && f < end
            });
            let whole = count > 0 && first.checked_add(count - 1).is_some();
            if overlaps || !whole || accounts.iter().any(|n| (first..end).contains(n)) {
                report.warn(format!(
                    "{}: the subordinate numbers {first} to {} are taken; not carried over",
                    user.name,
                    end.saturating_sub(1)
                ));
                continue;
            }
            table.push(vec![
                user.name.clone(),
                first.to_string(),
                count.to_string(),
            ]);
        }
    }
}

/// Makes the old groups that the new system lacks and may have.
pub(super) fn make_groups(
    accounts: &Accounts,
    carried: &Carried,
    users: &Carried,
    files: &mut Files,
    report: &mut Report,
) {
    for group in &accounts.groups {
        let made = carried.contains(&(group.name.clone(), group.gid));
        if !made || files.group.get(&group.name).is_some() {
            continue;
        }
        let gid = group.gid.to_string();
        let line = [group.name.clone(), "x".to_owned(), gid, String::new()];
        files.group.set(line.to_vec());
        let (admins, gone): (Vec<&String>, Vec<&String>) = group
            .admins
            .iter()
            .partition(|a| users.iter().any(|(name, _)| name == *a));
        for name in gone {
            report.warn(format!(
                "{name:?} is no user of the new system, or another one, and not an administrator of the group {} any more",
                group.name
            ));
        }
        let admins: Vec<&str> = admins.iter().map(|a| a.as_str()).collect();
        let secret = match group.password.as_str() {
            "" => "!",
            hash => hash,
        };
        files.gshadow.set(vec![
            group.name.clone(),
            secret.to_owned(),
            admins.join(","),
            String::new(),
        ]);
    }
}
