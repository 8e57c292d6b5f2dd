// SPDX-License-Identifier: MIT OR Apache-2.0
//! `authorized_keys` of root and the users: read as sshd would, with the user's
//! own permissions, and only files that sshd would accept.

use super::database::{field, names, number};
use super::files::Files;
use super::homes::Home;
use super::model::{Accounts, User};
use super::privilege::why_apart;
use super::sshd::{Login, Sshd};
use super::system::System;
use crate::error::Result;
use crate::report::Report;
use rootdir::{self, Access, FoundFile, Person, RootDir};
use std::collections::BTreeSet;
use std::time::Duration;

/// Longer files are not carried over, in bytes.
const LIMIT: usize = 256 << 10;
/// How long to wait for a home directory, the first time and after one did not
/// answer.
const PATIENCE: [Duration; 2] = [Duration::from_secs(30), Duration::from_secs(3)];
/// Where they are written to, below the home.
const FILE: &str = ".ssh/authorized_keys";

/// Reads the keys of all accounts. The accounts `apart` are not carried over;
/// those of them that could log in by key are warned of.
pub(crate) fn collect(
    root: &RootDir,
    files: &Files,
    accounts: &mut Accounts,
    apart: &[User],
    report: &mut Report,
) -> Result<()> {
    let sshd = Sshd::read(root)?;
    for what in &sshd.unread {
        report.warn(format!(
            "what sshd_config says was not read whole, so ssh keys may be missing: {what}"
        ));
        accounts.other_way(what.clone());
    }
    let mut reader = Reader {
        root,
        files,
        sshd,
        slow: BTreeSet::new(),
    };
    let mut users = std::mem::take(&mut accounts.users);
    for user in &mut users {
        let found = reader.read(user, report);
        user.authorized_keys = found.keys;
        found.lost.into_iter().for_each(|l| accounts.other_way(l));
    }
    accounts.users = users;
    for user in apart {
        let found = reader.read(user, &mut Report::default());
        if user.can_log_in() || !found.keys.trim().is_empty() {
            report.warn(format!(
                "{} could log in to the old system and is a system account by its number, {}; it is not carried over, nor are its ssh keys",
                user.name, user.uid
            ));
            accounts.other_way(user.name.clone());
        }
    }
    Ok(())
}

/// Reads keys as sshd would.
struct Reader<'a> {
    root: &'a RootDir,
    files: &'a Files,
    sshd: Sshd,
    /// Users whose files did not answer.
    slow: BTreeSet<u32>,
}

/// The keys of a user.
#[derive(Default)]
struct Keys {
    /// The lines of all files.
    keys: String,
    /// Other ways in that are not carried over.
    lost: Vec<String>,
}

impl Reader<'_> {
    fn read(&mut self, user: &User, report: &mut Report) -> Keys {
        let name = &user.name;
        let login = Login::of(user, self.files);
        let places = self.sshd.key_files(&login);
        let mut keys = Keys {
            lost: self.sshd.other_ways(&login),
            ..Keys::default()
        };
        for way in &keys.lost {
            report.warn(format!("{way}; this is not carried over"));
        }
        for why in places.unknown {
            let line = format!("ssh keys of {name} are left out: {why}");
            report.warn(line.clone());
            keys.lost.push(line);
        }
        if places.paths.is_empty() {
            return keys;
        }
        let strict = self.sshd.is_strict();
        let private = is_private(self.files, user);
        let home = user.home.clone();
        let (uid, gid) = (user.uid, user.gid);
        let patience = PATIENCE.get(self.slow.len().min(1));
        let patience = patience.copied().unwrap_or_default();
        let (paths, all) = (places.paths.clone(), places.paths.join(", "));
        let job = move |root: &RootDir| {
            let top = match home.starts_with('/') {
                true => root.directory_id(&home)?,
                false => None,
            };
            let one = |path: String| {
                let found = root.find(&path).map(|found| {
                    let found = found?;
                    let why = why_loose(&found, top, uid, private.then_some(gid));
                    Some((found.bytes, why))
                });
                (path, found)
            };
            Ok(paths.into_iter().map(one).collect::<Vec<_>>())
        };
        let person = person(self.files, user);
        let found = match self.root.as_person(&person, patience, job) {
            Ok(found) => found,
            Err(error) => {
                if matches!(error, rootdir::Error::Slow { .. }) {
                    self.slow.insert(uid);
                }
                report.warn(format!(
                    "the ssh keys of {name} in {all} are left out: {error}"
                ));
                keys.lost.push(format!("keys of {name} in {all}"));
                return keys;
            }
        };
        for (path, found) in found {
            let why = match found {
                Ok(None) => continue,
                Ok(Some((bytes, _))) if bytes.len() > LIMIT => "it is too long".to_owned(),
                Ok(Some((_, Some(why)))) if strict => {
                    // The owner of such a key could not log in with it.
                    report.warn(format!(
                        "{path} is left out: sshd does not believe it, for {why}"
                    ));
                    continue;
                }
                Ok(Some((bytes, _))) => {
                    let text = String::from_utf8_lossy(&bytes);
                    keys.keys.push_str(text.trim_end());
                    keys.keys.push('\n');
                    continue;
                }
                // A link to a file that the user may not read, or a refusal of a
                // file server.
                Err(error) => format!("{name} cannot read it: {error}"),
            };
            report.warn(format!("{path} is left out: {why}"));
            keys.lost.push(format!("keys of {name} in {path}"));
        }
        keys
    }
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

/// Whether the user is the only member of his primary group, so that group write
/// permission does no harm. Debian's sshd does the same.
fn is_private(files: &Files, user: &User) -> bool {
    let same = |entry: &[String]| number(entry, 2) == Some(user.gid);
    let mut groups = files.group.entries(3).filter(|e| same(e));
    let members = groups.all(|e| names(e, 3).all(|n| n == user.name));
    let mut others = files.passwd.entries(4);
    members && !others.any(|e| number(e, 3) == Some(user.gid) && field(e, 0) != user.name)
}

/// Why sshd would ignore the file (StrictModes): the file and its directories up
/// to the home must belong to the user or root, and nobody else may write to
/// them.
fn why_loose(
    found: &FoundFile,
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
    let sshd = Sshd::read(root)?;
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
        let here = User {
            name: name.clone(),
            uid,
            gid,
            home: home.path.to_owned(),
            ..user.clone()
        };
        let read = sshd.key_files(&Login::of(&here, files)).paths;
        let written = format!("{}/{FILE}", home.path.trim_end_matches('/'));
        if !read.contains(&written) {
            report.warn(format!(
                "the sshd of the new system does not read {written}, where the ssh keys of {name} are, but {}; put them there, or change AuthorizedKeysFile",
                match read.as_slice() {
                    [] => "no file of this user".to_owned(),
                    read => read.join(", "),
                }
            ));
        }
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
    let top = home.path.trim_end_matches('/');
    let (dir, file) = (format!("{top}/.ssh"), format!("{top}/{FILE}"));
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
