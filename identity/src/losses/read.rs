// SPDX-License-Identifier: MIT OR Apache-2.0
//! Collects the whole list.

use super::packages::Packages;
use super::{Kind, Loss, Machine, certificates, etc, texts, trees, units};
use crate::error::Result;
use crate::host;
use crate::report::Report;
use rootdir::RootDir;
use std::path::Path;

/// Where crontabs of users lie on EL, Debian and SUSE, and jobs of at.
const CRONTABS: [&str; 3] = [
    "var/spool/cron",
    "var/spool/cron/crontabs",
    "var/spool/cron/tabs",
];
const JOBS: [&str; 3] = ["var/spool/at", "var/spool/cron/atjobs", "var/spool/atjobs"];
/// Longer lists are cut off, and say so.
const MOST: usize = 2000;
/// Longest text of a line, in characters.
const LONGEST: usize = 300;

/// What of the system below `root` is not carried over. What cannot be looked
/// at is in the list, too; it is never a reason to stop.
pub fn find(root: &Path, machine: &Machine<'_>) -> Vec<Loss> {
    let mut found = Vec::new();
    let unread = |what: &str, why: String| Loss::new(Kind::Unread, what, why);
    let root = match RootDir::open(root) {
        Ok(root) => root,
        Err(error) => return vec![unread("/", error.to_string())],
    };
    let mut packages = match Packages::read(&root, machine.rpm) {
        Ok(packages) => packages,
        Err(error) => {
            found.push(unread("packages", error.to_string()));
            Packages::default()
        }
    };
    for (what, list) in [
        ("trees", trees::find(&root, machine)),
        ("crontabs", spool(&root)),
        ("/etc", etc::find(&root, &mut packages, machine.rpm)),
        ("certificates", certificates::find(&root)),
        ("/etc/hosts", hosts(&root)),
    ] {
        match list {
            Ok(list) => found.extend(list),
            Err(error) => found.push(unread(what, error.to_string())),
        }
    }
    match services(&root, &mut packages, machine) {
        Ok(list) => found.extend(list),
        Err(error) => found.push(unread("units", error.to_string())),
    }
    found.extend(
        packages
            .unread
            .iter()
            .map(|why| unread("packages", why.clone())),
    );
    for loss in &mut found {
        for text in [&mut loss.what, &mut loss.note] {
            tidy(text);
        }
    }
    found.sort_by_key(|loss| loss.kind);
    if let Some(more) = found.len().checked_sub(MOST).filter(|more| *more > 0) {
        found.truncate(MOST);
        found.push(unread("the list", format!("{more} more are not named")));
    }
    found
}

/// Removes control characters, because texts of files are shown on terminals and
/// in a log.
fn tidy(text: &mut String) {
    text.retain(|c| !c.is_control());
    if let Some((at, _)) = text.char_indices().nth(LONGEST) {
        text.truncate(at);
        text.push_str("...");
    }
}

fn services(root: &RootDir, packages: &mut Packages, machine: &Machine<'_>) -> Result<Vec<Loss>> {
    let files = units::files(root)?;
    packages.ask(machine.rpm, &files);
    units::find(root, packages)
}

/// Crontabs of users, and jobs of at.
fn spool(root: &RootDir) -> Result<Vec<Loss>> {
    let mut found = Vec::new();
    for dir in CRONTABS {
        for name in root.list(dir)? {
            let path = format!("{dir}/{name}");
            // Temporary files of crontab(1), and the directories of others.
            if name.starts_with("tmp.") || name.starts_with('.') || root.is_dir(&path)? {
                continue;
            }
            let jobs = texts::jobs(&root.text(&path)?.unwrap_or_default());
            if jobs > 0 {
                let note = format!("{jobs} jobs of {name}");
                found.push(Loss::new(Kind::Cron, format!("/{path}"), note));
            }
        }
    }
    for dir in JOBS {
        let mut jobs = 0;
        for name in root.list(dir)? {
            let is_job = name.starts_with(|c: char| c.is_ascii_lowercase() || c == '=');
            let path = format!("{dir}/{name}");
            if is_job && name.len() > 10 && !root.is_dir(&path)? {
                jobs += 1;
            }
        }
        if jobs > 0 {
            let note = format!("{jobs} jobs of at");
            found.push(Loss::new(Kind::Cron, format!("/{dir}"), note));
        }
    }
    Ok(found)
}

/// Lines of /etc/hosts about other machines.
fn hosts(root: &RootDir) -> Result<Vec<Loss>> {
    let text = root.text("etc/hosts")?.unwrap_or_default();
    let host = host::collect(root, &mut Report::default())?;
    let names = host.hosts.iter().flat_map(|entry| &entry.names);
    let own: Vec<&str> = names.map(String::as_str).collect();
    let lines = texts::foreign_hosts(&text, &own).into_iter();
    Ok(lines.map(|line| Loss::new(Kind::Hosts, line, "")).collect())
}
