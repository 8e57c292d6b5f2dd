// SPDX-License-Identifier: MIT OR Apache-2.0
//! `authorized_keys` of root and the users: read as sshd would read them, as
//! the user himself, and only what sshd would have believed.

use super::database::{field, names, number};
use super::files::Files;
use super::homes::Home;
use super::model::{Accounts, User};
use super::privilege::why_apart;
use super::system::System;
use crate::error::Result;
use crate::report::Report;
use rootdir::{self, Access, Found, Person, RootDir};
use std::collections::BTreeSet;
use std::time::Duration;

/// Longer files are not carried over, in bytes.
const LIMIT: usize = 256 << 10;
/// How long a home may take to answer, the first time and once one has not.
const PATIENCE: [Duration; 2] = [Duration::from_secs(30), Duration::from_secs(3)];
/// What sshd reads.
const NAMES: [&str; 2] = ["authorized_keys", "authorized_keys2"];

/// Reads the keys of all accounts.
pub(crate) fn collect(
    root: &RootDir,
    files: &Files,
    accounts: &mut Accounts,
    report: &mut Report,
) -> Result<()> {
    let config = root.text("etc/ssh/sshd_config")?.unwrap_or_default();
    let strict = is_strict(&config);
    let mut slow = BTreeSet::new();
    for user in &mut accounts.users {
        let name = &user.name;
        if !user.home.starts_with('/') {
            report.warn(format!(
                "the home of {name} is no absolute path; no ssh keys are looked for"
            ));
            continue;
        }
        let private = is_private(files, user);
        let home = user.home.clone();
        let (uid, gid) = (user.uid, user.gid);
        let patience = PATIENCE.get(slow.len().min(1)).copied().unwrap_or_default();
        let job = move |root: &RootDir| {
            let top = root.directory_id(&home)?;
            let one = |name: &str| {
                let path = format!("{}/.ssh/{name}", home.trim_end_matches('/'));
                let found = root.find(&path).map(|found| {
                    let found = found?;
                    let why = why_loose(&found, top, uid, private.then_some(gid));
                    Some((found.bytes, why))
                });
                (path, found)
            };
            Ok(NAMES.map(one))
        };
        let found = match root.as_person(&person(files, user), patience, job) {
            Ok(found) => found,
            Err(error) => {
                if matches!(error, rootdir::Error::Slow { .. }) {
                    slow.insert(uid);
                }
                report.warn(format!(
                    "the ssh keys of {name} below {} are left out: {error}",
                    user.home
                ));
                continue;
            }
        };
        for (path, found) in found {
            match found {
                Ok(None) => {}
                Ok(Some((bytes, _))) if bytes.len() > LIMIT => {
                    report.warn(format!("{path} is too long and is left out"));
                }
                Ok(Some((_, Some(why)))) if strict => report.warn(format!(
                    "{path} is left out: sshd does not believe it, for {why}"
                )),
                Ok(Some((bytes, _))) => {
                    let text = String::from_utf8_lossy(&bytes);
                    user.authorized_keys.push_str(text.trim_end());
                    user.authorized_keys.push('\n');
                }
                // A link to what he may not read, or a file server's no.
                Err(error) => report.warn(format!(
                    "{path} is left out: {name} cannot read it: {error}"
                )),
            }
        }
    }
    Ok(())
}

/// The user with all groups, as after a login.
fn person(files: &Files, user: &User) -> Person {
    let gids = user.groups.iter().filter_map(|g| {
        let entry = files.group.get(g)?;
        number(entry, 2)
    });
    Person {
        uid: user.uid,
        gid: user.gid,
        groups: gids.collect(),
    }
}

/// Whether nobody else is in the user's primary group, so that what it may
/// write is his alone. Debian's sshd sees it so, too.
fn is_private(files: &Files, user: &User) -> bool {
    let same = |entry: &[String]| number(entry, 2) == Some(user.gid);
    let mut groups = files.group.entries(3).filter(|e| same(e));
    let members = groups.all(|e| names(e, 3).all(|n| n == user.name));
    let mut others = files.passwd.entries(4);
    members && !others.any(|e| number(e, 3) == Some(user.gid) && field(e, 0) != user.name)
}

