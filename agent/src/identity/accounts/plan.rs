// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the account files of the new system become. Pure: tables in, tables
//! out; nothing is written before all of it is known.
//!
//! Names come first, numbers second. The payload's system accounts stay. Users
//! keep their numbers, because file servers and backups know them by number; an
//! account of the payload that has such a number moves to a free one, together
//! with its files.

use super::collect::{Files, NOBODY, first_number};
use super::database::{field, is_field, is_name, names, number};
use super::{Accounts, User};
use crate::identity::error::{Error, Result};
use crate::identity::outcome::Report;
use std::collections::BTreeSet;

/// What is to be done.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    /// The files as they shall be.
    pub files: Files,
    /// Users of the payload whose files get another number: from, to.
    pub moved_users: Vec<(u32, u32)>,
    /// Groups of the payload whose files get another number: from, to.
    pub moved_groups: Vec<(u32, u32)>,
    /// Homes: path, user number, group number; made if they are missing.
    pub homes: Vec<(String, u32, u32)>,
}

/// What the plan must know of the new system beside its account files.
#[derive(Debug, Default)]
pub(crate) struct System {
    /// Text of login.defs.
    pub login_defs: String,
    /// Login shells that exist.
    pub shells: BTreeSet<String>,
    /// ID of os-release with the number, "centos 7".
    pub id: String,
}

/// Admins' group on EL and on Debian.
const ADMINS: [&str; 2] = ["wheel", "sudo"];

/// Joins the old system's accounts with the new system's files.
pub(crate) fn plan(
    accounts: &Accounts,
    mut files: Files,
    system: &System,
    report: &mut Report,
) -> Result<Plan> {
    let uid_min = first_number(&system.login_defs, "UID_MIN");
    let gid_min = first_number(&system.login_defs, "GID_MIN");
    let mut plan = Plan::default();
    // Numbers that an account of the payload must not move to.
    let uids: BTreeSet<u32> = accounts.users.iter().map(|u| u.uid).collect();
    let gids: BTreeSet<u32> = accounts.groups.iter().map(|g| g.gid).collect();
    let good: Vec<&User> = accounts
        .users
        .iter()
        .filter(|u| {
            let fields = [&u.gecos, &u.home, &u.shell, &u.password];
            let good = is_name(&u.name) && fields.iter().all(|f| is_field(f));
            if !good {
                report.warn(format!(
                    "the user {:?} cannot be written and is left out",
                    u.name
                ));
            }
            good
        })
        .collect();
    for group in &accounts.groups {
        if !is_name(&group.name) {
            continue;
        }
        // A group of the payload with that name keeps the payload's number.
        if files.group.get(&group.name).is_none() {
            let moved = clear_gid(&mut files, group.gid, gid_min, &gids, report)?;
            plan.moved_groups.extend(moved);
            files
                .group
                .set(line([&group.name, "x", &group.gid.to_string(), ""]));
            let admins = group
                .admins
                .iter()
                .filter(|a| is_name(a))
                .cloned()
                .collect::<Vec<_>>();
            let secret = if group.password.is_empty() || !is_field(&group.password) {
                "!"
            } else {
                &group.password
            };
            files
                .gshadow
                .set(line([&group.name, secret, &admins.join(","), ""]));
        }
    }
    let way_in = good.iter().any(|u| can_log_in(u));
    for user in good {
        if user.name == "root" {
            if !can_log_in(user) && !way_in {
                report.warn("nobody could log in to the old system with a password or a key; root's password is the payload's");
            } else {
                secret(&mut files, user, system, report);
            }
            continue;
        }
        if files.passwd.get(&user.name).is_none() {
            let moved = clear_uid(&mut files, user.uid, uid_min, &uids, report)?;
            plan.moved_users.extend(moved);
        }
        plan.homes
            .extend(add(user, &mut files, system, uid_min, report));
    }
    plan.files = files;
    Ok(plan)
}

fn line<const N: usize>(fields: [&str; N]) -> Vec<String> {
    fields.iter().map(|f| (*f).to_owned()).collect()
}

fn can_log_in(user: &User) -> bool {
    let hash = !user.password.is_empty() && !user.password.starts_with(['!', '*', 'x']);
    hash || !user.authorized_keys.trim().is_empty()
}

