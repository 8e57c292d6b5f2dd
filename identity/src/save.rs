// SPDX-License-Identifier: MIT OR Apache-2.0
//! Saving the identity of the old system.

use super::error::Result;
use super::host_key::Keys;
use super::losses::Loss;
use super::model::{Identity, VERSION};
use super::mounts::Kept;
use super::network::kernel::KernelNetwork;
use super::network::{files, merge};
use super::report::Report;
use super::{accounts, carried, host, keys, store};
use ondisk::os_release::OsRelease;
use rootdir::RootDir;
use std::path::Path;

/// Reads the identity of the system below `root` and writes it into
/// `dest_dir`, which it makes (0700, files 0600, flushed to the disk).
///
/// `live` is the running kernel's network; without it (an offline root) the
/// configuration files alone count.
///
/// # Errors
/// A file that exists and cannot be read, or `dest_dir` cannot be written.
/// What cannot be carried over is no error but a warning in the report.
pub fn save(root: &Path, live: Option<&KernelNetwork>, dest_dir: &Path) -> Result<Report> {
    save_with(root, live, Machine::default(), dest_dir)
}

/// What files below a root do not say of its machine.
#[derive(Debug, Clone, Default)]
pub struct Machine {
    /// What is not carried over, for the new system's log.
    pub losses: Vec<Loss>,
    /// File systems that stay, and are mounted as before.
    pub mounts: Vec<Kept>,
    /// Files and directories that the package carries over, as absolute paths.
    pub carry: Vec<String>,
}

/// [`save`], with what is known of the machine.
///
/// # Errors
/// Those of [`save`].
pub fn save_with(
    root: &Path,
    live: Option<&KernelNetwork>,
    machine: Machine,
    dest_dir: &Path,
) -> Result<Report> {
    let mut report = Report::default();
    let root = RootDir::open(root)?;
    let (mut identity, keys) = collect(&root, live, &mut report)?;
    identity.losses = machine.losses;
    identity.mounts = machine.mounts;
    let (carried, contents) = carried::collect(&root, &machine.carry, &mut report)?;
    identity.carried = carried;
    let saved = store::Saved {
        identity,
        keys,
        contents,
    };
    store::write(dest_dir, &saved)?;
    // An identity that the tiny system could not read must not be staged.
    store::read(dest_dir)?;
    Ok(report)
}

/// The report that [`save_with`] would return, without writing anything, and what
/// the new system (`new`) will not take, as far as that is known by its
/// os-release. `carry` are the paths that the package carries over.
///
/// # Errors
/// Those of [`save`], but for those of writing.
pub fn survey(
    root: &Path,
    live: Option<&KernelNetwork>,
    new: Option<&OsRelease>,
    carry: &[String],
) -> Result<Report> {
    let mut report = Report::default();
    let below = RootDir::open(root)?;
    let (mut identity, _) = collect(&below, live, &mut report)?;
    (identity.carried, _) = carried::collect(&below, carry, &mut report)?;
    if let Some(new) = new {
        let system = accounts::system_id(new);
        for line in accounts::unusable(&identity.accounts, &system) {
            report.warn(line);
        }
    }
    store::encode(&identity, root)?;
    Ok(report)
}

fn collect(
    root: &RootDir,
    live: Option<&KernelNetwork>,
    report: &mut Report,
) -> Result<(Identity, Keys)> {
    let host = host::collect(root, report)?;
    let network = merge::merge(files::load(root)?, live, report);
    let accounts = accounts::collect(root, report)?;
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
            mounts: Vec::new(),
            carried: Vec::new(),
            losses: Vec::new(),
        },
        keys,
    ))
}
