// SPDX-License-Identifier: MIT OR Apache-2.0
//! Bonding options, commands of `up` lines, and words that are not understood.

use super::*;
use crate::network::model::Kind;

fn bond(network: &Network) -> String {
    let Kind::Bond { options } = &get(network, "bond0").kind else {
        panic!("{network:#?}")
    };
    let pairs: Vec<String> = options.iter().map(|(n, v)| format!("{n}={v}")).collect();
    pairs.join(" ")
}

#[test]
fn bonding_options_by_number() {
    let kernel = live("bond/live");
    let (network, warnings) = carried("bond/old-el", Some(&kernel));
    assert_eq!(warnings, [""; 0]);
    assert_eq!(
        bond(&network),
        "lacp_rate=fast miimon=100 mode=802.3ad xmit_hash_policy=layer3+4"
    );
    let (text, warnings) = written(&network, "networkd", "bond0");
    has(
        &text,
        &[
            "LACPTransmitRate=fast",
            "MIIMonitorSec=100ms",
            "Mode=802.3ad",
            "TransmitHashPolicy=layer3+4",
        ],
    );
    assert_eq!(warnings, [""; 0]);

    let (network, _) = carried("bond/old-debian", Some(&kernel));
    let (text, warnings) = written(&network, "networkd", "bond0");
    has(
        &text,
        &[
            "ARPIntervalSec=200ms",
            "ARPIPTargets=192.168.0.1",
            "FailOverMACPolicy=active",
            "Mode=active-backup",
        ],
    );
    assert_eq!(warnings, [""; 0]);
    let (text, _) = written(&network, "networkd", "eth1");
    has(&text, &["Bond=bond0", "PrimarySlave=true"]);
    let (text, _) = written(&network, "networkd", "eth0");
    assert!(!text.contains("Primary"), "{text}");
    let (text, _) = written(&network, "nm", "bond0");
    has(
        &text,
        &["fail_over_mac=active", "mode=active-backup", "primary=eth1"],
    );
    let (text, _) = written(&network, "ifupdown", "bond0");
    assert!(
        text.contains("type bond mode active-backup arp_interval 200 arp_ip_target 192.168.0.1 fail_over_mac active\n"),
        "{text}"
    );
}

/// Every option and every manager: it is written, or a warning names it.
#[test]
fn no_bonding_option_is_lost_without_a_word() {
    use crate::network::bond::{CHOICES, Value, settle};
    let mut count = 0;
    for choice in CHOICES {
        let value = match choice.value {
            Value::Name(names) => names.last().unwrap(),
            Value::Addresses => "192.0.2.1,192.0.2.2",
            Value::Switch => "0",
            Value::Text => "00:11:22:33:44:55",
            Value::Port => "eth1",
            _ => "3",
        };
        for mode in ["balance-rr", "active-backup", "802.3ad", "balance-tlb"] {
            // What it means nothing without.
            let with = match choice.name {
                "arp_interval" => ("arp_ip_target", "192.0.2.1"),
                name if name.contains("target") => ("arp_interval", "100"),
                _ => ("miimon", "1"),
            };
            let pairs = [("mode", mode), with, (choice.name, value)];
            let mut options: std::collections::BTreeMap<String, String> =
                pairs.map(|(n, v)| (n.to_owned(), v.to_owned())).into();
            if choice.name == "mode" || !settle(&mut options).is_empty() {
                continue;
            }
            let base = |name: &str, kind| Interface {
                name: name.into(),
                kind,
                ..Interface::default()
            };
            let port = Interface {
                master: Some("bond0".into()),
                ..base("eth1", Kind::Ethernet)
            };
            let network = Network {
                interfaces: vec![port, base("bond0", Kind::Bond { options })],
                ..Network::default()
            };
            for manager in ["networkd", "nm", "ifupdown"] {
                let (bond, warnings) = written(&network, manager, "bond0");
                let (port, _) = written(&network, manager, "eth1");
                let name = match manager {
                    "networkd" => choice.networkd.unwrap_or("Slave=true"),
                    "ifupdown" if choice.name == "peer_notif_delay" => "peer_notify_delay",
                    _ => choice.name,
                };
                let there = bond.contains(name) || port.contains(name);
                let named = warnings.iter().any(|w| w.contains(choice.name));
                assert!(
                    there != named,
                    "{manager} {}: {bond}{port}{warnings:?}",
                    choice.name
                );
                count += 1;
            }
        }
    }
    assert!(count > 150, "{count}");
}

