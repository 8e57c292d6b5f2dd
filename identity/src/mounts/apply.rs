// SPDX-License-Identifier: MIT OR Apache-2.0
//! Lines of the old fstab in the new system's.

use super::Kept;
use crate::error::Result;
use crate::report::Report;
use crate::text::HEADER;
use ondisk::fstab::{self, Line};
use rootdir::{Attributes, RootDir};

const FILE: &str = "etc/fstab";

/// Adds the lines to the new system's fstab, and makes their mount points.
pub(crate) fn apply(root: &RootDir, kept: &[Kept], report: &mut Report) -> Result<()> {
    if kept.is_empty() {
        return Ok(());
    }
    let mut text = root.text(FILE)?.unwrap_or_default();
    // `bundle` and `check` have read it.
    let there = fstab::parse(text.as_bytes()).unwrap_or_default();
    let mut added = String::new();
    for one in kept {
        let line = one.line();
        // A directory that cannot be looked at must not stop the migration.
        let obstacle = obstacle(root, one, &line, &there);
        if let Some(why) = obstacle.unwrap_or_else(|error| Some(error.to_string())) {
            if !why.is_empty() {
                report.warn(format!(
                    "{} is not mounted on {} in the new system: {why}",
                    one.source, one.target
                ));
            }
            continue;
        }
        if one.kind != "swap"
            && let Err(error) = mount_point(root, &one.target)
        {
            report.warn(format!(
                "{} is not mounted on {} in the new system: {error}",
                one.source, one.target
            ));
            continue;
        }
        if let Some(helper) = missing_helper(root, one) {
            report.warn(format!(
                "the new system has no {helper}, which mounts {} on {}; install it",
                one.source, one.target
            ));
        }
        added += &format!("{line}\n");
        report.done(format!(
            "{} on {} is mounted as before, if it is there (nofail)",
            one.source, one.target
        ));
    }
    if added.is_empty() {
        return Ok(());
    }
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
    if !text.contains(HEADER) {
        text.push_str(HEADER);
    }
    text.push_str(&added);
    let attributes = root.attributes(FILE)?.unwrap_or(Attributes::root(0o644));
    root.write(FILE, text.as_bytes(), attributes)?;
    Ok(())
}

/// Why a line is left out; the inner text is empty if it is there already.
fn obstacle(root: &RootDir, one: &Kept, line: &str, there: &[Line]) -> Result<Option<String>> {
    // The line must be parsed as it is meant.
    let read = fstab::parse(line.as_bytes()).map(|lines| lines.into_iter().next());
    let good = |l: &Line| l.source == one.source && l.target == one.target && l.is_optional();
    if !read.is_ok_and(|read| read.is_some_and(|l| good(&l))) {
        return Ok(Some("it cannot be written into fstab".into()));
    }
    let swap = one.kind == "swap";
    let same = |l: &&Line| match swap {
        true => l.kind == "swap" && l.source == one.source,
        false => l.is_mount() && l.target == one.target,
    };
    if let Some(line) = there.iter().find(same) {
        let why = match line.source == one.source {
            true => String::new(),
            false => format!("its own fstab has {line}"),
        };
        return Ok(Some(why));
    }
    // It would hide a mount point of the new system.
    let inside = format!("{}/", one.target);
    if let Some(line) = there.iter().find(|l| l.target.starts_with(&inside)) {
        return Ok(Some(format!("it would hide {}", line.target)));
    }
    let hides = !swap && one.target != "/home" && !root.list(&one.target)?.is_empty();
    Ok(hides.then(|| "the new system has files there, which it would hide".into()))
}

fn mount_point(root: &RootDir, target: &str) -> Result<()> {
    root.guarded()?.make_dir(target, Attributes::root(0o755))?;
    Ok(())
}

/// The program that mount(8) needs for the type, if the new system lacks it.
fn missing_helper(root: &RootDir, one: &Kept) -> Option<String> {
    let kind = match one.kind.as_str() {
        "nfs4" => "nfs",
        "smb3" => "cifs",
        kind if kind.starts_with("fuse.") => "fuse",
        // The kernel mounts them alone.
        "9p" | "virtiofs" | "ceph" | "afs" => return None,
        _ if !one.is_remote() => return None,
        kind => kind,
    };
    let dirs = ["sbin", "usr/sbin", "bin", "usr/bin"];
    let there = |dir| root.is_program(&format!("{dir}/mount.{kind}"));
    let found = dirs.iter().any(|dir| there(dir).unwrap_or_default());
    (!found).then(|| format!("/sbin/mount.{kind}"))
}
