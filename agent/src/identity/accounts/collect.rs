// SPDX-License-Identifier: MIT OR Apache-2.0
//! root and the users of the old system.

use super::database::{Table, field, is_name, names, number};
use super::{Accounts, Group, User};
use crate::identity::error::Result;
use crate::identity::outcome::Report;
use crate::identity::root::RootDir;

/// The texts of the account files.
#[derive(Debug, Clone, Default)]
pub(crate) struct Files {
    pub passwd: Table,
    pub group: Table,
    pub shadow: Table,
    pub gshadow: Table,
    pub subuid: Table,
    pub subgid: Table,
}

impl Files {
    /// Reads them; a file that is not there is empty.
    pub(crate) fn read(root: &RootDir) -> Result<Files> {
        let table = |name: &str| -> Result<Table> {
            Ok(Table::parse(
                &root.text(&format!("etc/{name}"))?.unwrap_or_default(),
            ))
        };
        Ok(Files {
            passwd: table("passwd")?,
            group: table("group")?,
            shadow: table("shadow")?,
            gshadow: table("gshadow")?,
            subuid: table("subuid")?,
            subgid: table("subgid")?,
        })
    }
}

/// A number of login.defs.
pub(crate) fn login_defs(text: &str, key: &str) -> Option<u32> {
    text.lines()
        .filter_map(|line| {
            let mut words = line.split_whitespace();
            (words.next() == Some(key)).then(|| words.next()?.parse().ok())?
        })
        .next_back()
}

/// Users' numbers begin here: UID_MIN, but never below 1000 (500 was the limit
/// of systems that are not migrated, and their system accounts go higher).
pub(crate) fn first_number(text: &str, key: &str) -> u32 {
    login_defs(text, key).unwrap_or(1000).max(1000)
}

/// The number of nobody, and the end of what a user can have.
pub(crate) const NOBODY: u32 = 65534;

/// Picks root and the users out of the account files.
pub(crate) fn collect(files: &Files, login_defs: &str, report: &mut Report) -> Accounts {
    let uid_min = first_number(login_defs, "UID_MIN");
    let gid_min = first_number(login_defs, "GID_MIN");
    let mut accounts = Accounts::default();
    for entry in files.group.entries(3) {
        let (name, Some(gid)) = (field(entry, 0), number(entry, 2)) else {
            continue;
        };
        if gid < gid_min || gid == NOBODY || !is_name(name) {
            continue;
        }
        let secret = files.gshadow.get(name).unwrap_or_default();
        accounts.groups.push(Group {
            name: name.to_owned(),
            gid,
            password: field(secret, 1).to_owned(),
            admins: names(secret, 2).map(str::to_owned).collect(),
        });
    }
    for entry in files.passwd.entries(7) {
        let (name, Some(uid), Some(gid)) = (field(entry, 0), number(entry, 2), number(entry, 3))
        else {
            continue;
        };
        let is_root = uid == 0 && name == "root";
        if !is_root && (uid < uid_min || uid == NOBODY) {
            if uid == 0 {
                report.warn(format!(
                    "the user {name} has number 0 beside root; not carried over"
                ));
            }
            continue;
        }
        if !is_name(name) {
            report.warn(format!(
                "the user name {name:?} cannot be written; not carried over"
            ));
            continue;
        }
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
        let group_name = |gid: u32| {
            let mut groups = files.group.entries(3);
            groups
                .find(|g| number(g, 2) == Some(gid))
                .map(|g| field(g, 0).to_owned())
        };
        let user = User {
            name: name.to_owned(),
            uid,
            gid,
            group: group_name(gid).unwrap_or_default(),
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
        };
        if is_root {
            accounts.users.insert(0, user)
        } else {
            accounts.users.push(user)
        }
    }
    accounts
}
