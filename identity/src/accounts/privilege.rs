// SPDX-License-Identifier: MIT OR Apache-2.0
//! Decides whether an old user gets an account or group that the new system has
//! under the same name. On the two systems different people chose the names of
//! users and services, so the privileges of a name in the new system must not go
//! to somebody who did not have them in the old one.

use super::database::{field, names, number};
use super::files::Files;
use super::model::{Accounts, Group, User};
use super::ranges::{FIRST, NOBODY, is_system};
use super::system::System;

/// Groups by which one becomes root, with sudo or without.
pub(super) const LIKE_ROOT: [&str; 12] = [
    "root",
    "wheel",
    "sudo",
    "admin",
    "docker",
    "lxd",
    "incus-admin",
    "libvirt",
    "disk",
    "shadow",
    "kmem",
    "staff",
];

/// Whether the user could become root in the old system.
fn was_like_root(user: &User, accounts: &Accounts) -> bool {
    let mut groups = user.groups.iter().chain([&user.group]);
    accounts.sudo_users.contains(&user.name)
        || groups.any(|g| {
            accounts.sudo_groups.contains(g)
                || (LIKE_ROOT.contains(&g.as_str()) && accounts.system_groups.contains(g))
        })
}

/// How an account of that name becomes root in the new system.
fn is_like_root(
    name: &str,
    uid: u32,
    gid: Option<u32>,
    files: &Files,
    new: &System,
) -> Option<String> {
    if new.sudoers.names_user(name, uid) {
        return Some("a rule of sudoers".into());
    }
    let group = files.group.entries(3).find(|entry| {
        let (group, number) = (field(entry, 0), number(entry, 2));
        let inside = names(entry, 3).any(|n| n == name) || (number.is_some() && number == gid);
        inside
            && (LIKE_ROOT.contains(&group)
                || new.sudoers.names_group(group, number.unwrap_or(NOBODY)))
    });
    group.map(|entry| format!("the group {}", field(entry, 0)))
}

/// Whether the entry is the user's own from an earlier run, with a number below
/// the new system's UID_MIN.
fn is_own(user: &User, entry: &[String]) -> bool {
    user.uid >= FIRST
        && number(entry, 2) == Some(user.uid)
        && field(entry, 4) == user.gecos
        && field(entry, 5) == user.home
}

/// Why the old user must not get the account with his name in the new system.
pub(crate) fn why_apart(
    user: &User,
    accounts: &Accounts,
    files: &Files,
    new: &System,
) -> Option<String> {
    let name = &user.name;
    let entry = files.passwd.get(name);
    let uid = match entry {
        Some(entry) => number(entry, 2).unwrap_or(NOBODY),
        None => user.uid,
    };
    let foreign = entry.is_some_and(|e| !is_own(user, e));
    if foreign && is_system(uid, new.login_defs.first_uid()) {
        return Some(format!("{name} is a system account of the new system"));
    }
    let how = is_like_root(name, uid, entry.and_then(|e| number(e, 3)), files, new)?;
    (!was_like_root(user, accounts)).then(|| {
        format!("{name} becomes root in the new system by {how}, and could not in the old one")
    })
}

/// Why members of an old group are not made members of the new system's group
/// of that name, or the group is not made there.
pub(crate) fn why_not_member(
    group: &str,
    old_gid: Option<u32>,
    accounts: &Accounts,
    files: &Files,
    new: &System,
) -> Option<String> {
    let found = files
        .group
        .get(group)
        .map(|e| number(e, 2).unwrap_or(NOBODY));
    // A people's group of the old system, with a number below GID_MIN.
    let own = |gid: u32| {
        let same = |g: &Group| g.name == group && g.gid == gid && gid >= FIRST;
        accounts.groups.iter().any(same)
    };
    let system = found.is_some_and(|gid| is_system(gid, new.login_defs.first_gid()) && !own(gid));
    let sudo = new
        .sudoers
        .names_group(group, found.or(old_gid).unwrap_or(NOBODY));
    if !system && !sudo || accounts.sudo_groups.iter().any(|g| g == group) {
        return None;
    }
    if system && accounts.system_groups.iter().any(|g| g == group) {
        return None;
    }
    Some(match (system, sudo) {
        (true, _) => {
            format!("{group} is a system group of the new system and was none in the old one")
        }
        _ => format!(
            "{group} gives the right to become root in the new system (sudoers) and did not in the old one"
        ),
    })
}
