// SPDX-License-Identifier: MIT OR Apache-2.0
//! The identity as it is stored: `identity.toml`.

use super::accounts::Accounts;
use super::carried::Carried;
use super::losses::Loss;
use super::mounts::Kept;
use super::network::Network;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::net::IpAddr;

/// The version of the format that this program writes.
pub const VERSION: u32 = 1;

/// What makes the machine itself. Keys lie beside it as raw files.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// The version of the format that its program wrote.
    pub version: u32,
    /// Names and settings of the machine as a whole.
    #[serde(default)]
    pub host: Host,
    /// Files of ssh host keys, which lie in `ssh/`.
    #[serde(default)]
    pub ssh_host_keys: Vec<String>,
    /// Interfaces, addresses, routes.
    #[serde(default)]
    pub network: Network,
    /// root and the users.
    #[serde(default)]
    pub accounts: Accounts,
    /// File systems that stay, and are mounted as before.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mounts: Vec<Kept>,
    /// Files that the package names; their contents lie in `carried/`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub carried: Vec<Carried>,
    /// What is not carried over.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub losses: Vec<Loss>,
}

/// Names and settings of the machine as a whole.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Host {
    /// The static host name; none when it comes from DHCP.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// 32 hexadecimal digits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub machine_id: Option<String>,
    /// Time zone as a path below /usr/share/zoneinfo.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timezone: Option<String>,
    /// The hardware clock runs in local time (third line of /etc/adjtime).
    pub local_clock: bool,
    /// Time servers that somebody chose.
    pub time_servers: Vec<String>,
    /// Small files of language and keyboard: path below the root, content.
    pub locale: BTreeMap<String, String>,
    /// The lines of /etc/hosts that name this machine.
    pub hosts: Vec<HostsEntry>,
}

/// A line of /etc/hosts that names the machine itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostsEntry {
    /// The address.
    pub ip: IpAddr,
    /// The machine's names on that line.
    pub names: Vec<String>,
}
