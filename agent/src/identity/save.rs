// SPDX-License-Identifier: MIT OR Apache-2.0
//! Saving the identity of the old system.

use super::error::Result;
use super::model::{Identity, VERSION};
use super::outcome::Report;
use super::root::RootDir;
use super::{accounts, config, host, keys, live, merge, store};
use std::path::Path;

/// Longer files of ssh keys are not carried over, in bytes.
const KEYS_LIMIT: usize = 256 << 10;

/// Reads the identity of the system below `root` and writes it into
/// `dest_dir`, which it makes (0700, files 0600, flushed to the disk).
///
/// `live` is the running kernel's network; without it (an offline root) the
/// configuration files alone count.
///
/// # Errors
/// A file that exists and cannot be read, or `dest_dir` cannot be written.
/// What cannot be carried over is no error but a warning in the report.
pub fn save(root: &Path, live: Option<&live::Network>, dest_dir: &Path) -> Result<Report> {
    let mut report = Report::default();
    let root = RootDir::open(root)?;
    let (identity, keys) = collect(&root, live, &mut report)?;
    store::write(dest_dir, &identity, &keys)?;
    Ok(report)
}

fn collect(
    root: &RootDir,
    live: Option<&live::Network>,
    report: &mut Report,
) -> Result<(Identity, store::Keys)> {
    let host = host::collect(root, report)?;
    let network = merge::merge(config::load(root)?, live, report);
    let files = accounts::collect::Files::read(root)?;
    let login_defs = root.text("etc/login.defs")?.unwrap_or_default();
    let mut accounts = accounts::collect::collect(&files, &login_defs, report);
    for user in &mut accounts.users {
        if !user.home.starts_with('/') {
            continue;
        }
        for name in ["authorized_keys", "authorized_keys2"] {
            let path = format!("{}/.ssh/{name}", user.home.trim_end_matches('/'));
            match root.text(&path) {
                Ok(Some(text)) if text.len() > KEYS_LIMIT => {
                    report.warn(format!("{path} is too long and is left out"));
                }
                Ok(Some(text)) => {
                    user.authorized_keys.push_str(text.trim_end());
                    user.authorized_keys.push('\n');
                }
                Ok(None) => {}
                // A home on a file server, which not even root may read.
                Err(error) => report.warn(format!("{path} is left out: {error}")),
            }
        }
    }
    let keys = keys::collect(root, report)?;
    report.done(format!(
        "saved: host name {}, {} interfaces, {} accounts, {} ssh host key files",
        host.name.as_deref().unwrap_or("(none)"),
        network.interfaces.len(),
        accounts.users.len(),
        keys.len()
    ));
    let ssh_host_keys = keys.iter().map(|(name, _)| name.clone()).collect();
    Ok((
        Identity {
            version: VERSION,
            host,
            ssh_host_keys,
            network,
            accounts,
        },
        keys,
    ))
}
