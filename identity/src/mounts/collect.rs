// SPDX-License-Identifier: MIT OR Apache-2.0
//! Which lines of the old fstab are carried over.

use super::{Kept, is_remote};
use crate::error::Result;
use crate::report::Report;
use ondisk::fstab::{self, Line};
use rootdir::RootDir;
use std::path::Path;

/// Where a device lies that a line names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// On the disk that is replaced.
    Lost,
    /// On another disk; with the UUID of its file system, if it has one and
    /// the line names it by what may be another disk's name next time.
    Stays(Option<String>),
    /// It is not there now.
    Absent,
}

/// A file system of another disk or machine that is mounted now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mounted {
    /// What is mounted.
    pub source: String,
    /// Where.
    pub target: String,
}

/// File systems that each system makes for itself.
const OWN: [&str; 19] = [
    "autofs",
    "binfmt_misc",
    "bpf",
    "cgroup",
    "cgroup2",
    "configfs",
    "debugfs",
    "devpts",
    "devtmpfs",
    "efivarfs",
    "hugetlbfs",
    "mqueue",
    "proc",
    "pstore",
    "ramfs",
    "securityfs",
    "sysfs",
    "tmpfs",
    "tracefs",
];
/// Places that are the new system's, whatever the old one had there.
const SYSTEM: [&str; 20] = [
    "/", "/bin", "/boot", "/dev", "/etc", "/lib", "/lib32", "/lib64", "/libx32", "/proc", "/root",
    "/run", "/sbin", "/sys", "/tmp", "/usr", "/var", "/var/lib", "/var/log", "/var/tmp",
];
/// Places below which all is the system's.
const BELOW: [&str; 8] = [
    "/boot/", "/dev/", "/etc/", "/proc/", "/run/", "/sys/", "/usr/lib", "/usr/bin",
];
/// Options that name a file with a secret.
const SECRETS: [&str; 6] = [
    "credentials=",
    "cred=",
    "secretfile=",
    "conf=",
    "IdentityFile=",
    "passwd_file=",
];

/// Reads the fstab below `root`; `place` says where a device lies, and
/// `mounted` is what is mounted now of other disks and machines. Returns the
/// lines that are carried over, and what is to be said of the others.
///
/// # Errors
/// What cannot be read. A line that cannot is a warning.
pub fn collect(
    root: &Path,
    place: &dyn Fn(&str) -> Place,
    mounted: &[Mounted],
) -> Result<(Vec<Kept>, Report)> {
    let root = RootDir::open(root)?;
    let text = root.read("etc/fstab")?.unwrap_or_default();
    let crypttab = root.text("etc/crypttab")?.unwrap_or_default();
    let mut report = Report::default();
    let kept = pick(&text, &crypttab, place, &mut report);
    let named = targets(&text);
    for mount in mounted {
        if !named.contains(&mount.target) {
            report.warn(format!(
                "{} is mounted on {} and has no line in etc/fstab; the new system does not mount it",
                mount.source, mount.target
            ));
        }
    }
    Ok((kept, report))
}

/// All lines that can be read, each with its bytes.
fn lines(text: &[u8]) -> Vec<(Line, &[u8])> {
    let rows = text.split(|b| *b == b'\n').enumerate();
    let read = rows.filter_map(|(at, raw)| {
        let raw = raw.strip_suffix(b"\r").unwrap_or(raw);
        let mut line = fstab::parse(raw).ok()?.pop()?;
        line.number = at + 1;
        Some((line, raw))
    });
    read.collect()
}

fn targets(text: &[u8]) -> Vec<String> {
    lines(text)
        .into_iter()
        .map(|(line, _)| line.target)
        .collect()
}

/// Decides for each line.
pub(super) fn pick(
    text: &[u8],
    crypttab: &str,
    place: &dyn Fn(&str) -> Place,
    report: &mut Report,
) -> Vec<Kept> {
    for (at, raw) in text.split(|b| *b == b'\n').enumerate() {
        let raw = raw.strip_suffix(b"\r").unwrap_or(raw);
        if let Err(fault) = fstab::parse(raw) {
            report.warn(format!(
                "etc/fstab: line {} {}; it is not carried over",
                at + 1,
                fault.what
            ));
        }
    }
    let mut kept = Vec::new();
    for (line, raw) in lines(text) {
        match judge(&line, crypttab, place) {
            Verdict::Own => {}
            Verdict::Named(why) => {
                report.warn(format!("etc/fstab: {line} is not carried over: {why}"));
            }
            Verdict::Kept(source) => {
                let one = Kept {
                    source,
                    target: line.target.clone(),
                    kind: line.kind.clone(),
                    options: line.options().collect::<Vec<_>>().join(","),
                    pass: pass(raw),
                };
                remarks(&line, &one, report);
                kept.push(one);
            }
        }
    }
    kept
}

