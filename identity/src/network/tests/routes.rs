// SPDX-License-Identifier: MIT OR Apache-2.0
//! Static routes: which interface they belong to, and how they are written.

use super::*;

const NONE: [String; 0] = [];

/// systemd-networkd installs no route to a gateway that it thinks it cannot
/// reach; the other two see to that themselves.
#[test]
fn a_gateway_outside_of_the_prefixes() {
    for old in ["old-debian", "old-el-route-file", "old-nm-onlink"] {
        for kernel in [None, Some(live("on-link/live"))] {
            let (network, warnings) = carried(&format!("on-link/{old}"), kernel.as_ref());
            assert_eq!(warnings, NONE, "{old}");
            assert_eq!(
                get(&network, "ens3").v4.gateway.unwrap().to_string(),
                "10.0.0.1"
            );
            let (text, _) = written(&network, "networkd", "ens3");
            has(&text, &["[Route]", "Gateway=10.0.0.1", "GatewayOnLink=yes"]);
            let (text, _) = written(&network, "nm", "ens3");
            has(&text, &["address1=198.51.100.77/32,10.0.0.1"]);
            let (text, _) = written(&network, "ifupdown", "ens3");
            has(&text, &["address 198.51.100.77/32", "gateway 10.0.0.1"]);
        }
    }
    // Both families; and no word of it where the gateway is in the network.
    let (network, _) = carried("on-link/old-el", None);
    let (text, _) = written(&network, "networkd", "ens3");
    has(
        &text,
        &[
            "Gateway=203.0.113.4",
            "GatewayOnLink=yes",
            "Gateway=2001:db8:0:10::1",
            "GatewayOnLink=yes",
        ],
    );
    let tree = [(
        "etc/network/interfaces",
        "iface e inet static\n address 192.0.2.1/24\n gateway 192.0.2.254\niface e inet6 static\n address 2001:db8::2/128\n gateway fe80::1\n up ip route add 10.0.0.0/8 via 192.0.3.1\n up ip route add 10.1.0.0/16 via 192.0.2.7 onlink src 192.0.2.1\n",
    )];
    let (network, warnings) = carried_of(&tree, None);
    assert_eq!(warnings, NONE);
    let (text, _) = written(&network, "networkd", "e");
    assert_eq!(text.matches("GatewayOnLink").count(), 2, "{text}");
    has(
        &text,
        &[
            "Gateway=192.0.3.1",
            "GatewayOnLink=yes",
            "PreferredSource=192.0.2.1",
        ],
    );
    let (text, _) = written(&network, "nm", "e");
    has(
        &text,
        &[
            "route1=10.0.0.0/8,192.0.3.1",
            "route1_options=onlink=true",
            "route2_options=onlink=true,src=192.0.2.1",
        ],
    );
    let (text, _) = written(&network, "ifupdown", "e");
    has(
        &text,
        &[
            "up ip route replace 10.0.0.0/8 via 192.0.3.1 dev $IFACE onlink",
            "up ip route replace 10.1.0.0/16 via 192.0.2.7 dev $IFACE src 192.0.2.1 onlink",
        ],
    );
}

/// The peer of a point-to-point address needs no network, either.
#[test]
fn a_peer_is_a_route() {
    let tree = [(
        "etc/network/interfaces",
        "iface e inet static\n address 192.0.2.9\n netmask 255.255.255.255\n pointopoint 198.51.100.1\n gateway 198.51.100.1\niface f inet manual\n up ip addr add 192.0.2.8 peer 198.51.100.2 dev f\n",
    )];
    let (network, warnings) = carried_of(&tree, None);
    assert_eq!(warnings, NONE);
    assert_eq!(addresses(&network, "e"), ["192.0.2.9/32"]);
    assert_eq!(
        routes(&network, "e"),
        ["default via 198.51.100.1", "198.51.100.1/32"]
    );
    assert_eq!(routes(&network, "f"), ["198.51.100.2/32"]);
}