/// `StrictModes` of sshd_config: yes, unless the first word on it outside of a
/// Match block is no.
fn is_strict(config: &str) -> bool {
    for line in config.lines() {
        let mut words = line.split(|c: char| c.is_whitespace() || c == '=');
        let mut words = words.by_ref().filter(|w| !w.is_empty());
        let word = words.next().unwrap_or_default().to_ascii_lowercase();
        match word.as_str() {
            "match" => break,
            "strictmodes" => return !words.next().is_some_and(|v| v.eq_ignore_ascii_case("no")),
            _ => {}
        }
    }
    true
}

/// Why sshd would not believe the file (StrictModes): it and its directories
/// up to the home belong to the user or to root, and nobody else can write
/// them.
fn why_loose(
    found: &Found,
    home: Option<(u64, u64)>,
    uid: u32,
    private: Option<u32>,
) -> Option<String> {
    let loose = |access: &Access| {
        let owned = [0, uid].contains(&access.uid);
        let group = access.mode & 0o020 == 0 || private == Some(access.gid) && !access.acl;
        !owned || !group || access.mode & 0o002 != 0
    };
    let describe = |what: &str, a: &Access| {
        format!(
            "{what} has mode {:04o}, owner {} and group {}",
            a.mode, a.uid, a.gid
        )
    };
    if loose(&found.file) {
        return Some(describe("the file", &found.file));
    }
    for dir in found.dirs.iter().rev() {
        if loose(dir) {
            return Some(describe("a directory on the way", dir));
        }
        if Some(dir.id) == home {
            break;
        }
    }
    None
}

/// Adds the keys to those of the payload.
pub(crate) fn apply(
    root: &RootDir,
    accounts: &Accounts,
    files: &Files,
    system: &System,
    report: &mut Report,
) -> Result<()> {
    let with_keys = |u: &&User| !u.authorized_keys.trim().is_empty();
    for user in accounts.users.iter().filter(with_keys) {
        let name = &user.name;
        let entry = files.passwd.get(name).unwrap_or_default();
        let (Some(uid), Some(gid)) = (number(entry, 2), number(entry, 3)) else {
            report.warn(format!(
                "there is no user {name}; the old one's ssh keys are not carried over"
            ));
            continue;
        };
        let why = match user.is_superuser() {
            true => (uid != 0).then(|| format!("{name} is not root in the new system")),
            false => why_apart(user, accounts, files, system),
        };
        if let Some(why) = why {
            report.warn(format!(
                "{why}; the old user's ssh keys are not carried over"
            ));
            continue;
        }
        let home = Home {
            path: field(entry, 5),
            uid,
            gid,
        };
        match add(root, &home, &user.authorized_keys, report) {
            Ok(()) => report.done(format!("ssh keys that may log in as {name} carried over")),
            Err(error) => report.warn(format!("the ssh keys of {name}: {error}")),
        }
    }
    Ok(())
}

/// Adds lines to the `authorized_keys` of a home directory.
fn add(root: &RootDir, home: &Home<'_>, keys: &str, report: &mut Report) -> Result<()> {
    home.usable(root)?;
    let dir = format!("{}/.ssh", home.path.trim_end_matches('/'));
    let file = format!("{dir}/authorized_keys");
    let guarded = root.guarded()?;
    for dir in [home.path, &dir] {
        guarded.make_dir(dir, home.attributes(0o700))?;
    }
    let there = file.clone();
    let job = move |root: &RootDir| root.text(&there);
    let old = match root.as_person(&home.person(), PATIENCE[0], job) {
        Ok(old) => old.unwrap_or_default(),
        Err(error) => {
            report.warn(format!(
                "what the payload has in {file} is replaced, for its owner cannot read it: {error}"
            ));
            String::new()
        }
    };
    let mut lines: Vec<&str> = old.lines().collect();
    for line in keys.lines().filter(|l| !l.trim().is_empty()) {
        if !lines.contains(&line) {
            lines.push(line);
        }
    }
    let text = lines.join("\n") + "\n";
    guarded.write(&file, text.as_bytes(), home.attributes(0o600))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sshd_is_strict_unless_strictmodes_says_no() {
        for (config, want) in [
            ("", true),
            ("#StrictModes no\nPort 22\n", true),
            ("Port 22\nstrictmodes no\n", false),
            ("StrictModes=no\n", false),
            ("StrictModes yes\nStrictModes no\n", true),
            ("Match User a\n StrictModes no\n", true),
        ] {
            assert_eq!(is_strict(config), want, "{config:?}");
        }
    }
}
