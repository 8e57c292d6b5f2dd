// SPDX-License-Identifier: MIT OR Apache-2.0
//! Accounts written into the new system.

use super::database::number;
use super::files::Files;
use super::homes::Home;
use super::model::Accounts;
use super::plan::{Plan, plan};
use super::system::System;
use super::{authorized, reown};
use crate::error::Result;
use crate::report::Report;
use rootdir::{Attributes, RootDir};

/// Joins the old accounts into the new system.
pub(crate) fn apply(root: &RootDir, accounts: &Accounts, report: &mut Report) -> Result<()> {
    if accounts.users.is_empty() {
        report.warn("no accounts were saved; the new system's stay as they are");
        return Ok(());
    }
    let system = System::read(root)?;
    let Plan {
        files,
        moved_users,
        moved_groups,
        homes,
        carried,
    } = plan(accounts, Files::read(root)?, &system, report)?;
    // Files change their owner before the account files are written: after an
    // interruption, the next run moves the rest.
    reown::reown(root, &moved_users, &moved_groups)?;
    let readable = Attributes::root(0o644);
    // If the payload has no shadow file: on Debian the group shadow may read it,
    // on EL nobody.
    let shadow = files.group.get("shadow").and_then(|g| number(g, 2));
    let secret = match shadow {
        Some(gid) => Attributes {
            mode: 0o640,
            uid: 0,
            gid,
        },
        None => Attributes::root(0),
    };
    for (name, table, attributes) in [
        ("passwd", &files.passwd, readable),
        ("group", &files.group, readable),
        ("gshadow", &files.gshadow, secret),
        ("shadow", &files.shadow, secret),
        ("subuid", &files.subuid, readable),
        ("subgid", &files.subgid, readable),
    ] {
        let path = format!("etc/{name}");
        let attributes = root.attributes(&path)?.unwrap_or(attributes);
        let text = table.text();
        if !text.is_empty() {
            root.write(&path, text.as_bytes(), attributes)?;
        }
    }
    let mode = system.login_defs.home_mode();
    for (path, uid, gid) in &homes {
        let (path, uid, gid) = (path.as_str(), *uid, *gid);
        Home { path, uid, gid }.make(root, mode, report);
    }
    report.done(format!("passwords of {carried} accounts carried over"));
    Ok(())
}

/// Adds `authorized_keys` of root and the users to those of the payload.
pub(crate) fn authorized_keys(
    root: &RootDir,
    accounts: &Accounts,
    report: &mut Report,
) -> Result<()> {
    let (files, system) = (Files::read(root)?, System::read(root)?);
    authorized::apply(root, accounts, &files, &system, report)
}
