// SPDX-License-Identifier: MIT OR Apache-2.0
//! Accounts written into the new system.

use super::collect::{Files, first_number};
use super::database::{Table, field, number};
use super::plan::{Plan, System, plan};
use super::{Accounts, reown};
use crate::identity::config::shell;
use crate::identity::error::Result;
use crate::identity::outcome::Report;
use crate::identity::root::{Attributes, RootDir};

/// Directories of login shells.
const PROGRAMS: [&str; 4] = ["bin", "usr/bin", "sbin", "usr/sbin"];
/// As deep as a skeleton of a home directory goes.
const DEPTH: usize = 8;

/// Joins the old accounts into the new system.
pub(crate) fn apply(root: &RootDir, accounts: &Accounts, report: &mut Report) -> Result<()> {
    if accounts.users.is_empty() {
        report.warn("no accounts were saved; the new system's stay as they are");
        return Ok(());
    }
    let system = system(root)?;
    let Plan {
        files,
        moved_users,
        moved_groups,
        homes,
    } = plan(accounts, Files::read(root)?, &system, report)?;
    // Files first: if this is interrupted, the next run moves what is left.
    reown::reown(root, &moved_users, &moved_groups)?;
    let readable = Attributes::root(0o644);
    // Where the payload has none: Debian's group shadow reads it, EL's nobody.
    let shadow = files.group.get("shadow").and_then(|g| number(g, 2));
    let secret = match shadow {
        Some(gid) => Attributes {
            mode: 0o640,
            uid: 0,
            gid,
        },
        None => Attributes::root(0),
    };
    for (name, table, attributes) in [
        ("group", &files.group, readable),
        ("gshadow", &files.gshadow, secret),
        ("passwd", &files.passwd, readable),
        ("shadow", &files.shadow, secret),
        ("subuid", &files.subuid, readable),
        ("subgid", &files.subgid, readable),
    ] {
        let path = format!("etc/{name}");
        let attributes = root.attributes(&path)?.unwrap_or(attributes);
        let text = table.text();
        if !text.is_empty() {
            root.write(&path, text.as_bytes(), attributes)?;
        }
    }
    let mode = home_mode(&system.login_defs);
    for (home, uid, gid) in homes {
        if ["/nonexistent", "/dev/null"].contains(&home.as_str()) || root.present(&home)? {
            continue;
        }
        let made = root
            .make_dir(&home, Attributes { mode, uid, gid })
            .and_then(|_| copy(root, "etc/skel", &home, uid, gid, DEPTH));
        match made {
            Ok(()) => report.done(format!("home directory {home} made")),
            // A link to nowhere, for example. The machine is usable without.
            Err(error) => report.warn(format!("no home directory {home}: {error}")),
        }
    }
    report.done(format!(
        "passwords of {} accounts carried over",
        accounts.users.len()
    ));
    Ok(())
}

/// Adds `authorized_keys` of root and the users to those of the payload.
pub(crate) fn authorized_keys(
    root: &RootDir,
    accounts: &Accounts,
    report: &mut Report,
) -> Result<()> {
    let passwd = Table::parse(&root.text("etc/passwd")?.unwrap_or_default());
    let uid_min = first_number(&root.text("etc/login.defs")?.unwrap_or_default(), "UID_MIN");
    for user in accounts
        .users
        .iter()
        .filter(|u| !u.authorized_keys.trim().is_empty())
    {
        let entry = passwd.get(&user.name).unwrap_or_default();
        let (Some(uid), Some(gid)) = (number(entry, 2), number(entry, 3)) else {
            report.warn(format!(
                "there is no user {}; its ssh keys are not carried over",
                user.name
            ));
            continue;
        };
        let home = field(entry, 5);
        if (uid != 0 && uid < uid_min) || !home.starts_with('/') {
            report.warn(format!(
                "{} is a system account; its ssh keys are not carried over",
                user.name
            ));
            continue;
        }
        let name = &user.name;
        match add_keys(root, home, (uid, gid), &user.authorized_keys) {
            Ok(()) => report.done(format!("ssh keys that may log in as {name} carried over")),
            Err(error) => report.warn(format!("the ssh keys of {name}: {error}")),
        }
    }
    Ok(())
}

/// Adds lines to the `authorized_keys` of a home directory.
fn add_keys(root: &RootDir, home: &str, owner: (u32, u32), keys: &str) -> Result<()> {
    let (uid, gid) = owner;
    let private = |mode| Attributes { mode, uid, gid };
    let dir = format!("{}/.ssh", home.trim_end_matches('/'));
    root.make_dir(&dir, private(0o700))?;
    let file = format!("{dir}/authorized_keys");
    let old = root.text(&file)?.unwrap_or_default();
    let mut lines: Vec<&str> = old.lines().collect();
    for line in keys.lines().filter(|l| !l.trim().is_empty()) {
        if !lines.contains(&line) {
            lines.push(line);
        }
    }
    let text = lines.join("\n") + "\n";
    root.write(&file, text.as_bytes(), private(0o600))?;
    Ok(())
}

fn system(root: &RootDir) -> Result<System> {
    let mut system = System {
        login_defs: root.text("etc/login.defs")?.unwrap_or_default(),
        ..System::default()
    };
    for dir in PROGRAMS {
        system.shells.extend(
            root.list(dir)?
                .into_iter()
                .map(|name| format!("/{dir}/{name}")),
        );
    }
    let mut release = root.text("etc/os-release")?;
    if release.is_none() {
        release = root.text("usr/lib/os-release")?;
    }
    let v = shell::parse(&release.unwrap_or_default());
    let get = |key: &str| v.get(key).map_or("", String::as_str);
    system.id = format!("{} {}", get("ID"), get("VERSION_ID"));
    Ok(system)
}

/// HOME_MODE of login.defs, otherwise what its UMASK leaves.
fn home_mode(login_defs: &str) -> u32 {
    let octal = |key: &str| {
        login_defs.lines().find_map(|l| {
            let mut words = l.split_whitespace();
            (words.next() == Some(key)).then(|| u32::from_str_radix(words.next()?, 8).ok())?
        })
    };
    octal("HOME_MODE").unwrap_or(0o777 & !octal("UMASK").unwrap_or(0o077)) & 0o777
}

fn copy(root: &RootDir, from: &str, to: &str, uid: u32, gid: u32, depth: usize) -> Result<()> {
    for name in root.list(from)? {
        let (from, to) = (format!("{from}/{name}"), format!("{to}/{name}"));
        let Some(attributes) = root.attributes(&from)? else {
            continue;
        };
        let attributes = Attributes {
            uid,
            gid,
            ..attributes
        };
        if let Some(target) = root.link(&from)? {
            root.symlink(&to, &target)?;
        } else if root.is_dir(&from)? {
            if depth > 0 {
                root.make_dir(&to, attributes)?;
                copy(root, &from, &to, uid, gid, depth - 1)?;
            }
        } else if let Some(bytes) = root.read(&from)? {
            root.write(&to, &bytes, attributes)?;
        }
    }
    Ok(())
}
