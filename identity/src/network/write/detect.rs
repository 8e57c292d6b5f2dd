// SPDX-License-Identifier: MIT OR Apache-2.0
//! Finds the program that configures the network in the new system.

use crate::error::Result;
use rootdir::RootDir;
use std::fmt;

/// What configures the network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Manager {
    /// NetworkManager; `old` before 1.20, which cannot switch IPv6 off.
    Nm { old: bool },
    /// systemd-networkd.
    Networkd,
    /// Debian's ifupdown.
    Ifupdown,
}

impl fmt::Display for Manager {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Manager::Nm { .. } => "NetworkManager",
            Manager::Networkd => "systemd-networkd",
            Manager::Ifupdown => "ifupdown",
        })
    }
}

const WANTS: &str = "etc/systemd/system/multi-user.target.wants";

/// The manager that is enabled; otherwise one that is installed.
pub(super) fn detect(root: &RootDir) -> Result<Option<Manager>> {
    let program = |name: &str| -> Result<bool> {
        Ok(root.exists(&format!("usr/sbin/{name}"))? || root.exists(&format!("sbin/{name}"))?)
    };
    let unit = |name: &str| root.present(&format!("{WANTS}/{name}.service"));
    // EL7 has NetworkManager 1.18 at most, and nothing else of interest is that old.
    let old = root.os_release()?.el() == Some("7");
    let manager = program("NetworkManager")?;
    let networkd = root.exists("usr/lib/systemd/systemd-networkd")?
        || root.exists("lib/systemd/systemd-networkd")?;
    let ifup = program("ifup")? && root.is_dir("etc/network")?;
    Ok(if manager && unit("NetworkManager")? {
        Some(Manager::Nm { old })
    } else if networkd && (unit("systemd-networkd")? || netplan_networkd(root)?) {
        Some(Manager::Networkd)
    } else if ifup {
        Some(Manager::Ifupdown)
    } else if manager {
        Some(Manager::Nm { old })
    } else if networkd {
        Some(Manager::Networkd)
    } else {
        None
    })
}

/// netplan switches systemd-networkd on at boot, unless told otherwise.
fn netplan_networkd(root: &RootDir) -> Result<bool> {
    for name in root.list("etc/netplan")? {
        let text = root
            .text(&format!("etc/netplan/{name}"))?
            .unwrap_or_default();
        if name.ends_with(".yaml") && !text.contains("renderer: NetworkManager") {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Switches systemd-networkd on, as `systemctl enable` does.
pub(super) fn enable_networkd(root: &RootDir) -> Result<()> {
    let service = "/lib/systemd/system/systemd-networkd.service";
    let unit = if root.exists(&format!("usr{service}"))? {
        format!("/usr{service}")
    } else {
        service.to_owned()
    };
    for place in [
        format!("{WANTS}/systemd-networkd.service"),
        "etc/systemd/system/dbus-org.freedesktop.network1.service".to_owned(),
    ] {
        if !root.present(&place)? {
            root.symlink(&place, &unit)?;
        }
    }
    Ok(())
}
