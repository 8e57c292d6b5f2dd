// SPDX-License-Identifier: MIT OR Apache-2.0
//! The new system, as far as it decides who gets an account there.

use super::login_defs::LoginDefs;
use super::sudoers::Sudoers;
use crate::error::Result;
use ondisk::os_release::OsRelease;
use rootdir::RootDir;
use std::collections::BTreeSet;

/// Directories of login shells; an appliance may have its own ones, such as a
/// menu, in the last two.
const PROGRAMS: [&str; 6] = [
    "bin",
    "usr/bin",
    "sbin",
    "usr/sbin",
    "usr/local/bin",
    "usr/local/sbin",
];

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

#[cfg(test)]
mod tests {
    use super::*;
    use rootdir::Attributes;

    #[test]
    fn shells_of_an_appliance() {
        let top = tempfile::tempdir().unwrap();
        let root = RootDir::open(top.path()).unwrap();
        let own = Attributes::root(0o755);
        for path in ["usr/bin/bash", "usr/local/bin/menu", "usr/local/sbin/x"] {
            root.write(path, b"x", own).unwrap();
        }
        let shells = System::read(&root).unwrap().shells;
        let want = ["/usr/bin/bash", "/usr/local/bin/menu", "/usr/local/sbin/x"];
        assert_eq!(shells, BTreeSet::from(want.map(str::to_owned)));
    }
}
