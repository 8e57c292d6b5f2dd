// SPDX-License-Identifier: MIT OR Apache-2.0
//! root, the users and their groups.

pub(crate) mod apply;
pub(crate) mod collect;
pub(crate) mod database;
pub(crate) mod plan;
mod reown;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

/// root, users and groups of the old system.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Accounts {
    /// root and the users, root first.
    pub users: Vec<User>,
    /// Groups with numbers of users' groups (GID_MIN and more).
    pub groups: Vec<Group>,
}

/// A user, or root.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
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

/// A group that users made.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
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
