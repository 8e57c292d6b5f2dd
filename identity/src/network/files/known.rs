// SPDX-License-Identifier: MIT OR Apache-2.0
//! Sections and keys that are read, and those that mean nothing to the new
//! system, of the dialects with sections. What is not here is named.

use super::unknown::{ANY, Known};

/// Of NetworkManager's keyfiles.
pub(super) const KEYFILE: [Known; 14] = [
    (
        "connection",
        &[
            "id",
            "uuid",
            "type",
            "interface-name",
            "autoconnect",
            "autoconnect-priority",
            "autoconnect-retries",
            "autoconnect-slaves",
            "autoconnect-ports",
            "master",
            "controller",
            "slave-type",
            "port-type",
            "timestamp",
            "permissions",
        ],
    ),
    ("ethernet", ETHERNET),
    ("802-3-ethernet", ETHERNET),
    ("ipv4", FAMILY),
    ("ipv6", FAMILY),
    ("bridge", &["stp", "interface-name"]),
    ("vlan", &["id", "parent", "interface-name"]),
    ("802-1x", &[]),
    ("loopback", &[]),
    ("team", &["config", "runner", "interface-name"]),
    ("bond", ANY),
    // Of the browsers, of other programs, and of NetworkManager itself.
    ("proxy", ANY),
    ("user", ANY),
    (".nmmeta", ANY),
];
const ETHERNET: &[&str] = &[
    "mac-address",
    "cloned-mac-address",
    "mtu",
    "mac-address-blacklist",
    "duplex",
];
const FAMILY: &[&str] = &[
    "method",
    "address",
    "addresses",
    "route",
    "routes",
    "gateway",
    "route-metric",
    "never-default",
    "dns",
    "dns-search",
    "ignore-auto-dns",
    "may-fail",
    "addr-gen-mode",
    "dhcp-timeout",
    "dad-timeout",
    "dhcp-client-id",
    "dhcp-hostname",
    "ip6-privacy",
    "routing-rule",
    "route-table",
];

/// Of networkd's `.network` and `.netdev` files. Options of bonds and routes are
/// looked at where they are read.
pub(super) const NETWORKD: [Known; 14] = [
    (
        "NetDev",
        &["Name", "Kind", "Description", "MACAddress", "MTUBytes"],
    ),
    ("Bridge", &["STP", "ForwardDelaySec"]),
    ("VLAN", &["Id"]),
    (
        "Match",
        &["Name", "MACAddress", "PermanentMACAddress", "Type"],
    ),
    (
        "Link",
        &[
            "MTUBytes",
            "MACAddress",
            "ActivationPolicy",
            "RequiredForOnline",
            "Unmanaged",
        ],
    ),
    (
        "Network",
        &[
            "Description",
            "DHCP",
            "Address",
            "Gateway",
            "DNS",
            "Domains",
            "IPv6AcceptRA",
            "Bond",
            "Bridge",
            "VLAN",
            "PrimarySlave",
            "ActiveSlave",
            "LLDP",
            "EmitLLDP",
            "LLMNR",
            "MulticastDNS",
            "ConfigureWithoutCarrier",
            "IgnoreCarrierLoss",
            "KeepConfiguration",
            "IPv6PrivacyExtensions",
        ],
    ),
    ("Address", &["Address", "Broadcast", "Label", "Scope"]),
    ("DHCPv4", DHCP),
    ("DHCP", DHCP),
    ("DHCPv6", &["WithoutRA", "UseNTP", "UseHostname"]),
    ("Bond", ANY),
    ("Route", ANY),
    ("RoutingPolicyRule", ANY),
    (
        "IPv6AcceptRA",
        &[
            "UseDNS",
            "UseGateway",
            "UseAutonomousPrefix",
            "UseOnLinkPrefix",
        ],
    ),
];
const DHCP: &[&str] = &[
    "UseDNS",
    "RouteMetric",
    "UseGateway",
    "UseNTP",
    "UseHostname",
    "ClientIdentifier",
    "Hostname",
    "SendHostname",
];
