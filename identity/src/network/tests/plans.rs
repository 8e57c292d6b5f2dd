// SPDX-License-Identifier: MIT OR Apache-2.0
//! netplan's files, and what netplan has generated from them.

use super::*;
use crate::network::model::{Kind, Privacy};

pub(super) const NETPLAN: (&str, &str) = ("usr/sbin/netplan", "");
const GENERATED: &str = "run/systemd/network/10-netplan-";

/// After the examples of netplan-yaml(5).
pub(super) const SERVER: &str = "\
# by hand
network:
  version: 2
  renderer: networkd
  ethernets:
    uplink:
      match: {macaddress: '52:54:00:00:00:01'}
      set-name: lan0
      addresses:
        - 192.0.2.10/24
        - '2001:db8::10/64'
        - 192.0.2.11/24:
            label: 'lan0:1'
            lifetime: 0
      routes:
        - to: default
          via: 192.0.2.1
          metric: 50
        - {to: 10.0.0.0/8, via: 203.0.113.1, on-link: true, table: 7, mtu: 1400}
        - {to: 10.9.0.0/16, type: blackhole}
        - {to: nowhere, via: 192.0.2.1}
      gateway6: fe80::1
      routing-policy:
        - {from: 192.0.2.11, table: 7, priority: 9, mark: 3}
      nameservers:
        addresses: [192.0.2.53, '2001:db8::53']
        search: [example.net]
      mtu: 1400
      accept-ra: no
      ipv6-privacy: true
      optional: true
      receive-checksum-offload: false
    eno1: {dhcp4: no}
    eno2:
      match: {name: eno2}
    wild:
      match: {name: 'enp*'}
      dhcp4: true
      dhcp6: true
      dhcp-identifier: mac
      dhcp4-overrides: {use-dns: false, route-metric: 200, hostname: web, use-routes: true}
  bonds:
    bond0:
      interfaces: [eno1, eno2]
      parameters:
        mode: 802.3ad
        lacp-rate: fast
        mii-monitor-interval: 1s
        transmit-hash-policy: layer3+4
        learn-packet-interval: 2
        flavour: vanilla
  vlans:
    v7: {id: 7, link: bond0}
    v8: {id: 8, link: uplink, dhcp4: true, link-local: []}
  bridges:
    br7:
      interfaces: [v7]
      macaddress: 52:54:00:00:00:07
      parameters: {stp: false, priority: 5}
  tunnels:
    wg0: {mode: wireguard}
";

#[test]
fn all_that_servers_use() {
    let tree = [NETPLAN, ("etc/netplan/50.yaml", SERVER)];
    let (network, warnings) = carried_of(&tree, None);
    let at = |line: u32, text: &str| format!("etc/netplan/50.yaml:{line}: {text}");
    let unknown = "is not understood and is not carried over";
    assert_eq!(
        warnings,
        [
            at(14, &format!("lifetime: 0 of uplink {unknown}")),
            at(
                19,
                "`mtu: 1400` of the route to 10.0.0.0/8 is not carried over"
            ),
            at(
                21,
                "the route {to: nowhere, via: 192.0.2.1} of uplink is not carried over: to: nowhere"
            ),
            at(
                32,
                &format!("receive-checksum-offload: false of uplink {unknown}")
            ),
            at(
                51,
                "the bonding option flavour=vanilla is not known; it is not carried over"
            ),
            at(59, &format!("priority: 5 of the bridge {unknown}")),
            at(61, "wg0 of tunnels is not carried over"),
        ]
    );
    let lan = get(&network, "lan0");
    assert_eq!(lan.mac.unwrap().to_string(), "52:54:00:00:00:01");
    assert_eq!(
        addresses(&network, "lan0"),
        ["192.0.2.10/24", "192.0.2.11/24", "2001:db8::10/64"]
    );
    assert_eq!(
        routes(&network, "lan0"),
        [
            "default via 192.0.2.1",
            "10.0.0.0/8 via 203.0.113.1 onlink",
            "blackhole 10.9.0.0/16",
            "default via fe80::1"
        ]
    );
    assert_eq!((lan.v4.metric, lan.mtu), (Some(50), Some(1400)));
    assert_eq!(lan.privacy, Some(Privacy::Temporary));
    assert_eq!(
        lan.v4.rules[0].words(),
        "priority 9 from 192.0.2.11/32 fwmark 0x3 table 7"
    );
    assert_eq!((lan.dns.servers.len(), lan.dns.search.len()), (2, 1));
    let (text, _) = written(&network, "networkd", "lan0");
    has(&text, &["DHCP=no", "IPv6AcceptRA=no"]);
    let (text, warnings) = written(&network, "networkd", "bond0");
    has(
        &text,
        &[
            "LearnPacketIntervalSec=2s",
            "MIIMonitorSec=1000ms",
            "Mode=802.3ad",
            "TransmitHashPolicy=layer3+4",
            "VLAN=v7",
        ],
    );
    assert_eq!(warnings, [""; 0]);
    for port in ["eno1", "eno2"] {
        assert_eq!(get(&network, port).master.as_deref(), Some("bond0"));
    }
    assert_eq!(get(&network, "v7").master.as_deref(), Some("br7"));
    let v8 = get(&network, "v8");
    assert_eq!(
        v8.kind,
        Kind::Vlan {
            parent: "lan0".into(),
            id: 8
        },
        "the name of a definition is not the device's"
    );
    assert!(v8.v6.is_off() && v8.v4.client_id.as_deref() == Some("duid"));
    let br7 = get(&network, "br7");
    assert_eq!(br7.kind, Kind::Bridge { stp: false });
    assert!(br7.cloned_mac.is_some());
}