/// Adds a user, or what the old system knows of one that is there. Returns the
/// home with its owner.
fn add(
    user: &User,
    files: &mut Files,
    system: &System,
    uid_min: u32,
    report: &mut Report,
) -> Option<(String, u32, u32)> {
    let name = user.name.as_str();
    let existing = files.passwd.get(name).map(<[String]>::to_vec);
    let (uid, gid) = match &existing {
        Some(entry) => {
            let uid = number(entry, 2).unwrap_or(NOBODY);
            if uid < uid_min {
                report.warn(format!(
                    "{name} is a system account of the new system; the old user's password and groups are not carried over"
                ));
                return None;
            }
            if uid != user.uid {
                report.warn(format!(
                    "{name} has number {uid} in the new system and had {} in the old one",
                    user.uid
                ));
            }
            (uid, number(entry, 3).unwrap_or(uid))
        }
        None => {
            let gid = match files.group.get(&user.group).and_then(|g| number(g, 2)) {
                Some(gid) => gid,
                None => users_group(files, user, report),
            };
            let shell = shell(user, system, report);
            files.passwd.set(line([
                name,
                "x",
                &user.uid.to_string(),
                &gid.to_string(),
                &user.gecos,
                &user.home,
                &shell,
            ]));
            report.done(format!("user {name} with number {}", user.uid));
            (user.uid, gid)
        }
    };
    let entry = files.passwd.get(name).unwrap_or_default();
    let home = field(entry, 5).to_owned();
    secret(files, user, system, report);
    for group in &user.groups {
        member(files, name, group, report);
    }
    for (table, ranges) in [
        (&mut files.subuid, &user.subuid),
        (&mut files.subgid, &user.subgid),
    ] {
        subordinate(table, name, ranges, report);
    }
    (home.starts_with('/') && home.len() > 1).then_some((home, uid, gid))
}

/// A primary group that the new system lacks by name (a system group of the
/// old one): the group "users", or one of the user's own name.
fn users_group(files: &mut Files, user: &User, report: &mut Report) -> u32 {
    let users = files
        .group
        .get("users")
        .and_then(|g| number(g, 2))
        .unwrap_or(100);
    report.warn(format!(
        "the new system has no group {:?}, the primary one of {}; it is \"users\" now",
        user.group, user.name
    ));
    users
}

fn shell(user: &User, system: &System, report: &mut Report) -> String {
    let wanted = user.shell.as_str();
    let plain = if wanted.is_empty() { "/bin/sh" } else { wanted };
    // /sbin/nologin is /usr/sbin/nologin elsewhere.
    let base = plain.rsplit('/').next().unwrap_or_default();
    let nearly = ["/bin", "/usr/bin", "/sbin", "/usr/sbin"].map(|d| format!("{d}/{base}"));
    let mut choices = std::iter::once(plain.to_owned()).chain(nearly);
    if let Some(shell) = choices.find(|s| system.shells.contains(s)) {
        return shell;
    }
    let other = ["/bin/bash", "/bin/sh"]
        .into_iter()
        .find(|s| system.shells.contains(*s));
    let other = other.unwrap_or("/bin/sh").to_owned();
    report.warn(format!(
        "{}: the new system has no {wanted}; the shell is {other} now",
        user.name
    ));
    other
}

/// Puts the password's hash and its aging into shadow.
fn secret(files: &mut Files, user: &User, system: &System, report: &mut Report) {
    if user.password.is_empty() {
        // An empty field would let anybody in.
        report.warn(format!(
            "{} had no password; the account is locked",
            user.name
        ));
    }
    if let Some(reason) = refused(&user.password, &system.id) {
        report.warn(format!(
            "{}: {reason}; set a new password on the console",
            user.name
        ));
    }
    let password = if user.password.is_empty() {
        "!"
    } else {
        &user.password
    };
    let mut aging: Vec<&str> = user.aging.split(':').collect();
    aging.resize(7, "");
    let aging: Vec<String> = aging
        .iter()
        .map(|a| {
            if a.parse::<i64>().is_ok() {
                (*a).to_owned()
            } else {
                String::new()
            }
        })
        .collect();
    let mut entry = vec![user.name.clone(), password.to_owned()];
    entry.extend(aging);
    files.shadow.set(entry);
    if let Some(entry) = files.passwd.get(&user.name).map(<[String]>::to_vec) {
        let mut entry = entry;
        // The hash must not be in passwd, too.
        if let Some(field) = entry.get_mut(1) {
            *field = "x".to_owned();
        }
        files.passwd.set(entry);
    }
}

/// Why the new system does not take a hash.
fn refused(hash: &str, system: &str) -> Option<String> {
    let hash = hash.trim_start_matches('!');
    let (id, version) = system.split_once(' ').unwrap_or((system, ""));
    let major: u32 = version
        .split('.')
        .next()
        .unwrap_or_default()
        .parse()
        .unwrap_or(0);
    let el = ["rhel", "centos", "rocky", "almalinux", "ol", "scientific"].contains(&id);
    if el
        && major <= 7
        && (hash.starts_with("$y$") || hash.starts_with("$gy$") || hash.starts_with("$7$"))
    {
        return Some(format!(
            "{id} {version} does not know yescrypt password hashes"
        ));
    }
    let old = hash.starts_with("$1$") || (hash.len() == 13 && !hash.starts_with(['$', '*', '!']));
    if el && major >= 9 && old {
        return Some(format!(
            "{id} {version} refuses MD5 and DES password hashes"
        ));
    }
    None
}

