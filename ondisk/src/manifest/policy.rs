// SPDX-License-Identifier: MIT OR Apache-2.0
//! What of the machine's identity is carried over: `[identity]`.

use serde::{Deserialize, Serialize};

/// What is carried over. Each field may be left out; all but
/// `pin_interface_names` are then true.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Policy {
    /// The host name, and the machine's own lines of /etc/hosts.
    pub hostname: bool,
    /// Addresses, routes, bonds, bridges, VLANs, DNS. Network configuration
    /// that the payload brought is put aside.
    pub network: bool,
    /// Gives network interfaces their old names by .link files even where the
    /// new system's configuration goes by MAC address. (ifupdown always needs
    /// the names, and gets them.)
    pub pin_interface_names: bool,
    /// root's password, and users with their passwords and groups.
    pub accounts: bool,
    /// `~/.ssh/authorized_keys` of root and the users, added to the payload's.
    pub authorized_keys: bool,
    /// The ssh host keys; the payload's own are removed.
    pub ssh_host_keys: bool,
    /// /etc/machine-id: the machine stays the same one.
    pub machine_id: bool,
    /// The time zone.
    pub timezone: bool,
    /// Language and keyboard, where the new system has the same file.
    pub locale: bool,
    /// Time servers that somebody chose (not a distribution's own pool).
    pub time_servers: bool,
    /// Lines of fstab whose file systems stay: of other disks, and of other
    /// machines.
    pub mounts: bool,
}

impl Default for Policy {
    fn default() -> Self {
        Policy {
            hostname: true,
            network: true,
            pin_interface_names: false,
            accounts: true,
            authorized_keys: true,
            ssh_host_keys: true,
            machine_id: true,
            timezone: true,
            locale: true,
            time_servers: true,
            mounts: true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_left_out_have_defaults_and_unknown_ones_are_named() {
        let policy: Policy = crate::document::read("hostname = false").unwrap();
        assert_eq!(
            policy,
            Policy {
                hostname: false,
                ..Policy::default()
            }
        );
        let error = crate::document::read::<Policy>("host_name = false")
            .unwrap_err()
            .to_string();
        assert!(error.contains("host_name"), "{error}");
    }
}
