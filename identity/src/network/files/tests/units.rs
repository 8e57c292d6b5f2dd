// SPDX-License-Identifier: MIT OR Apache-2.0
//! systemd-networkd's `.network` and `.netdev` files.

use super::*;

pub(super) const NETWORKD: &str = "\
[Match]
Name=en*

[Link]
MTUBytes=1450

[Network]
Address=192.0.2.30/24
Address=2001:db8::30/64
Gateway=192.0.2.1
DNS=192.0.2.53 2001:db8::53
Domains=example.net ~internal
VLAN=vl9
IPv6AcceptRA=no

[Route]
Destination=10.0.0.0/8
Gateway=192.0.2.9
Metric=3

[Route]
Gateway=2001:db8::1
";

#[test]
fn networkd_files() {
    let dir = "etc/systemd/network";
    let files = load_tree(&[
        (
            &format!("{dir}/10-eth0.network"),
            "[Match]\nName=eth0\n[Network]\nDHCP=yes\nBridge=br9\n",
        ),
        (&format!("{dir}/20-wired.network"), NETWORKD),
        (
            &format!("{dir}/30-vl9.netdev"),
            "[NetDev]\nName=vl9\nKind=vlan\n[VLAN]\nId=9\n",
        ),
        (
            &format!("{dir}/31-vl9.network"),
            "[Match]\nName=vl9\n[Network]\nDHCP=ipv4\n",
        ),
        (
            &format!("{dir}/40-bond.netdev"),
            "[NetDev]\nName=bd\nKind=bond\n[Bond]\nMode=802.3ad\nMIIMonitorSec=0.2s\n",
        ),
        ("etc/resolv.conf", "nameserver 127.0.0.53\noptions edns0\n"),
        ("run/systemd/resolve/resolv.conf", "nameserver 192.0.2.99\n"),
    ]);
    let wired = files
        .candidates
        .iter()
        .find(|c| c.source == "20-wired.network")
        .unwrap();
    assert_eq!(wired.patterns, ["en*"]);
    let i = &wired.interface;
    assert_eq!(
        (cidrs(&i.v4.addresses), cidrs(&i.v6.addresses)),
        (vec!["192.0.2.30/24".into()], vec!["2001:db8::30/64".into()])
    );
    assert_eq!(i.v6.gateway.unwrap().to_string(), "2001:db8::1");
    assert_eq!(
        i.v4.routes,
        [route("10.0.0.0/8", Some("192.0.2.9"), Some(3))]
    );
    assert_eq!(i.dns.search, ["example.net"]);
    assert_eq!(
        (i.v4.methods, i.v6.methods, i.mtu),
        (Methods::FIXED, Methods::FIXED, Some(1450))
    );
    assert_eq!(interface(&files, "vl9").v4.methods, Methods::DHCP);
    let Kind::Bond { options } = &interface(&files, "bd").kind else {
        panic!()
    };
    assert_eq!(options["miimon"], "200");
    assert_eq!(
        interface(&files, "eth0").v4.methods,
        Methods::UNSET,
        "a port has no addresses"
    );
    assert_eq!(
        files.resolv.servers,
        ["192.0.2.99".parse::<std::net::IpAddr>().unwrap()]
    );
}

/// A file is for the cards that [Match] means, or it is named.
#[test]
fn files_without_a_name() {
    let path = "etc/systemd/network/10-lan.network";
    for (section, patterns, except) in [
        ("Type=ether\n", vec!["*"], vec![]),
        ("Type=ether wlan\nKind=!*\n", vec!["*"], vec![]),
        ("Type=!wlan\n", vec!["*"], vec![]),
        ("Name=!eth1 lx*\n", vec!["*"], vec!["eth1", "lx*"]),
        ("Name=e*\nName=!eth1\n", vec!["e*"], vec!["eth1"]),
    ] {
        let text = format!("[Match]\n{section}[Network]\nDHCP=ipv4\n");
        let files = load_tree(&[(path, &text)]);
        assert_eq!(files.warnings, [""; 0], "{section}");
        let candidate = &files.candidates[0];
        assert_eq!(candidate.patterns, patterns, "{section}");
        assert_eq!(candidate.except, except, "{section}");
    }
    for section in [
        "[Match]\nType=wlan\n",
        "[Match]\nName=!eth1\nType=wlan\n",
        "[Match]\nType=!ether wlan\n",
        "[Match]\nMACAddress=nothing\n",
        "[Match]\nType=ether\nDriver=virtio_net\n",
        "[Match]\nPath=pci-0000:00:03.0\n",
        "[Match]\n",
        "",
    ] {
        let text = format!("{section}[Network]\nDHCP=ipv4\n");
        let files = load_tree(&[(path, &text)]);
        assert!(files.candidates.is_empty(), "{section}");
        let said = files.warnings.join("\n");
        assert!(
            said.contains("10-lan.network: the file is not carried over"),
            "{section}: {said}"
        );
        // A distribution has such files for other kinds of devices.
        let files = load_tree(&[("usr/lib/systemd/network/80.network", &text)]);
        assert_eq!(files.warnings, [""; 0], "{section}");
    }
}
