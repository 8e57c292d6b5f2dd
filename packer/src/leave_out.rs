// SPDX-License-Identifier: MIT OR Apache-2.0
//! Files that belong to one machine and must not be cloned: `[leave_out]` of
//! `layout.toml`.

use crate::archive::choice::{Choice, Fate};
use anyhow::Result;
use serde::{Deserialize, Serialize};

/// Patterns of paths in the new system.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LeaveOut {
    /// What does not go into the payload.
    #[serde(default)]
    pub paths: Vec<String>,
    /// Files that are there, with owner and mode, and have nothing in them.
    #[serde(default)]
    pub empty: Vec<String>,
}

/// Patterns that are left out by default, with the reasons.
const PATHS: &[(&str, &str)] = &[
    (
        "/etc/ssh/ssh_host_*",
        "host keys: the old machine's are carried over, or sshd's package makes new ones",
    ),
    (
        "/var/lib/dbus/machine-id",
        "is made a link to /etc/machine-id",
    ),
    (
        "/var/lib/systemd/random-seed",
        "the seed of one machine's random numbers",
    ),
    ("/var/lib/random-seed", "the same, of EL 6 and 7"),
    ("/var/lib/urandom/random-seed", "the same, of older Debian"),
    ("/boot/loader/random-seed", "the same, of systemd-boot"),
    (
        "/var/lib/systemd/credential.secret",
        "one machine's key; systemd makes it",
    ),
    ("/var/lib/dhcp/*", "leases of dhclient in Debian"),
    ("/var/lib/dhclient/*", "leases of dhclient in EL"),
    ("/var/lib/dhcpcd/*", "leases, and the id for DHCP"),
    ("/etc/dhcpcd.duid", "one machine's id for DHCP"),
    (
        "/var/lib/NetworkManager/*.lease",
        "leases of NetworkManager",
    ),
    (
        "/var/lib/NetworkManager/secret_key",
        "one machine's key for its addresses",
    ),
    (
        "/var/lib/NetworkManager/seen-bssids",
        "networks that it saw",
    ),
    (
        "/var/lib/NetworkManager/timestamps",
        "when it was connected",
    ),
    ("/var/lib/wicked/*.xml", "leases and ids of wicked"),
    (
        "/etc/udev/rules.d/70-persistent-net.rules",
        "names for one machine's network cards",
    ),
    (
        "/etc/udev/rules.d/70-persistent-cd.rules",
        "names for one machine's drives",
    ),
    (
        "/var/lib/cloud/*",
        "what cloud-init did on one machine; it begins anew",
    ),
    (
        "/etc/lvm/devices/*",
        "the devices file: LVM would not see another machine's disk",
    ),
    ("/etc/lvm/archive/*", "one machine's volume groups"),
    ("/etc/lvm/backup/*", "the same"),
    ("/etc/lvm/cache/*", "its devices"),
    ("/etc/multipath/wwids", "one machine's disks"),
    ("/etc/multipath/bindings", "their names"),
    (
        "/etc/nvme/hostid",
        "one machine's id for NVMe over networks",
    ),
    ("/etc/nvme/hostnqn", "its name there"),
    ("/etc/pki/consumer/*", "one machine's subscription"),
    ("/var/lib/chrony/drift", "how one machine's clock runs"),
    ("/var/lib/ntp/*drift", "the same"),
    ("/var/log/journal/*", "the journal"),
    ("/var/log/*.gz", "older logs"),
    ("/var/log/*.xz", "the same"),
    ("/var/log/*.old", "the same"),
    ("/var/log/*.[0-9]", "the same"),
    ("/var/log/*-20[0-9][0-9]*", "the same"),
    ("/var/lib/systemd/coredump/*", "core dumps"),
    ("/var/crash/*", "crash dumps"),
    ("/tmp/*", "temporary files"),
    ("/var/tmp/*", "the same"),
    ("/root/.bash_history", "what was typed"),
    ("/home/*/.bash_history", "the same"),
];

/// Patterns that are emptied by default, with the reasons.
const EMPTY: &[(&str, &str)] = &[
    (
        "/etc/machine-id",
        "empty, systemd makes one; missing, it would enable services anew",
    ),
    (
        "/var/log/*",
        "logs; directories and owners stay, for programs want them",
    ),
];

impl LeaveOut {
    /// The usual list.
    pub fn usual() -> LeaveOut {
        let texts = |list: &[(&str, &str)]| list.iter().map(|(p, _)| p.to_string()).collect();
        LeaveOut {
            paths: texts(PATHS),
            empty: texts(EMPTY),
        }
    }

    /// Adds all of it to a choice.
    pub fn choose(&self, choice: &mut Choice) -> Result<()> {
        for pattern in &self.paths {
            choice.add(pattern, Fate::LeaveOut)?;
        }
        for pattern in &self.empty {
            choice.add(pattern, Fate::Empty)?;
        }
        Ok(())
    }
}

/// The usual list as a section of `layout.toml`, with the reasons.
pub fn usual_text() -> String {
    let list = |list: &[(&str, &str)]| {
        let lines = list
            .iter()
            .map(|(p, why)| format!("    \"{p}\", # {why}\n"));
        lines.collect::<String>()
    };
    format!(
        "
# What belongs to one machine, and is not cloned. Who deletes a line gets the
# file. A * stands for anything, slashes too; a / or ./ at the start is the new
# system's root.
[leave_out]
# Not in the package:
paths = [
{}]
# In the package without content:
empty = [
{}]
",
        list(PATHS),
        list(EMPTY)
    )
}
