// SPDX-License-Identifier: MIT OR Apache-2.0
//! Lists what the old system has and the new one will not have. It is shown
//! before anybody is asked for consent, and in the new system's log.
//!
//! Only what people made is listed: files of packages that nobody changed are
//! left out. dpkg's files say which those are, and rpm's program.

mod certificates;
mod etc;
mod packages;
mod read;
#[cfg(test)]
mod tests;
mod texts;
mod trees;
mod units;

pub use packages::Rpm;
pub use read::find;

use serde::{Deserialize, Serialize};

/// A thing that is not carried over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Loss {
    /// What it is.
    pub kind: Kind,
    /// Where it is: a path, or a line.
    pub what: String,
    /// More about it; may be empty.
    #[serde(default)]
    pub note: String,
    /// What it takes on the disk, in bytes, where that was counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// Counting was ended before all of it was counted.
    #[serde(default)]
    pub more: bool,
}

/// What is not carried over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A directory with all that is in it.
    Tree,
    /// A crontab, a file of cron, a job of at.
    Cron,
    /// A unit of systemd, or a change to one.
    Unit,
    /// A service that starts by itself.
    Service,
    /// Rules of a firewall.
    Firewall,
    /// Settings of sysctl and modprobe.
    Kernel,
    /// A certificate that the machine believes.
    Certificate,
    /// A line of /etc/hosts.
    Hosts,
    /// A file of a package that was changed.
    Changed,
    /// A file below /etc that no package brought.
    Added,
    /// Something that could not be read.
    Unread,
}

impl Kind {
    /// All of them, in the order in which they are shown.
    pub const ALL: [Kind; 11] = [
        Kind::Tree,
        Kind::Cron,
        Kind::Unit,
        Kind::Service,
        Kind::Firewall,
        Kind::Kernel,
        Kind::Certificate,
        Kind::Hosts,
        Kind::Changed,
        Kind::Added,
        Kind::Unread,
    ];

    /// The word for it in JSON and in the saved identity.
    pub fn word(self) -> &'static str {
        match self {
            Kind::Tree => "tree",
            Kind::Cron => "cron",
            Kind::Unit => "unit",
            Kind::Service => "service",
            Kind::Firewall => "firewall",
            Kind::Kernel => "kernel",
            Kind::Certificate => "certificate",
            Kind::Hosts => "hosts",
            Kind::Changed => "changed",
            Kind::Added => "added",
            Kind::Unread => "unread",
        }
    }

    /// What a person calls it.
    pub fn title(self) -> &'static str {
        match self {
            Kind::Tree => "data",
            Kind::Cron => "jobs of cron and at",
            Kind::Unit => "units of systemd",
            Kind::Service => "services that start by themselves",
            Kind::Firewall => "firewall rules",
            Kind::Kernel => "settings of the kernel and its modules",
            Kind::Certificate => "certificates that were added",
            Kind::Hosts => "lines of /etc/hosts",
            Kind::Changed => "files of packages that were changed",
            Kind::Added => "files below /etc that no package brought",
            Kind::Unread => "what could not be looked at",
        }
    }
}

impl Loss {
    /// Whether it is this path, or lies below it.
    #[must_use]
    pub fn is_below(&self, path: &str) -> bool {
        let rest = self.what.strip_prefix(path);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }

    fn new(kind: Kind, what: impl Into<String>, note: impl Into<String>) -> Loss {
        Loss {
            kind,
            what: what.into(),
            note: note.into(),
            bytes: None,
            more: false,
        }
    }
}

/// Facts about the machine that are not in files below its root.
pub struct Machine<'a> {
    /// What is mounted, and whether it lies on the disk that is replaced.
    pub mounts: Vec<Mounted>,
    /// Asks rpm, where there is one.
    pub rpm: Option<&'a dyn Rpm>,
    /// Seconds since some moment; bounds the time that is taken.
    pub clock: &'a dyn Fn() -> u64,
}

/// A mounted file system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mounted {
    /// Where.
    pub target: String,
    /// Whether it lies on the disk that is replaced.
    pub lost: bool,
    /// Whether it is shown here as a whole, and not only a directory of it.
    pub whole: bool,
}
