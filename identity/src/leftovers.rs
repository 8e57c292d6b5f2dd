// SPDX-License-Identifier: MIT OR Apache-2.0
//! Removes files of the payload that would undo the identity or break the boot:
//! LVM's device list, cloud-init's state, missing SELinux labels.

use super::error::Result;
use super::report::Report;
use crate::text::HEADER;
use ondisk::grub::Env;
use ondisk::hex;
use ondisk::manifest::Policy;
use rootdir::labels::{self, Labels};
use rootdir::{Attributes, RootDir};

/// Removes LVM's list of the devices of another machine: with it, volumes on
/// this machine's disks are not seen after the switch to the real root. Old
/// copies of another volume group's metadata go, too.
pub(super) fn lvm(root: &RootDir, report: &mut Report) -> Result<()> {
    if root.remove("etc/lvm/devices/system.devices")? {
        report.done("etc/lvm/devices/system.devices of the payload removed");
    }
    for dir in [
        "etc/lvm/devices/backup",
        "etc/lvm/archive",
        "etc/lvm/backup",
    ] {
        let mut removed = 0;
        for name in root.list(dir)? {
            let path = format!("{dir}/{name}");
            // LVM does not use subdirectories there.
            if !root.is_dir(&path)? && root.remove(&path)? {
                removed += 1;
            }
        }
        if removed > 0 {
            report.done(format!("{removed} files in {dir} of the payload removed"));
        }
    }
    root.remove("etc/lvm/cache/.cache")?;
    Ok(())
}

const ENTRIES: &str = "boot/loader/entries";

/// Names the entries of the boot menu after the machine (Boot Loader
/// Specification: `MACHINE-ID-VERSION.conf`). EL removes the entry of a kernel
/// by that name; one that stays behind would be booted without its kernel.
pub(super) fn boot_entries(root: &RootDir, id: &str, report: &mut Report) -> Result<()> {
    let mut renamed = 0;
    for name in root.list(ENTRIES)? {
        let Some((old, version)) = name.split_once('-').filter(|_| name.ends_with(".conf")) else {
            continue;
        };
        let is_id = hex::decode::<16>(old.as_bytes()).is_some();
        let (from, to) = (
            format!("{ENTRIES}/{name}"),
            format!("{ENTRIES}/{id}-{version}"),
        );
        if !is_id || old == id || root.present(&to)? {
            continue;
        }
        let Some(bytes) = root.read(&from)? else {
            continue;
        };
        let attributes = root.attributes(&from)?.unwrap_or(Attributes::root(0o644));
        root.write(&to, &bytes, attributes)?;
        root.remove(&from)?;
        saved_entry(root, &name, &format!("{id}-{version}"))?;
        renamed += 1;
    }
    if renamed > 0 {
        report.done(format!(
            "{renamed} entries of {ENTRIES} named after the machine id"
        ));
    }
    Ok(())
}

/// GRUB's default is one of these entries, by its name without `.conf`.
fn saved_entry(root: &RootDir, old: &str, new: &str) -> Result<()> {
    const ENVIRONMENT: &str = "boot/grub2/grubenv";
    let stem = |name: &str| name.trim_end_matches(".conf").to_owned();
    let Some(bytes) = root.read(ENVIRONMENT)? else {
        return Ok(());
    };
    // GRUB ignores a damaged block, and takes the first entry.
    let chosen = Env::parse(&bytes).ok().and_then(|e| e.get("saved_entry"));
    if chosen != Some(stem(old)) {
        return Ok(());
    }
    // Both ids have 32 characters, so the file keeps its 1024 bytes.
    let line = |name: &str| format!("\nsaved_entry={}\n", stem(name)).into_bytes();
    let (from, to) = (line(old), line(new));
    let at = bytes.windows(from.len()).rposition(|window| window == from);
    if let (Some(at), true) = (at, from.len() == to.len()) {
        let (before, after) = bytes.split_at(at);
        let after = after.get(from.len()..).unwrap_or_default();
        let attributes = root.attributes(ENVIRONMENT)?;
        let attributes = attributes.unwrap_or(Attributes::root(0o600));
        root.write(ENVIRONMENT, &[before, &to, after].concat(), attributes)?;
    }
    Ok(())
}

/// Keeps cloud-init from giving the machine another identity.
pub(super) fn cloud_init(root: &RootDir, policy: &Policy, report: &mut Report) -> Result<()> {
    if !root.is_dir("etc/cloud")? {
        return Ok(());
    }
    let mut text = String::from(HEADER);
    for (wanted, line) in [
        (policy.network, "network: {config: disabled}"),
        (policy.hostname, "preserve_hostname: true"),
        (policy.hostname, "manage_etc_hosts: false"),
        (policy.ssh_host_keys, "ssh_deletekeys: false"),
        (policy.accounts, "users: []"),
        (policy.accounts, "disable_root: false"),
        (policy.accounts, "ssh_pwauth: unchanged"),
    ] {
        if wanted {
            text.push_str(line);
            text.push('\n');
        }
    }
    let file = "etc/cloud/cloud.cfg.d/99-replant.cfg";
    if root.write(file, text.as_bytes(), Attributes::root(0o644))? {
        report.done(format!("{file}: cloud-init leaves the identity alone"));
    }
    Ok(())
}

/// Files written from now on get their label, if the new system has SELinux. If
/// the payload's own files have none, the new system is asked to relabel itself.
/// Must be called before anything is written.
pub(super) fn selinux(root: RootDir, report: &mut Report) -> Result<RootDir> {
    let Some(labels) = Labels::read(&root)? else {
        return Ok(root);
    };
    labels.warnings.iter().for_each(|w| report.warn(w.clone()));
    let found = labels::count(&labels, &root)?;
    let (autorelabel, root) = (labels.autorelabel, root.with_labels(labels.contexts));
    if root.read(labels::MARKER)?.is_some() {
        report.relabels = true;
        report.done("SELinux: the payload asks for new labels at the first boot");
        return Ok(root);
    }
    if found.unlabelled == 0 {
        report.done("SELinux: the files of the payload have labels");
        return Ok(root);
    }
    let missing = format!(
        "SELinux: {} of {} files of the payload have no label",
        found.unlabelled,
        found.unlabelled + found.labelled
    );
    if !autorelabel {
        report.warn(format!(
            "{missing}; they get what file_contexts says, and no more, for AUTORELABEL=0 \
             would stop the first boot at a console"
        ));
        return Ok(root);
    }
    root.write(labels::MARKER, b"", Attributes::root(0o644))?;
    report.relabels = true;
    report.done(format!(
        "{missing}: the first boot gives all files their labels and boots once more"
    ));
    Ok(root)
}