#[test]
fn an_ipv4_route_by_an_ipv6_next_hop() {
    let kernel = live("next-hop-ipv6/live");
    let from_files = carried("next-hop-ipv6/old-files", Some(&kernel));
    let from_kernel = carried_of(&[("etc/hostname", "x")], Some(&kernel));
    for (network, _) in [from_files, from_kernel] {
        let i = get(&network, "ens10");
        for family in i.families() {
            assert_eq!(family.gateway.unwrap().to_string(), "fe80::1");
            assert_eq!(family.routes, []);
        }
        let (text, _) = written(&network, "networkd", "ens10");
        has(
            &text,
            &[
                "[Route]",
                "Destination=0.0.0.0/0",
                "Gateway=fe80::1",
                "[Route]",
                "Gateway=fe80::1",
            ],
        );
        assert_eq!(text.matches("Destination").count(), 1, "{text}");
        let (text, _) = written(&network, "ifupdown", "ens10");
        has(
            &text,
            &[
                "address 198.51.100.9/32",
                "up ip route replace 0.0.0.0/0 via inet6 fe80::1 dev $IFACE",
                "gateway fe80::1",
            ],
        );
        let (text, warnings) = written(&network, "nm", "ens10");
        has(
            &text,
            &[
                "address1=198.51.100.9/32",
                "address1=2001:db8:5::9/64,fe80::1",
            ],
        );
        assert_eq!(warnings.len(), 1);
        assert!(warnings[0].contains("0.0.0.0/0 by the IPv6 next hop fe80::1"));
    }
    // Any route, not only the default one; and what a networkd of the old
    // system calls it.
    let tree = [(
        "etc/systemd/network/1.network",
        "[Match]\nName=e\n[Network]\nAddress=192.0.2.1/32\n[Route]\nDestination=10.0.0.0/8\nGateway=fe80::2\n",
    )];
    let (network, _) = carried_of(&tree, None);
    let (text, _) = written(&network, "networkd", "e");
    has(&text, &["Destination=10.0.0.0/8", "Gateway=fe80::2"]);
    let (text, warnings) = written(&network, "nm", "e");
    assert!(!text.contains("fe80") && warnings.len() == 1, "{text}");
}

#[test]
fn a_route_belongs_to_the_interface_that_its_command_names() {
    let (network, warnings) = carried("commands/old", Some(&live("commands/live")));
    assert_eq!(
        routes(&network, "vmbr0"),
        [
            "default via 203.0.113.193",
            "172.16.0.0/12 via 203.0.113.193"
        ]
    );
    assert_eq!(routes(&network, "eth2"), NONE);
    let said = warnings.join("\n");
    for part in [
        "the route to 0.0.0.0/0 is not carried over, for nobody says which routing table uplink1 is",
        "the routing rule from 198.51.100.2/32 table uplink1 is not carried over",
        "sysctl -w",
        "down route del",
    ] {
        assert!(said.replace('`', "").contains(part), "{part}: {said}");
    }
    let dir = "etc/sysconfig/network-scripts";
    let (network, warnings) = carried_of(
        &[
            (
                &format!("{dir}/ifcfg-a"),
                "DEVICE=a\nIPADDR=192.0.2.1\nPREFIX=24\n",
            ),
            (
                &format!("{dir}/ifcfg-b"),
                "DEVICE=b\nIPADDR=198.51.100.1\nPREFIX=24\n",
            ),
            (
                &format!("{dir}/route-a"),
                "10.1.0.0/16 via 198.51.100.9 dev b\n10.2.0.0/16 via 192.0.2.9\n10.3.0.0/16 dev c\n10.4.0.0/16 via 198.51.100.8\nblackhole 10.5.0.0/16\n",
            ),
            (
                "etc/sysconfig/static-routes",
                "# old\nany net 10.6.0.0 netmask 255.255.0.0 gw 198.51.100.7\na host 10.7.0.1 gw 192.0.2.7\nany net 10.8.0.0/16 gw 203.0.113.1\n",
            ),
        ],
        None,
    );
    assert_eq!(
        routes(&network, "a"),
        [
            "10.2.0.0/16 via 192.0.2.9",
            "blackhole 10.5.0.0/16",
            "10.7.0.1/32 via 192.0.2.7"
        ]
    );
    assert_eq!(
        routes(&network, "b"),
        [
            "10.1.0.0/16 via 198.51.100.9",
            "10.4.0.0/16 via 198.51.100.8",
            "10.6.0.0/16 via 198.51.100.7"
        ]
    );
    assert_eq!(
        warnings,
        [
            "route-a:3: the route to 10.3.0.0/16 goes over c, which no file configures; it is not carried over",
            "etc/sysconfig/static-routes:4: the route to 10.8.0.0/16 has a next hop that is in no interface's network; it is not carried over",
        ]
    );
}
