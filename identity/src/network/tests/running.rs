// SPDX-License-Identifier: MIT OR Apache-2.0
//! Routes that only the running kernel has.

use super::*;

fn with_route(kernel: &mut KernelNetwork, to: &str, via: &str, protocol: u8, table: u32) {
    kernel.routes.push(Route {
        link: Some(2),
        to: Cidr::parse(to).unwrap(),
        via: via.parse().ok(),
        metric: 0,
        protocol,
        table,
        multipath: false,
        on_link: false,
        source: None,
    });
}

#[test]
fn routes_of_the_kernel_alone() {
    // static-routes is read, and so the files say all that the kernel has.
    let kernel = live("kernel-routes/live");
    let want = [
        "default via 192.0.2.1",
        "10.20.0.0/16 via 192.0.2.254",
        "203.0.113.9/32 via 192.0.2.254",
    ];
    for kernel in [None, Some(&kernel)] {
        let (network, warnings) = carried("kernel-routes/old", kernel);
        assert_eq!(routes(&network, "eth0"), want);
        assert_eq!(warnings, [""; 0]);
    }
    // Without that file they are the kernel's.
    let dir = "etc/sysconfig/network-scripts";
    let tree = [(
        &*format!("{dir}/ifcfg-eth0"),
        "DEVICE=eth0\nIPADDR=192.0.2.10\nPREFIX=24\nGATEWAY=192.0.2.1\n",
    )];
    let (network, warnings) = carried_of(&tree, Some(&kernel));
    assert_eq!(routes(&network, "eth0"), want);
    assert_eq!(
        warnings,
        [
            "eth0: no configuration file names the route to 10.20.0.0/16 by 192.0.2.254; it is taken from the running system",
            "eth0: no configuration file names the route to 203.0.113.9/32 by 192.0.2.254; it is taken from the running system",
        ]
    );
    let kernel = live("kernel-routes/live-gateway-only-in-kernel");
    let (network, warnings) = carried("kernel-routes/old-no-gateway", Some(&kernel));
    assert_eq!(routes(&network, "eth0"), ["default via 192.0.2.1"]);
    assert_eq!(warnings.len(), 1, "{warnings:?}");
}

#[test]
fn a_file_wins_where_it_says_something() {
    let mut kernel = live("kernel-routes/live");
    with_route(&mut kernel, "192.0.2.1/32", "-", 4, 254);
    let tree = [(
        "etc/network/interfaces",
        "iface eth0 inet static\n address 192.0.2.10/24\n gateway 192.0.2.2\n up ip route add 10.20.0.0/16 via 192.0.2.3\n up ip route add 203.0.113.9 via 192.0.2.254\n",
    )];
    let (network, warnings) = carried_of(&tree, Some(&kernel));
    assert_eq!(
        routes(&network, "eth0"),
        [
            "default via 192.0.2.2",
            "10.20.0.0/16 via 192.0.2.3",
            "203.0.113.9/32 via 192.0.2.254"
        ]
    );
    assert_eq!(
        warnings,
        [
            "eth0: etc/network/interfaces has the gateway 192.0.2.2, the running system 192.0.2.1; the file's is carried over",
            "eth0: etc/network/interfaces has the next hop 192.0.2.3 to 10.20.0.0/16, the running system by 192.0.2.254; the file's is carried over",
        ]
    );
}

/// A DHCP client's routes look like somebody's, and come again; others are
/// carried, or named.
#[test]
fn routes_beside_a_lease() {
    let mut kernel = live("several-methods/live");
    with_route(&mut kernel, "10.1.0.0/16", "192.0.2.9", 3, 254);
    with_route(&mut kernel, "10.2.0.0/16", "203.0.113.9", 3, 254);
    let (network, warnings) = carried("several-methods/old", Some(&kernel));
    assert_eq!(routes(&network, "eth0"), ["10.2.0.0/16 via 203.0.113.9"]);
    let said = warnings.join("\n");
    assert_eq!(warnings.len(), 2, "{said}");
    assert!(
        said.contains("10.1.0.0/16 by 192.0.2.9, but etc/network/interfaces does not"),
        "{said}"
    );
    assert!(
        said.contains("names the route to 10.2.0.0/16 by 203.0.113.9"),
        "{said}"
    );
}