fn member(files: &mut Files, user: &str, group: &str, report: &mut Report) {
    let mut group = group;
    if files.group.get(group).is_none() && ADMINS.contains(&group) {
        let other = ADMINS.iter().find(|a| files.group.get(a).is_some());
        if let Some(other) = other {
            report.done(format!(
                "{user} was in the group {group} and is in {other} now"
            ));
            group = other;
        }
    }
    if files.group.get(group).is_none() {
        report.warn(format!(
            "the new system has no group {group}, which {user} was in"
        ));
        return;
    }
    for (table, at) in [(&mut files.group, 3), (&mut files.gshadow, 3)] {
        let Some(mut entry) = table.get(group).map(<[String]>::to_vec) else {
            continue;
        };
        entry.resize(entry.len().max(at + 1), String::new());
        if !names(&entry, at).any(|n| n == user) {
            let mut all: Vec<&str> = names(&entry, at).collect();
            all.push(user);
            let all = all.join(",");
            if let Some(field) = entry.get_mut(at) {
                *field = all;
            }
            table.set(entry);
        }
    }
}

/// Subordinate numbers must not overlap anybody else's.
fn subordinate(
    table: &mut super::database::Table,
    user: &str,
    ranges: &[(u32, u32)],
    report: &mut Report,
) {
    for &(first, count) in ranges {
        let overlaps = table.entries(3).any(|l| {
            let (f, c) = (number(l, 1).unwrap_or(0), number(l, 2).unwrap_or(0));
            first < f.saturating_add(c) && f < first.saturating_add(count)
        });
        let mine = table.entries(3).any(|l| {
            field(l, 0) == user && number(l, 1) == Some(first) && number(l, 2) == Some(count)
        });
        if mine {
            continue;
        }
        if overlaps {
            report.warn(format!(
                "{user}: the subordinate numbers {first} to {} are taken; not carried over",
                first.saturating_add(count).saturating_sub(1)
            ));
            continue;
        }
        table.push(line([user, &first.to_string(), &count.to_string()]));
    }
}

/// Moves an account of the payload away from a number.
fn clear_uid(
    files: &mut Files,
    uid: u32,
    uid_min: u32,
    reserved: &BTreeSet<u32>,
    report: &mut Report,
) -> Result<Option<(u32, u32)>> {
    let Some(mut entry) = files
        .passwd
        .entries(4)
        .find(|l| number(l, 2) == Some(uid))
        .map(<[String]>::to_vec)
    else {
        return Ok(None);
    };
    let name = field(&entry, 0).to_owned();
    let mut taken = reserved.clone();
    taken.extend(files.passwd.entries(4).filter_map(|l| number(l, 2)));
    let free = free_number(&taken, uid, uid_min).ok_or_else(|| Error::NoFreeNumber {
        kind: "user",
        name: name.clone(),
        file: "passwd",
    })?;
    if let Some(field) = entry.get_mut(2) {
        *field = free.to_string();
    }
    files.passwd.set(entry);
    report.warn(format!(
        "{name} of the payload gives its number {uid} to a user and is {free} now"
    ));
    Ok(Some((uid, free)))
}

/// Moves a group of the payload away from a number.
fn clear_gid(
    files: &mut Files,
    gid: u32,
    gid_min: u32,
    reserved: &BTreeSet<u32>,
    report: &mut Report,
) -> Result<Option<(u32, u32)>> {
    let Some(mut entry) = files
        .group
        .entries(3)
        .find(|l| number(l, 2) == Some(gid))
        .map(<[String]>::to_vec)
    else {
        return Ok(None);
    };
    let name = field(&entry, 0).to_owned();
    let mut taken = reserved.clone();
    taken.extend(files.group.entries(3).filter_map(|l| number(l, 2)));
    let free = free_number(&taken, gid, gid_min).ok_or_else(|| Error::NoFreeNumber {
        kind: "group",
        name: name.clone(),
        file: "group",
    })?;
    if let Some(field) = entry.get_mut(2) {
        *field = free.to_string();
    }
    files.group.set(entry);
    let members: Vec<Vec<String>> = files
        .passwd
        .entries(4)
        .filter(|l| number(l, 3) == Some(gid))
        .map(<[String]>::to_vec)
        .collect();
    for mut entry in members {
        if let Some(field) = entry.get_mut(3) {
            *field = free.to_string();
        }
        files.passwd.set(entry);
    }
    report.warn(format!(
        "group {name} of the payload gives its number {gid} away and is {free} now"
    ));
    Ok(Some((gid, free)))
}

/// A free number: for system accounts downwards from below the users, for
/// others downwards from 59999, away from where new users get theirs.
fn free_number(taken: &BTreeSet<u32>, number: u32, min: u32) -> Option<u32> {
    let range = if number < min { 101..min } else { min..60000 };
    range.rev().find(|n| !taken.contains(n))
}
