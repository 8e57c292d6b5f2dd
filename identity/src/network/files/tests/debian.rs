// SPDX-License-Identifier: MIT OR Apache-2.0
//! /etc/network/interfaces of ifupdown.

use super::*;

pub(super) const DEBIAN: &str = "\
# This file describes the network interfaces available on your system
source /etc/network/interfaces.d/*

# The loopback network interface
auto lo
iface lo inet loopback

allow-hotplug ens18
iface ens18 inet static
\taddress 203.0.113.7/24
\tgateway 203.0.113.1
\t# dns-* options are implemented by the resolvconf package, if installed
\tdns-nameservers 203.0.113.53 \\
\t   203.0.113.54
\tdns-search example.com
\tup ip route add 10.0.0.0/8 via 203.0.113.2 metric 5 || true
\tup route add -net 172.16.0.0 netmask 255.240.0.0 gw 203.0.113.3
\tpost-up /usr/local/bin/firewall up
iface ens18 inet static
\taddress 203.0.113.8
\tnetmask 255.255.255.0
iface ens18 inet6 static
    address 2001:db8:1::7
    netmask 64
    gateway fe80::1
";

#[test]
fn debian_interfaces() {
    let files = load_tree(&[
        ("etc/network/interfaces", DEBIAN),
        (
            "etc/network/interfaces.d/bond",
            "auto bond0 br0 vlan7\niface bond0 inet manual\n  bond_mode active-backup\n  bond-miimon 100\n  slaves eno1 eno2\n  bond-primary eno1\niface br0 inet dhcp\n  bridge_ports bond0.20 none\n  bridge_stp off\niface vlan7 inet6 auto\n  vlan-raw-device bond0\n",
        ),
        (
            "etc/resolv.conf",
            "domain a.example\nsearch b.example c.example\nnameserver 9.9.9.9 # quad\n;x\nnameserver fe80::1%ens18\noptions rotate timeout:1\n",
        ),
    ]);
    let ens = interface(&files, "ens18");
    assert!(ens.auto);
    assert_eq!(
        cidrs(&ens.v4.addresses),
        ["203.0.113.7/24", "203.0.113.8/24"]
    );
    assert_eq!(ens.v4.gateway.unwrap().to_string(), "203.0.113.1");
    assert_eq!(cidrs(&ens.v6.addresses), ["2001:db8:1::7/64"]);
    assert_eq!(ens.v6.gateway.unwrap().to_string(), "fe80::1");
    assert_eq!(ens.dns.servers.len(), 2);
    assert_eq!(
        ens.v4.routes,
        [
            route("10.0.0.0/8", Some("203.0.113.2"), Some(5)),
            route("172.16.0.0/12", Some("203.0.113.3"), None)
        ]
    );
    assert!(
        files.warnings.iter().any(|w| w.contains("firewall up")),
        "{:?}",
        files.warnings
    );
    let Kind::Bond { options } = &interface(&files, "bond0").kind else {
        panic!()
    };
    assert_eq!(
        (options["mode"].as_str(), options["primary"].as_str()),
        ("active-backup", "eno1")
    );
    assert_eq!(interface(&files, "eno2").master.as_deref(), Some("bond0"));
    assert_eq!(interface(&files, "br0").v4.methods, Methods::DHCP);
    let port = interface(&files, "bond0.20");
    assert_eq!(
        port.kind,
        Kind::Vlan {
            parent: "bond0".into(),
            id: 20
        }
    );
    assert_eq!(port.master.as_deref(), Some("br0"));
    let vlan = interface(&files, "vlan7");
    assert_eq!(
        vlan.kind,
        Kind::Vlan {
            parent: "bond0".into(),
            id: 7
        }
    );
    assert_eq!(vlan.v6.methods, Methods::AUTO);
    assert_eq!(files.resolv.search, ["b.example", "c.example"]);
    assert_eq!(
        files.resolv.servers.len(),
        1,
        "an address with a zone is no machine's"
    );
    assert_eq!(files.resolv.options, ["rotate", "timeout:1"]);
}

/// What an editor or a package leaves beside the files is not read, as wordexp(3)
/// leaves it out.
#[test]
fn hidden_files_are_not_sourced() {
    let files = load_tree(&[
        ("etc/network/interfaces", "source interfaces.d/*\n"),
        ("etc/network/interfaces.d/a", "iface a inet manual\n"),
        ("etc/network/interfaces.d/.a.swp", "iface b inet manual\n"),
    ]);
    let names = files.candidates.iter().map(|c| &c.interface.name);
    assert_eq!(names.collect::<Vec<_>>(), ["a"]);
    let files = load_tree(&[
        ("etc/network/interfaces", "source interfaces.d/.*\n"),
        ("etc/network/interfaces.d/.a", "iface b inet manual\n"),
    ]);
    assert_eq!(files.candidates.len(), 1);
}