#[test]
fn what_is_not_carried_over_is_named() {
    let mut kernel = live("kernel-routes/live-gateway-only-in-kernel");
    with_route(&mut kernel, "10.1.0.0/16", "192.0.2.9", 3, 7);
    with_route(&mut kernel, "10.2.0.0/16", "192.0.2.9", 186, 254);
    with_route(&mut kernel, "10.3.0.0/16", "192.0.2.9", 16, 254);
    kernel.links.push(Link {
        index: 9,
        name: "tun0".into(),
        ..Link::default()
    });
    with_route(&mut kernel, "10.4.0.0/16", "-", 3, 254);
    kernel.routes.last_mut().unwrap().link = Some(9);
    kernel.refused.push(Cidr::parse("10.5.0.0/16").unwrap());
    let (_, warnings) = carried("kernel-routes/old-no-gateway", Some(&kernel));
    assert_eq!(
        warnings[1..],
        [
            "the route to 10.4.0.0/16 over tun0 is not carried over, for tun0 itself is not",
            "routing table 7 of the running system is not carried over: 1 routes",
            "routes that a program has set (protocol 186) are not carried over: 1; set that program up in the new system",
            "that the running system refuses what goes to 10.5.0.0/16 is not carried over",
        ]
    );
}

#[test]
fn drop_ins_of_networkd() {
    let kernel = live("drop-in/live");
    for kernel in [None, Some(&kernel)] {
        let (network, warnings) = carried("drop-in/old", kernel);
        assert_eq!(warnings, [""; 0]);
        assert_eq!(
            routes(&network, "eth0"),
            ["default via 192.0.2.1", "10.0.0.0/8 via 192.0.2.254 onlink"]
        );
        let dns: Vec<String> = get(&network, "eth0")
            .dns
            .servers
            .iter()
            .map(|s| s.to_string())
            .collect();
        assert_eq!(dns, ["192.0.2.53"]);
    }
    // From every directory; one of /etc hides another one of its name, and an
    // empty value takes back what came before.
    let (network, warnings) = carried_of(
        &[
            (
                "run/systemd/network/10-netplan-e.network",
                "[Match]\nName=e\n[Network]\nAddress=192.0.2.1/24\nDNS=192.0.2.7\n",
            ),
            (
                "usr/lib/systemd/network/10-netplan-e.network.d/a.conf",
                "[Network]\nDNS=192.0.2.8\n",
            ),
            (
                "etc/systemd/network/10-netplan-e.network.d/a.conf",
                "[Network]\nDNS=\nDNS=192.0.2.9\n",
            ),
            (
                "etc/systemd/network/10-netplan-e.network.d/b.conf",
                "[Route]\nGateway=_dhcp4\n",
            ),
            (
                "etc/systemd/network/10-netplan-e.network.d/README",
                "[Network]\nDNS=192.0.2.6\n",
            ),
            (
                "usr/lib/systemd/network/80-container-host0.network",
                "[Match]\nVirtualization=container\nName=host0\n[Network]\nDHCP=yes\n",
            ),
            (
                "etc/systemd/network/b.netdev",
                "[NetDev]\nName=bond0\nKind=bond\n[Bond]\nMode=802.3ad\n",
            ),
            (
                "etc/systemd/network/b.netdev.d/x.conf",
                "[Bond]\nMinLinks=2\n",
            ),
        ],
        None,
    );
    let i = get(&network, "e");
    assert_eq!(
        i.dns.servers,
        ["192.0.2.9".parse::<std::net::IpAddr>().unwrap()]
    );
    let names: Vec<&str> = network.interfaces.iter().map(|i| i.name.as_str()).collect();
    assert_eq!(names, ["e", "bond0"]);
    let (text, _) = written(&network, "networkd", "bond0");
    has(&text, &["MinLinks=2", "Mode=802.3ad"]);
    assert_eq!(
        warnings,
        ["10-netplan-e.network: the route _dhcp4 is not carried over: Gateway=_dhcp4"]
    );
}
