// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the payload brought that would undo the identity or spoil the boot:
//! LVM's device list, cloud-init, missing SELinux labels.

use super::config::shell;
use super::error::Result;
use super::outcome::Report;
use super::policy::Policy;
use super::root::{Attributes, RootDir};

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
        let names = root.list(dir)?;
        for name in &names {
            root.remove(&format!("{dir}/{name}"))?;
        }
        if !names.is_empty() {
            report.done(format!(
                "{} files in {dir} of the payload removed",
                names.len()
            ));
        }
    }
    root.remove("etc/lvm/cache/.cache")?;
    Ok(())
}

/// Keeps cloud-init from giving the machine another identity.
pub(super) fn cloud_init(root: &RootDir, policy: &Policy, report: &mut Report) -> Result<()> {
    if !root.is_dir("etc/cloud")? {
        return Ok(());
    }
    let mut text = String::from("# Carried over from the old system by replant.\n");
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

/// Asks for new labels if the new system has SELinux: files that were written
/// here have none, and login would fail.
pub(super) fn selinux(root: &RootDir, report: &mut Report) -> Result<()> {
    let v = shell::parse(&root.text("etc/selinux/config")?.unwrap_or_default());
    let on = v
        .get("SELINUX")
        .is_some_and(|s| ["enforcing", "permissive"].contains(&s.as_str()));
    let kind = v.get("SELINUXTYPE").map_or("targeted", String::as_str);
    let plain = kind
        .bytes()
        .all(|b| b.is_ascii_alphanumeric() || b"_-".contains(&b));
    if !on || !plain || root.list(&format!("etc/selinux/{kind}/policy"))?.is_empty() {
        return Ok(());
    }
    root.write(".autorelabel", b"", Attributes::root(0o644))?;
    report.relabels = true;
    report.done("SELinux: the first boot gives all files their labels and boots once more");
    Ok(())
}
