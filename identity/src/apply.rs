// SPDX-License-Identifier: MIT OR Apache-2.0
//! Applying the saved identity to the new root.

use super::error::Result;
use super::model::Identity;
use super::network::write;
use super::report::Report;
use super::{accounts, carried, host, keys, leftovers, mounts, store};
use ondisk::manifest::Policy;
use rootdir::RootDir;
use std::path::Path;

/// Writes the identity saved in `identity_dir` into the system below
/// `new_root`. Applied twice, the result is the same. Nothing outside of
/// `new_root` is touched, whatever links it contains.
///
/// # Errors
/// The saved identity is missing or damaged, or a file cannot be written. What
/// the new system cannot take is a warning in the report.
pub fn apply(identity_dir: &Path, new_root: &Path, policy: &Policy) -> Result<Report> {
    let mut report = Report::default();
    let store::Saved {
        identity,
        keys,
        contents,
    } = store::read(identity_dir)?;
    let root = leftovers::selinux(RootDir::open(new_root)?, &mut report)?;
    host::apply(&root, &identity.host, policy, &mut report)?;
    // Before homes are made: what is below a mount point would be hidden.
    if policy.mounts {
        mounts::apply(&root, &identity.mounts, &mut report)?;
    }
    if policy.accounts {
        accounts::apply(&root, &identity.accounts, &mut report)?;
    }
    if policy.authorized_keys {
        accounts::authorized_keys(&root, &identity.accounts, &mut report)?;
    }
    if policy.ssh_host_keys {
        keys::apply(&root, &keys, &mut report)?;
    }
    // Their owners are there now.
    carried::apply(&root, &identity.carried, &contents, &mut report)?;
    if policy.network {
        let seed = identity.host.machine_id.as_deref().unwrap_or_default();
        write::apply(&root, &identity.network, seed, policy, &mut report)?;
    }
    if policy.machine_id
        && let Some(id) = identity.host.machine_id.as_deref()
        && host::is_machine_id(id)
    {
        leftovers::boot_entries(&root, id, &mut report)?;
    }
    leftovers::lvm(&root, &mut report)?;
    leftovers::cloud_init(&root, policy, &mut report)?;
    Ok(report)
}

/// Reads a saved identity, to show it or to check it before the point of no
/// return.
///
/// # Errors
/// It is missing, damaged or of a newer version.
pub fn load(identity_dir: &Path) -> Result<Identity> {
    Ok(store::read(identity_dir)?.identity)
}
