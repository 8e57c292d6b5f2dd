// SPDX-License-Identifier: MIT OR Apache-2.0
//! Computes the account files of the new system. Pure: tables in, tables out;
//! nothing is written before all of it is known.
//!
//! Names come first, numbers second. The payload's system accounts stay. Users
//! keep their numbers, because file servers and backups know them by number; an
//! account of the payload that has such a number moves to a free one, together
//! with its files. Two old accounts with one number stay two with one number.

use super::database::{field, is_field, is_name, number};
use super::files::Files;
use super::model::{Accounts, User};
use super::numbers::{Carried, clear_gid, clear_uid};
use super::privilege::{why_apart, why_not_member};
use super::ranges::{is_reserved, is_system};
use super::system::System;
use super::{membership, people, shadow};
use crate::error::Result;
use crate::report::Report;

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
    /// How many of the old accounts are carried over.
    pub carried: usize,
}

/// Joins the old system's accounts with the new system's files.
pub(crate) fn plan(
    accounts: &Accounts,
    mut files: Files,
    system: &System,
    report: &mut Report,
) -> Result<Plan> {
    let mut users: Vec<&User> = Vec::new();
    let mut ways = accounts.other_ways.clone();
    for user in &accounts.users {
        if let Some(why) = user.unwritable() {
            report.warn(format!("the user {:?} is left out: {why}", user.name));
        } else if user.is_superuser() {
            users.push(user);
        } else if let Some(why) = why_apart(user, accounts, &files, system) {
            report.warn(format!(
                "{why}; the old user of that name is not carried over"
            ));
        } else {
            users.push(user);
        }
    }
    let apart = |u: &&User| !users.iter().any(|user| user.name == u.name) && u.can_log_in();
    ways.extend(accounts.users.iter().filter(apart).map(|u| u.name.clone()));
    let carried: Carried = users.iter().map(|u| (u.name.clone(), u.uid)).collect();
    let groups = groups(accounts, &files, system, report);
    let mut plan = Plan {
        carried: users.len(),
        ..Plan::default()
    };
    for (name, gid) in &groups {
        // A group of the payload with that name keeps the payload's number.
        if files.group.get(name).is_none() {
            let min = system.login_defs.first_gid();
            let moved = clear_gid(&mut files, *gid, min, &groups, &carried, report)?;
            plan.moved_groups.extend(moved);
        }
    }
    for (name, uid) in &carried {
        if files.passwd.get(name).is_none() {
            let moved = clear_uid(
                &mut files,
                *uid,
                system.login_defs.first_uid(),
                &carried,
                report,
            )?;
            plan.moved_users.extend(moved);
        }
    }
    membership::make_groups(accounts, &groups, &carried, &mut files, report);
    let way_in = users.iter().any(|u| u.can_log_in());
    for user in users {
        if !user.is_superuser() {
            let home = add(user, accounts, &mut files, system, report);
            plan.homes.extend(home);
        } else if !user.can_log_in() && !way_in {
            report.warn(no_way_in(&ways));
        } else {
            shadow::carry(&mut files, user, &system.id, report);
        }
    }
    plan.files = files;
    Ok(plan)
}

/// Why root's password stays the payload's. Only a complete list shows that
/// nobody else could log in.
fn no_way_in(ways: &[String]) -> String {
    let why = match ways {
        [] => "nobody could log in to the old system with a password or a key".to_owned(),
        ways => format!(
            "nobody who is carried over could log in to the old system with a password or a key (not carried over, or not known: {})",
            ways.join("; ")
        ),
    };
    format!("{why}; root's password is the payload's")
}

/// The old groups that are to be in the new system.
fn groups(accounts: &Accounts, files: &Files, system: &System, report: &mut Report) -> Carried {
    let mut carried = Carried::new();
    for group in &accounts.groups {
        let (name, gid) = (&group.name, group.gid);
        let good = is_name(name) && is_field(&group.password) && !is_reserved(gid);
        if !good {
            report.warn(format!(
                "the group {name:?} cannot be written and is left out"
            ));
        } else if let Some(why) = why_not_member(name, Some(gid), accounts, files, system) {
            report.warn(format!(
                "{why}; the old group of that name is not carried over"
            ));
        } else {
            carried.insert((name.clone(), gid));
        }
    }
    carried
}

/// Adds a user, or what the old system knows of one that is there. Returns the
/// home with its owner.
fn add(
    user: &User,
    accounts: &Accounts,
    files: &mut Files,
    system: &System,
    report: &mut Report,
) -> Option<(String, u32, u32)> {
    let name = user.name.as_str();
    if let Some(entry) = files.passwd.get(name) {
        let uid = number(entry, 2)?;
        if uid != user.uid {
            report.warn(format!(
                "{name} has number {uid} in the new system and had {} in the old one",
                user.uid
            ));
        }
        let shell = field(entry, 6);
        if people::is_shell(shell) && !people::is_full_shell(&user.shell) {
            report.warn(format!(
                "{name} had the shell {} in the old system, and is an account of the new one with {shell}",
                user.shell
            ));
        }
    } else {
        let gid = membership::primary(user, accounts, files, system, report);
        let shell = shell(user, system, report);
        let (uid, gid) = (user.uid.to_string(), gid.to_string());
        let fields = [name, "x", &uid, &gid, &user.gecos, &user.home, &shell];
        files.passwd.set(fields.map(str::to_owned).to_vec());
        report.done(format!("user {name} with number {uid}"));
        if is_system(user.uid, system.login_defs.first_uid()) {
            report.warn(format!(
                "{name} keeps the number {uid}, which is a system account's for programs of the new system (below {}); so systemd keeps the user's own services and logs with the system's",
                system.login_defs.first_uid()
            ));
        }
    }
    shadow::carry(files, user, &system.id, report);
    membership::join(user, accounts, files, system, report);
    membership::subordinate(user, files, report);
    let entry = files.passwd.get(name)?;
    let (uid, gid) = (number(entry, 2)?, number(entry, 3)?);
    // Such a number is not a user's, whatever way it came from.
    if uid != user.uid && is_system(uid, system.login_defs.first_uid()) {
        return None;
    }
    let home = field(entry, 5).to_owned();
    (home.starts_with('/') && home.len() > 1).then_some((home, uid, gid))
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
    // Another one would let in who could not log in, or could do one thing only.
    if !people::is_shell(wanted) {
        let nobody = ["/usr/sbin/nologin", "/sbin/nologin", "/bin/false"];
        let there = nobody.into_iter().find(|s| system.shells.contains(*s));
        // One that is not there lets nobody in, either.
        return there.unwrap_or(wanted).to_owned();
    }
    if !people::is_full_shell(wanted) {
        report.warn(format!(
            "{}: the new system has no {wanted}; nobody can log in as {} until it is there, or another shell is set",
            user.name, user.name
        ));
        return wanted.to_owned();
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