#[test]
fn patterns_and_what_dhcp_is_told() {
    let tree = [NETPLAN, ("etc/netplan/50.yaml", SERVER)];
    let mut kernel = live("kernel-routes/live");
    kernel.links[0].name = "enp3s0".into();
    let (network, _) = carried_of(&tree, Some(&kernel));
    let i = get(&network, "enp3s0");
    assert_eq!(
        (
            i.v4.client_id.as_deref(),
            i.v4.told_name.as_deref(),
            i.v4.metric,
            i.v4.ignore_dns
        ),
        (None, Some("web"), Some(200), true)
    );
    assert!(i.v4.methods.dhcp && i.v6.methods.auto);
}

/// Later files win, a name in /run hides the one in /etc, and lists go on.
#[test]
fn files_are_joined() {
    let (network, warnings) = carried_of(
        &[
            NETPLAN,
            (
                "lib/netplan/00.yaml",
                "network:\n renderer: NetworkManager\n",
            ),
            (
                "etc/netplan/50-cloud-init.yaml",
                "network: {ethernets: {e: {dhcp4: true, addresses: [192.0.2.1/24]}}}\n",
            ),
            (
                "etc/netplan/90.yaml",
                "network: {ethernets: {e: {addresses: [192.0.2.9/24]}}}\n",
            ),
            (
                "run/netplan/90.yaml",
                "network:\n ethernets:\n  e:\n   dhcp4: no\n   addresses: [192.0.2.2/24]\n",
            ),
            ("etc/netplan/95.yaml.bak", "network: {ethernets: {f: {}}}\n"),
        ],
        None,
    );
    assert_eq!(warnings, [""; 0]);
    assert_eq!(addresses(&network, "e"), ["192.0.2.1/24", "192.0.2.2/24"]);
    assert!(!get(&network, "e").v4.methods.dhcp);
    assert_eq!(network.interfaces.len(), 1);
}

/// Either netplan's own files count or what was made of them, never both.
#[test]
fn one_of_two_sources() {
    let yaml = "network: {ethernets: {e: {addresses: [192.0.2.1/24]}}}\n";
    let unit = &*format!("{GENERATED}e.network");
    let made = (unit, "[Match]\nName=e\n[Network]\nAddress=192.0.2.2/24\n");
    let keyfile = (
        "run/NetworkManager/system-connections/netplan-f.nmconnection",
        "[connection]\ntype=ethernet\ninterface-name=f\n",
    );
    let drop_in = &*format!("etc/systemd/network/{}e.network.d/x.conf", "10-netplan-");
    for (tree, address, said) in [
        (
            vec![NETPLAN, ("etc/netplan/a.yaml", yaml), made, keyfile],
            "192.0.2.1/24",
            "",
        ),
        (
            vec![NETPLAN, ("etc/netplan/a.yaml", "network: [\n"), made],
            "192.0.2.2/24",
            "etc/netplan/a.yaml:2: ",
        ),
        (
            vec![
                NETPLAN,
                ("etc/netplan/a.yaml", yaml),
                made,
                (drop_in, "[Network]\nDNS=192.0.2.9\n"),
            ],
            "192.0.2.2/24",
            "10-netplan-e.network.d changes that",
        ),
        (
            vec![("etc/netplan/a.yaml", yaml), made],
            "192.0.2.2/24",
            "netplan is not installed",
        ),
    ] {
        let (network, warnings) = carried_of(&tree, None);
        assert_eq!(addresses(&network, "e"), [address], "{tree:?}");
        assert_eq!(network.interfaces.len(), 1);
        assert_eq!(
            warnings.len(),
            usize::from(!said.is_empty()),
            "{warnings:?}"
        );
        assert!(warnings.join("").contains(said), "{warnings:?}");
    }
}

/// A bridge that nobody gave parameters is as its renderer makes it.
#[test]
fn spanning_tree_that_nobody_asked_for() {
    for (renderer, parameters, stp) in [
        ("networkd", "", false),
        ("networkd", ", parameters: ~", false),
        ("NetworkManager", "", true),
        ("networkd", ", parameters: {}", true),
        ("networkd", ", parameters: {forward-delay: 4}", true),
        ("networkd", ", parameters: {stp: false}", false),
        ("NetworkManager", ", parameters: {stp: false}", false),
    ] {
        let plan = format!(
            "network:\n  renderer: {renderer}\n  ethernets:\n    eno1: {{}}\n  bridges:\n    br0: {{interfaces: [eno1], dhcp4: true{parameters}}}\n"
        );
        let (network, warnings) = carried_of(&[NETPLAN, ("etc/netplan/a.yaml", &plan)], None);
        assert_eq!(warnings, [""; 0], "{plan}");
        assert_eq!(get(&network, "br0").kind, Kind::Bridge { stp }, "{plan}");
    }
}