#[test]
fn an_option_that_is_not_understood_is_named_with_its_line() {
    let dir = "etc/sysconfig/network-scripts";
    let (_, warnings) = carried_of(
        &[
            (
                &format!("{dir}/ifcfg-bond0"),
                "DEVICE=bond0\nTYPE=Bond\nBONDING_OPTS=\"mode=1 max_bonds=2 miimon=fast lacp_rate=1\"\n",
            ),
            (
                "etc/network/interfaces",
                "iface bond1 inet manual\n bond-mode 9\n bond-colour red\n colour blue\n",
            ),
            (
                "etc/systemd/network/b.netdev",
                "[NetDev]\nName=b\nKind=bond\n[Bond]\nMode=active-backup\nColour=red\nUpDelaySec=1h\n",
            ),
            (
                "etc/NetworkManager/system-connections/b",
                "[connection]\nid=b\ntype=bond\ninterface-name=b2\n[bond]\nmode=1\ncolour=red\n",
            ),
        ],
        None,
    );
    assert_eq!(
        warnings,
        [
            "ifcfg-bond0:3: the bonding option max_bonds=2 is not known; it is not carried over",
            "ifcfg-bond0:3: fast is no value of the bonding option miimon; it is not carried over",
            "ifcfg-bond0:3: the bonding option lacp_rate=fast has no effect in the mode active-backup; it is not carried over",
            "b:7: the bonding option colour=red is not known; it is not carried over",
            "etc/network/interfaces:2: 9 is no value of the bonding option mode; it is not carried over",
            "etc/network/interfaces:3: the bonding option colour=red is not known; it is not carried over",
            "etc/network/interfaces:4: `colour blue` of bond1 is not understood and is not carried over",
            "b.netdev:6: Colour=red of a bond is not known; it is not carried over",
            "b.netdev:7: UpDelaySec of a bond is no time; it is not carried over",
        ]
    );
}

#[test]
fn every_command_of_a_line() {
    let (network, warnings) = carried("commands/old", Some(&live("commands/live")));
    assert_eq!(
        routes(&network, "eth1"),
        [
            "10.0.0.0/24 via 192.168.1.1",
            "10.1.0.0/16 via 192.168.1.9",
            "10.2.0.0/16 via 192.168.1.9",
            "10.3.0.0/16 via 192.168.1.9",
            "10.4.0.0/16 via 192.168.1.9",
            "10.5.0.0/16 via 192.168.1.9 src 192.168.1.3",
            "203.0.113.7/32 via 192.168.1.9",
            "10.6.0.0/16 via 192.168.1.9",
        ]
    );
    assert_eq!(
        addresses(&network, "eth1"),
        ["192.168.1.3/24", "192.168.1.4/24"],
        "the stanza's own address is the primary one"
    );
    assert!(
        !warnings.iter().any(|w| w.contains("10.2.0.0")),
        "{warnings:?}"
    );
    let tree = [(
        "etc/network/interfaces",
        "iface e inet static\n address 192.0.2.1/24\n\
         up [ -x /bin/vpn ] && ip route add 10.1.0.0/16 via 192.0.2.2\n\
         up for n in 1 2; do ip route add 10.$n.0.0/16 via 192.0.2.2; done\n\
         up modprobe x; ip addr add 192.0.2.3/24 dev f && ip addr add 192.0.2.4/24 dev $IFACE || exit 0\n\
         up ip route add 10.2.0.0/16 via 192.0.2.2 || ip route add 10.3.0.0/16 via 192.0.2.2\n\
         iface f inet manual\n",
    )];
    let (network, warnings) = carried_of(&tree, None);
    assert_eq!(addresses(&network, "e"), ["192.0.2.1/24", "192.0.2.4/24"]);
    assert_eq!(addresses(&network, "f"), ["192.0.2.3/24"]);
    assert_eq!(routes(&network, "e"), ["10.2.0.0/16 via 192.0.2.2"]);
    let lines: Vec<&str> = warnings
        .iter()
        .map(|w| w.split(" of e").next().unwrap())
        .collect();
    let at = |n: u32, text: &str| format!("etc/network/interfaces:{n}: `up {text}`");
    assert_eq!(
        lines,
        [
            at(3, "[ -x /bin/vpn ]"),
            at(3, "… && ip route add 10.1.0.0/16 via 192.0.2.2"),
            at(
                4,
                "for n in 1 2; do ip route add 10.$n.0.0/16 via 192.0.2.2; done"
            ),
            at(5, "modprobe x"),
            at(6, "… || ip route add 10.3.0.0/16 via 192.0.2.2"),
        ]
    );
}

