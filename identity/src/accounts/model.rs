// SPDX-License-Identifier: MIT OR Apache-2.0
//! Accounts as they are stored in `identity.toml`.

use super::database::{is_field, is_name};
use super::ranges::is_reserved;
use serde::{Deserialize, Serialize};

/// root, users and groups of the old system.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Accounts {
    /// root and the users, root first.
    pub users: Vec<User>,
    /// Groups with numbers of users' groups (GID_MIN and more).
    pub groups: Vec<Group>,
    /// Names of system groups (below GID_MIN) that some user is in.
    pub system_groups: Vec<String>,
    /// Users whom sudo let run every command.
    pub sudo_users: Vec<String>,
    /// Groups whose members sudo let run every command.
    pub sudo_groups: Vec<String>,
    /// Ways to log in to the old system that are not carried over, or that
    /// could not be looked at.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub other_ways: Vec<String>,
}

/// A user, or root.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct User {
    /// Login name.
    pub name: String,
    /// User number.
    pub uid: u32,
    /// Number of the primary group.
    pub gid: u32,
    /// Name of the primary group, if the old system had one.
    pub group: String,
    /// The comment field.
    pub gecos: String,
    /// Home directory.
    pub home: String,
    /// Login shell.
    pub shell: String,
    /// The password's hash as in shadow.
    pub password: String,
    /// The rest of the shadow line: last change to reserved, seven fields.
    pub aging: String,
    /// Names of the other groups that the user is in.
    pub groups: Vec<String>,
    /// Ranges of subordinate user numbers: first, count.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub subuid: Vec<(u32, u32)>,
    /// Ranges of subordinate group numbers: first, count.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub subgid: Vec<(u32, u32)>,
    /// Text of `~/.ssh/authorized_keys`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub authorized_keys: String,
}

impl Accounts {
    /// Notes a way to log in that is not carried over, once.
    pub(crate) fn other_way(&mut self, way: String) {
        if !self.other_ways.contains(&way) {
            self.other_ways.push(way);
        }
    }
}

impl User {
    /// Whether it is root. The name alone says nothing.
    pub(crate) fn is_superuser(&self) -> bool {
        self.uid == 0 && self.name == "root"
    }

    /// Whether anybody could log in as this user, by password or by key.
    pub(crate) fn can_log_in(&self) -> bool {
        let hash = !self.password.is_empty() && !self.password.starts_with(['!', '*', 'x']);
        hash || !self.authorized_keys.trim().is_empty()
    }

    /// Why the user cannot be written into account files.
    pub(crate) fn unwritable(&self) -> Option<&'static str> {
        let fields = [&self.gecos, &self.home, &self.shell, &self.password];
        if !is_name(&self.name) {
            return Some("the name holds what no account file can");
        }
        if is_reserved(self.uid) || self.gid == u32::MAX {
            return Some("nobody can have that number");
        }
        let good = fields.iter().all(|f| is_field(f));
        (!good).then_some("a field of passwd holds a control character")
    }
}

/// Without the password: no message may hold a hash.
impl std::fmt::Debug for User {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "User({:?}, {})", self.name, self.uid)
    }
}

/// A group that users made.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Group {
    /// Name.
    pub name: String,
    /// Number.
    pub gid: u32,
    /// Password and administrators of the gshadow line.
    pub password: String,
    /// Administrators.
    pub admins: Vec<String>,
}

/// Without the password: no message may hold a hash.
impl std::fmt::Debug for Group {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Group({:?}, {})", self.name, self.gid)
    }
}
