// SPDX-License-Identifier: MIT OR Apache-2.0
//! The new system, as far as it decides who gets an account there.

use super::login_defs::LoginDefs;
use super::sudoers::Sudoers;
use crate::error::Result;
use ondisk::os_release::OsRelease;
use rootdir::RootDir;
use std::collections::BTreeSet;

/// Directories of login shells.
const PROGRAMS: [&str; 4] = ["bin", "usr/bin", "sbin", "usr/sbin"];

/// The facts, besides the account files, that decide about accounts in the new
/// system.
#[derive(Debug, Default)]
pub(crate) struct System {
    pub login_defs: LoginDefs,
    /// The users and groups that its sudo lets become root.
    pub sudoers: Sudoers,
    /// Login shells that exist.
    pub shells: BTreeSet<String>,
    /// ID of os-release with the number, "centos 7".
    pub id: String,
}

impl System {
    pub(crate) fn read(root: &RootDir) -> Result<System> {
        let mut system = System {
            login_defs: LoginDefs::read(root)?,
            sudoers: Sudoers::read(root)?,
            ..System::default()
        };
        for dir in PROGRAMS {
            system.shells.extend(
                root.list(dir)?
                    .into_iter()
                    .map(|name| format!("/{dir}/{name}")),
            );
        }
        system.id = id(&root.os_release()?);
        Ok(system)
    }
}

/// ID and number of a system, "centos 7".
pub(crate) fn id(release: &OsRelease) -> String {
    format!("{} {}", release.id, release.version_id)
}