/// Words that no reader looks at, in every dialect; those that say nothing new
/// are no warnings.
#[test]
fn a_word_that_is_not_understood_is_named_with_its_line() {
    let (network, warnings) = carried_of(
        &[
            (
                "etc/sysconfig/network-scripts/ifcfg-a",
                "DEVICE=a\nIPADDR0=192.0.2.1\nPREFIX0=24\nDNS1=9.9.9.9\nPEERROUTES=yes\nZONE=public\nSRCADDR=192.0.2.1\nIPV6_PRIVACY=no\n",
            ),
            (
                "etc/NetworkManager/system-connections/b",
                "[connection]\nid=b\ntype=ethernet\ninterface-name=b\nzone=public\n[ethernet]\nwake-on-lan=64\n[ipv4]\nmethod=auto\nroute1=10.0.0.0/8,192.0.2.1\nroute1_options=onlink=true\ndhcp-client-id=mac\nrouting-rule1=priority 5 from 192.0.2.3 table 5\n[proxy]\n[user]\nx=y\n",
            ),
            (
                "etc/systemd/network/c.network",
                "[Match]\nName=c\nKernelVersion=6\n[Network]\nAddress=192.0.2.3/24\nLinkLocalAddressing=ipv6\nDHCPServer=yes\n[DHCPv4]\nUseGateway=no\nClientIdentifier=mac\n[RoutingPolicyRule]\nFrom=192.0.2.3\n",
            ),
            (
                "etc/systemd/network/c.network.d/d.conf",
                "[Network]\nIPForward=yes\n",
            ),
            (
                "etc/systemd/network/e.netdev",
                "[NetDev]\nName=e\nKind=bridge\nMACAddress=52:54:00:00:00:09\nMTUBytes=1400\n[Bridge]\nVLANFiltering=yes\n",
            ),
            (
                "usr/lib/systemd/network/f.network",
                "[Match]\nName=f-*\n[Network]\nDHCPServer=yes\n",
            ),
        ],
        None,
    );
    let said = |of: &str| format!("{of} is not understood and is not carried over");
    assert_eq!(
        warnings,
        [
            said("ifcfg-a:6: ZONE=public"),
            said("ifcfg-a:7: SRCADDR=192.0.2.1"),
            said("b:5: zone=public of [connection]"),
            said("b:7: wake-on-lan=64 of [ethernet]"),
            said("c.network:3: KernelVersion=6 of [Match]"),
            said("c.network:7: DHCPServer=yes of [Network]"),
            said("etc/systemd/network/c.network.d/d.conf:2: IPForward=yes of [Network]"),
            said("e.netdev:7: VLANFiltering=yes of [Bridge]"),
        ]
    );
    assert!(get(&network, "c").v4.never_default);
    let e = get(&network, "e");
    assert_eq!(
        e.cloned_mac.map(|m| m.to_string()).as_deref(),
        Some("52:54:00:00:00:09")
    );
    assert_eq!(e.mtu, Some(1400));
}

/// Whole sections, each once with its line, but for those without effect and
/// those that are empty.
#[test]
fn a_section_that_is_not_understood_is_named_with_its_line() {
    let (_, warnings) = carried_of(
        &[
            (
                "etc/NetworkManager/system-connections/b",
                "[connection]\nid=b\ntype=ethernet\ninterface-name=b\n[ethtool]\nring-rx=4096\nring-tx=4096\n[sriov]\n[bridge-port]\npath-cost=5\n[match]\ndriver=virtio_net\n[proxy]\nmethod=auto\n[user]\nx=y\n",
            ),
            (
                "etc/systemd/network/c.network",
                "[Match]\nName=c\n[Network]\nAddress=192.0.2.3/24\n[Neighbor]\nAddress=192.0.2.9\n[DHCPServer]\nPoolSize=9\n[Neighbor]\nAddress=192.0.2.8\n[DHCPv6]\nUseDNS=no\n",
            ),
            (
                "etc/systemd/network/c.network.d/d.conf",
                "[Network]\nDHCPServer=yes\n[BridgeVLAN]\nVLAN=5\n",
            ),
        ],
        None,
    );
    let lost = "is not understood and is not carried over";
    let section = |at: &str, name: &str| format!("{at}: the section [{name}] {lost}");
    let drop_in = "etc/systemd/network/c.network.d/d.conf";
    assert_eq!(
        warnings,
        [
            section("b:5", "ethtool"),
            section("b:9", "bridge-port"),
            section("b:11", "match"),
            section("c.network:5", "Neighbor"),
            section("c.network:7", "DHCPServer"),
            section("c.network:9", "Neighbor"),
            format!("c.network:12: UseDNS=no of [DHCPv6] {lost}"),
            format!("{drop_in}:2: DHCPServer=yes of [Network] {lost}"),
            section(&format!("{drop_in}:3"), "BridgeVLAN"),
        ]
    );
}