/// What is done with a line.
enum Verdict {
    /// It is the system's own, or lost with the disk, and needs no message.
    Own,
    /// It is not carried over, for this reason.
    Named(String),
    /// It is carried over with this source.
    Kept(String),
}

fn judge(line: &Line, crypttab: &str, place: &dyn Fn(&str) -> Place) -> Verdict {
    let bind = line.options().any(|o| o == "bind" || o == "rbind");
    if bind || line.kind == "none" {
        return Verdict::Named("it shows a directory at another place".into());
    }
    if line.kind == "overlay" || line.kind == "aufs" {
        return Verdict::Named("it lies above directories of the old system".into());
    }
    let swap = line.kind == "swap";
    let memory = ["tmpfs", "ramfs", "hugetlbfs"].contains(&line.kind.as_str());
    let below_dev = line.target.starts_with("/dev/") || line.target.starts_with("/run/");
    if memory && !below_dev && !SYSTEM.contains(&line.target.as_str()) {
        return Verdict::Named("it lies in memory; write the line in the new system".into());
    }
    let known = OWN.contains(&line.kind.as_str());
    if known || (!swap && !line.target.starts_with('/')) {
        return Verdict::Own;
    }
    let source = if is_remote(&line.kind) || line.kind.starts_with("fuse.") {
        line.source.clone()
    } else if line.device().is_none() {
        // A swap file or an image is on some file system of the old system.
        let file = swap && line.source.starts_with('/');
        return match file {
            true => Verdict::Own,
            false => Verdict::Named("it names no device and no other machine".into()),
        };
    } else {
        match place(&line.source) {
            Place::Lost => return Verdict::Own,
            Place::Absent => {
                // Drives without a medium, in each system's own way.
                let drive = ["/dev/sr", "/dev/cdrom", "/dev/fd", "/dev/scd", "/dev/dvd"];
                if drive.iter().any(|d| line.source.starts_with(d)) {
                    return Verdict::Own;
                }
                return Verdict::Named(
                    "its device is not there now; attach it and check again, or write the line in the new system".into(),
                );
            }
            Place::Stays(uuid) => match uuid {
                Some(uuid) => format!("UUID={uuid}"),
                None => line.source.clone(),
            },
        }
    };
    let mapped = line.source.strip_prefix("/dev/mapper/");
    let encrypted = |name: &str| {
        let mut names = crypttab.lines().filter_map(|l| l.split_whitespace().next());
        names.any(|n| n == name)
    };
    if mapped.is_some_and(encrypted) {
        return Verdict::Named("etc/crypttab opens it, which is not carried over".into());
    }
    let target = line.target.as_str();
    if !swap && (SYSTEM.contains(&target) || BELOW.iter().any(|dir| target.starts_with(dir))) {
        return Verdict::Named(format!(
            "{target} is the new system's own; mount it at another place there"
        ));
    }
    Verdict::Kept(source)
}

/// What a person should know of a line that is carried over.
fn remarks(line: &Line, kept: &Kept, report: &mut Report) {
    let secret = |o: &&str| SECRETS.iter().any(|s| o.starts_with(s)) && o.contains('/');
    for option in line.options().filter(secret) {
        report.warn(format!(
            "etc/fstab: {line} is carried over, and needs {option}: put that file into the new system"
        ));
    }
    // These names are given by the order in which disks are found.
    let node = [
        "/dev/sd",
        "/dev/vd",
        "/dev/xvd",
        "/dev/hd",
        "/dev/nvme",
        "/dev/dm-",
    ];
    if node.iter().any(|n| kept.source.starts_with(n)) {
        report.warn(format!(
            "etc/fstab: {line} is carried over by that name, for its file system has no UUID; another disk may have the name"
        ));
    }
}

/// The sixth field: 0, 1 or 2. Only the root is looked at first.
fn pass(raw: &[u8]) -> u8 {
    let text = String::from_utf8_lossy(raw);
    match text.split_whitespace().nth(5) {
        Some("1" | "2") => 2,
        _ => 0,
    }
}
