// SPDX-License-Identifier: MIT OR Apache-2.0
//! /etc/fstab, read as systemd's fstab generator reads it: getmntent(3) splits
//! the lines, and what it takes otherwise than a person means is refused.

mod agreement;
mod options;
#[cfg(test)]
mod tests;

pub use agreement::{Disagreement, compare};
pub use options::foreign_to_ext4;

use crate::naming::Name;
use std::fmt;

/// getmntent's buffer; what is behind it in a line is lost.
const LINE_BYTES: usize = 4094;

/// Types of file systems that lie on no device, whatever their source is.
const NO_DISK: [&str; 34] = [
    "9p",
    "afs",
    "autofs",
    "binfmt_misc",
    "bpf",
    "ceph",
    "cgroup",
    "cgroup2",
    "cifs",
    "configfs",
    "debugfs",
    "devpts",
    "devtmpfs",
    "ecryptfs",
    "efivarfs",
    "glusterfs",
    "hugetlbfs",
    "lustre",
    "mqueue",
    "none",
    "overlay",
    "proc",
    "prl_fs",
    "pstore",
    "ramfs",
    "rpc_pipefs",
    "securityfs",
    "smb3",
    "sysfs",
    "tmpfs",
    "tracefs",
    "vboxsf",
    "virtiofs",
    "zfs",
];

/// A line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Its number, from 1 on.
    pub number: usize,
    /// What is mounted.
    pub source: String,
    /// Where, without a slash at the end.
    pub target: String,
    /// As what; `auto` if the line does not say it.
    pub kind: String,
    options: Vec<String>,
}

/// A line that systemd reads otherwise than it is meant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line} {what}")]
pub struct Fault {
    /// Its number, from 1 on.
    pub line: usize,
    /// What is wrong, and what to do.
    pub what: &'static str,
}

impl Line {
    /// The local block device that is mounted; `None` for a network file
    /// system, a bind mount or a tmpfs.
    pub fn device(&self) -> Option<Name> {
        let bind = self.has("bind") || self.has("rbind");
        let device = Name::parse(&self.source);
        device.filter(|_| self.kind != "none" && !bind)
    }

    /// Whether the system comes up without it.
    pub fn is_optional(&self) -> bool {
        self.is_last("noauto", "auto") || self.is_last("nofail", "fail")
    }

    /// Whether it is mounted at a place, and no swap space.
    pub fn is_mount(&self) -> bool {
        self.kind != "swap" && self.target.starts_with('/')
    }

    /// Whether it would be mounted as a disk's file system, and its source is
    /// the name of no device or file that anybody could find.
    pub fn is_lost(&self) -> bool {
        let kind = self.kind.as_str();
        let disk =
            !kind.starts_with("fuse") && !kind.starts_with("nfs") && !NO_DISK.contains(&kind);
        let known = self.source.starts_with('/') || self.source.contains(':');
        let bind = self.has("bind") || self.has("rbind");
        disk && !known && !bind && Name::parse(&self.source).is_none()
    }

    /// Whether the type field is right for an ext4 file system.
    pub fn takes_ext4(&self) -> bool {
        self.kind
            .split(',')
            .any(|kind| kind == "ext4" || kind == "auto")
    }

    /// The options.
    pub fn options(&self) -> impl Iterator<Item = &str> {
        self.options.iter().map(String::as_str)
    }

    fn has(&self, option: &str) -> bool {
        self.options.iter().any(|o| o == option)
    }

    /// Of two options that exclude each other, the last one counts.
    fn is_last(&self, option: &str, opposite: &str) -> bool {
        let either = |o: &&str| *o == option || *o == opposite;
        self.options().filter(either).last() == Some(option)
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Line {
            source,
            target,
            kind,
            number,
            ..
        } = self;
        write!(f, "\"{source} {target} {kind}\" (line {number})")
    }
}

/// Reads the file. Comments are left out, and lines with one field, which
/// systemd ignores.
///
/// # Errors
/// [`Fault`] names the first line that would not be read as it is meant.
pub fn parse(bytes: &[u8]) -> Result<Vec<Line>, Fault> {
    let mut lines = Vec::new();
    for (at, raw) in bytes.split(|b| *b == b'\n').enumerate() {
        let fault = |what| Fault { line: at + 1, what };
        if at == 0 && raw.starts_with(b"\xef\xbb\xbf") {
            return Err(fault(
                "begins with a byte order mark; save the file without one",
            ));
        }
        if raw.contains(&0) {
            return Err(fault("has a NUL byte; remove it"));
        }
        if raw.len() > LINE_BYTES {
            return Err(fault(
                "has more than 4094 bytes, and the rest would be lost; make it shorter",
            ));
        }
        let blanks = raw.iter().take_while(|b| matches!(b, b' ' | b'\t')).count();
        let raw = raw.get(blanks..).unwrap_or_default();
        if raw.is_empty() || raw.starts_with(b"#") {
            continue;
        }
        if raw.ends_with(b"\r") {
            return Err(fault(
                "ends in a carriage return, which systemd takes for a part of the last field; write the file with Unix line ends (sed -i 's/\\r$//')",
            ));
        }
        let Ok(text) = std::str::from_utf8(raw) else {
            return Err(fault("is no UTF-8; write its names in UTF-8"));
        };
        if text
            .chars()
            .any(|c| c != '\t' && (c.is_control() || c != ' ' && c.is_whitespace()))
        {
            return Err(fault(
                "has a control character, or a blank that is neither space nor tab; write spaces or tabs between the fields",
            ));
        }
        lines.extend(line(at + 1, text));
    }
    Ok(lines)
}

fn line(number: usize, text: &str) -> Option<Line> {
    let mut fields = text
        .split([' ', '\t'])
        .filter(|field| !field.is_empty())
        .map(decode);
    let (source, target) = (fields.next()?, fields.next()?);
    let kind = fields.next().unwrap_or_else(|| "auto".into());
    let options = fields.next().unwrap_or_default();
    Some(Line {
        number,
        source,
        target: simple(target),
        kind,
        options: options.split(',').map(str::to_string).collect(),
    })
}

/// A path without what changes nothing: `//`, `/./` and a slash at the end.
fn simple(path: String) -> String {
    if !path.starts_with('/') {
        return path;
    }
    let parts = path.split('/').filter(|p| !p.is_empty() && *p != ".");
    let simple = parts.fold(String::new(), |all, part| all + "/" + part);
    if simple.is_empty() {
        "/".into()
    } else {
        simple
    }
}

/// The escapes that getmntent knows; a backslash has two, of which the last one
/// is only read.
const ESCAPES: [(&str, char); 5] = [
    ("\\040", ' '),
    ("\\011", '\t'),
    ("\\012", '\n'),
    ("\\134", '\\'),
    ("\\\\", '\\'),
];

/// A field as it is written into the file.
pub fn encode(field: &str) -> String {
    let mut text = String::new();
    for c in field.chars() {
        match ESCAPES.iter().find(|(_, means)| *means == c) {
            Some((code, _)) => text.push_str(code),
            None => text.push(c),
        }
    }
    text
}

fn decode(field: &str) -> String {
    let mut decoded = String::new();
    let mut rest = field;
    while let Some(first) = rest.chars().next() {
        let found = ESCAPES
            .iter()
            .find_map(|(code, means)| Some((rest.strip_prefix(code)?, *means)));
        let (after, means) = found.unwrap_or_else(|| {
            let after = rest.get(first.len_utf8()..).unwrap_or_default();
            (after, first)
        });
        decoded.push(means);
        rest = after;
    }
    decoded
}
