// SPDX-License-Identifier: MIT OR Apache-2.0
use super::*;
use crate::identity::network::{Cidr, Kind, Method, Route};
use crate::identity::root::RootDir;
use crate::identity::tests::mutate;

/// Loads a tree of the given files.
fn load_tree(files: &[(&str, &str)]) -> Files {
    let top = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = top.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    load(&RootDir::open(top.path()).unwrap()).unwrap()
}

fn interface<'a>(files: &'a Files, name: &str) -> &'a Interface {
    let found = files.candidates.iter().find(|c| c.interface.name == name);
    &found
        .unwrap_or_else(|| panic!("no {name} in {:?}", files.candidates))
        .interface
}

fn cidrs(list: &[Cidr]) -> Vec<String> {
    list.iter().map(|c| c.to_string()).collect()
}

fn route(to: &str, via: Option<&str>, metric: Option<u32>) -> Route {
    Route {
        to: Cidr::parse(to).unwrap(),
        via: via.map(|v| v.parse().unwrap()),
        metric,
    }
}

const SCRIPTS: &str = "etc/sysconfig/network-scripts";

pub(crate) fn el7() -> Vec<(String, &'static str)> {
    let files = [
        // As anaconda of CentOS 7 writes it.
        (
            "ifcfg-ens192",
            "TYPE=\"Ethernet\"\nPROXY_METHOD=\"none\"\nBROWSER_ONLY=\"no\"\nBOOTPROTO=\"none\"\nDEFROUTE=\"yes\"\nIPV4_FAILURE_FATAL=\"no\"\nIPV6INIT=\"yes\"\nIPV6_AUTOCONF=\"yes\"\nIPV6_DEFROUTE=\"yes\"\nIPV6_FAILURE_FATAL=\"no\"\nIPV6_ADDR_GEN_MODE=\"stable-privacy\"\nNAME=\"ens192\"\nUUID=\"0d4a3a5f-2d9f-4f5a-9d4f-6a1f8d1d2c11\"\nDEVICE=\"ens192\"\nONBOOT=\"yes\"\nIPADDR=\"192.0.2.10\"\nPREFIX=\"24\"\nGATEWAY=\"192.0.2.1\"\nDNS1=\"192.0.2.53\"\nDNS2=\"192.0.2.54\"\nDOMAIN=\"example.net example.org\"\nHWADDR=\"00:50:56:AA:BB:01\"\nIPV6ADDR=2001:db8::10/64\nIPV6_DEFAULTGW=2001:db8::1%ens192\nIPV6ADDR_SECONDARIES=\"2001:db8::11/64 2001:db8::12\"\n",
        ),
        (
            "ifcfg-ens192:1",
            "DEVICE=ens192:1\nIPADDR=192.0.2.11\nNETMASK=255.255.255.0\nONBOOT=yes\n",
        ),
        (
            "route-ens192",
            "# old form\nADDRESS0=10.10.0.0\nNETMASK0=255.255.0.0\nGATEWAY0=192.0.2.254\nADDRESS1=10.20.30.40\nGATEWAY1=192.0.2.253\nMETRIC1=50\n",
        ),
        (
            "route6-ens192",
            "2001:db8:99::/48 via 2001:db8::fe metric 7\n",
        ),
        (
            "ifcfg-em1",
            "DEVICE=em1\nMASTER=bond0\nSLAVE=yes\nONBOOT=yes\nHWADDR=00:50:56:aa:bb:02\nTYPE=Ethernet\n",
        ),
        (
            "ifcfg-em2",
            "DEVICE=em2\nMASTER=bond0\nSLAVE=yes\nONBOOT=yes\n",
        ),
        (
            "ifcfg-bond0",
            "DEVICE=bond0\nTYPE=Bond\nBONDING_MASTER=yes\nBONDING_OPTS=\"mode=802.3ad miimon=100 lacp_rate=1\"\nBOOTPROTO=none\nONBOOT=yes\nIPV6INIT=no\n",
        ),
        (
            "ifcfg-bond0.100",
            "DEVICE=bond0.100\nVLAN=yes\nBOOTPROTO=static\nIPADDR0=198.51.100.5\nPREFIX0=26\nIPADDR1=198.51.100.6\nPREFIX1=26\nONBOOT=yes\nBRIDGE=br100\n",
        ),
        (
            "ifcfg-br100",
            "DEVICE=br100\nTYPE=Bridge\nSTP=off\nBOOTPROTO=dhcp\nPEERDNS=no\nONBOOT=yes # at boot\nMTU=9000\n",
        ),
        (
            "route-br100",
            "10.0.0.0/8 via 198.51.100.1 dev br100 metric 100\n172.16.0.0/12 dev br100 table 7\ndefault via 198.51.100.2\n",
        ),
        ("ifcfg-lo", "DEVICE=lo\nIPADDR=127.0.0.1\n"),
        ("ifcfg-ens192.bak", "DEVICE=ens192\nIPADDR=1.2.3.4\n"),
        (
            "ifcfg-classful",
            "DEVICE=classful\nIPADDR=10.1.1.1\nBOOTPROTO=none\nNM_CONTROLLED=no\nONBOOT=no\n",
        ),
    ];
    let mut all: Vec<_> = files.map(|(n, t)| (format!("{SCRIPTS}/{n}"), t)).into();
    all.push((
        "etc/sysconfig/network".into(),
        "NETWORKING=yes\nHOSTNAME=old7.example.net\nGATEWAY=10.1.1.254\n",
    ));
    all
}

#[test]
fn el7_scripts() {
    let tree = el7();
    let tree: Vec<(&str, &str)> = tree.iter().map(|(p, t)| (p.as_str(), *t)).collect();
    let files = load_tree(&tree);
    let ens = interface(&files, "ens192");
    assert_eq!(ens.mac.unwrap().to_string(), "00:50:56:aa:bb:01");
    assert_eq!(ens.v4.method, Method::Static);
    assert_eq!(cidrs(&ens.v4.addresses), ["192.0.2.10/24", "192.0.2.11/24"]);
    assert_eq!(ens.v4.gateway.unwrap().to_string(), "192.0.2.1");
    assert_eq!(
        ens.v4.routes,
        [
            route("10.10.0.0/16", Some("192.0.2.254"), None),
            route("10.20.30.40/32", Some("192.0.2.253"), Some(50))
        ]
    );
    assert_eq!(ens.v6.method, Method::Static);
    assert_eq!(
        cidrs(&ens.v6.addresses),
        ["2001:db8::10/64", "2001:db8::11/64", "2001:db8::12/64"]
    );
    assert_eq!(ens.v6.gateway.unwrap().to_string(), "2001:db8::1");
    assert_eq!(
        ens.v6.routes,
        [route("2001:db8:99::/48", Some("2001:db8::fe"), Some(7))]
    );
    assert_eq!(ens.dns.servers.len(), 2);
    assert_eq!(ens.dns.search, ["example.net", "example.org"]);
    assert_eq!(interface(&files, "em1").master.as_deref(), Some("bond0"));
    let Kind::Bond { options } = &interface(&files, "bond0").kind else {
        panic!()
    };
    assert_eq!(options["mode"], "802.3ad");
    assert_eq!(options["lacp_rate"], "1");
    assert_eq!(interface(&files, "bond0").v6.method, Method::Off);
    let vlan = interface(&files, "bond0.100");
    assert_eq!(
        vlan.kind,
        Kind::Vlan {
            parent: "bond0".into(),
            id: 100
        }
    );
    assert_eq!(
        cidrs(&vlan.v4.addresses),
        ["198.51.100.5/26", "198.51.100.6/26"]
    );
    assert_eq!(vlan.master.as_deref(), Some("br100"));
    let bridge = interface(&files, "br100");
    assert_eq!(bridge.kind, Kind::Bridge { stp: false });
    assert_eq!(
        (bridge.v4.method, bridge.v4.ignore_dns, bridge.auto),
        (Method::Dhcp, true, true)
    );
    assert_eq!(bridge.mtu, Some(9000));
    assert_eq!(
        bridge.v4.routes,
        [route("10.0.0.0/8", Some("198.51.100.1"), Some(100))]
    );
    assert_eq!(bridge.v4.gateway.unwrap().to_string(), "198.51.100.2");
    let classful = interface(&files, "classful");
    assert_eq!(cidrs(&classful.v4.addresses), ["10.1.1.1/8"]);
    assert_eq!(
        classful.v4.gateway.unwrap().to_string(),
        "10.1.1.254",
        "from /etc/sysconfig/network"
    );
    assert!(!classful.auto);
    assert_eq!(files.candidates.len(), 7, "neither lo nor the copy");
}

pub(crate) const DEBIAN: &str = "\
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
    assert_eq!(interface(&files, "br0").v4.method, Method::Dhcp);
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
    assert_eq!(vlan.v6.method, Method::Auto);
    assert_eq!(files.resolv.search, ["b.example", "c.example"]);
    assert_eq!(
        files.resolv.servers.len(),
        1,
        "an address with a zone is no machine's"
    );
    assert_eq!(files.resolv.options, ["rotate", "timeout:1"]);
}

pub(crate) const KEYFILE: &str = "\
[connection]
id=Wired connection 1
uuid=27afa607-ee36-43f0-b8c3-9d245cdc4bb3
type=802-3-ethernet
autoconnect-priority=-5
timestamp=1500000000

[ethernet]
mac-address=00:50:56:AA:BB:03
mtu=1400

[ipv4]
method=manual
address1=192.0.2.20/24,192.0.2.1
address2=192.0.2.21/32
dns=192.0.2.53;1.1.1.1#one.one.one.one;
dns-search=example.net;
route1=10.0.0.0/8,192.0.2.2,20
route2=10.9.0.0/16
route1_options=mtu=1000
never-default=true

[ipv6]
addr-gen-mode=stable-privacy
method=disabled
";

#[test]
fn networkmanager_keyfiles() {
    let dir = "etc/NetworkManager/system-connections";
    let files = load_tree(&[
        (&format!("{dir}/wired.nmconnection"), KEYFILE),
        (
            &format!("{dir}/bond"),
            "[connection]\nid=team\nuuid=u-bond\ntype=bond\ninterface-name=bond1\n[bond]\nmode=1\nmiimon=50\n[ipv4]\nmethod=auto\n[ipv6]\nmethod=auto\n",
        ),
        (
            &format!("{dir}/port"),
            "[connection]\nid=p\nuuid=u-p\ntype=ethernet\ninterface-name=eth5\nmaster=u-bond\nslave-type=bond\n",
        ),
        (
            &format!("{dir}/vlan"),
            "[connection]\nid=v\nuuid=u-v\ntype=vlan\ninterface-name=v30\n[vlan]\nid=30\nparent=u-bond\n[ipv4]\nmethod=disabled\n",
        ),
        (&format!("{dir}/wifi"), "[connection]\nid=home\ntype=wifi\n"),
    ]);
    let wired = &files
        .candidates
        .iter()
        .find(|c| c.source.starts_with("wired"))
        .unwrap()
        .interface;
    assert_eq!(wired.mac.unwrap().to_string(), "00:50:56:aa:bb:03");
    assert_eq!(
        cidrs(&wired.v4.addresses),
        ["192.0.2.20/24", "192.0.2.21/32"]
    );
    assert_eq!(wired.v4.gateway.unwrap().to_string(), "192.0.2.1");
    assert_eq!(
        wired.v4.routes,
        [
            route("10.0.0.0/8", Some("192.0.2.2"), Some(20)),
            route("10.9.0.0/16", None, None)
        ]
    );
    assert!(wired.v4.never_default);
    assert_eq!((wired.v6.method, wired.mtu), (Method::Off, Some(1400)));
    assert_eq!(wired.dns.servers.len(), 2);
    assert_eq!(interface(&files, "eth5").master.as_deref(), Some("bond1"));
    assert_eq!(
        interface(&files, "v30").kind,
        Kind::Vlan {
            parent: "bond1".into(),
            id: 30
        }
    );
    assert!(files.warnings.iter().any(|w| w.contains("wifi")));
}

pub(crate) const NETWORKD: &str = "\
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
        (i.v4.method, i.v6.method, i.mtu),
        (Method::Static, Method::Static, Some(1450))
    );
    assert_eq!(interface(&files, "vl9").v4.method, Method::Dhcp);
    let Kind::Bond { options } = &interface(&files, "bd").kind else {
        panic!()
    };
    assert_eq!(options["miimon"], "200");
    assert_eq!(
        interface(&files, "eth0").v4.method,
        Method::Unset,
        "a port has no addresses"
    );
    assert_eq!(
        files.resolv.servers,
        ["192.0.2.99".parse::<std::net::IpAddr>().unwrap()]
    );
}

#[test]
fn shell_patterns() {
    for (pattern, name, want) in [
        ("*", "eth0", true),
        ("en*", "ens18", true),
        ("en*", "eth0", false),
        ("eth[0-2]", "eth1", true),
        ("eth[0-2]", "eth3", false),
        ("eth[!0]", "eth0", false),
        ("eth[]0]", "eth0", true),
        ("e?h0", "eth0", true),
        ("[", "[", true),
        ("", "", true),
        ("***************************", "aaaaaaaa", false),
    ] {
        assert_eq!(fits(pattern, name), want, "{pattern} {name}");
    }
}

#[test]
fn mutated_files_never_panic() {
    let tree = el7();
    let global = Default::default();
    let mut warnings = Vec::new();
    let mut sane = 0;
    for (seed, (_, text)) in tree.iter().enumerate() {
        for text in mutate(text.as_bytes(), seed as u64 + 1, 800) {
            let text = String::from_utf8_lossy(&text);
            warnings.clear();
            sane += ifcfg::parse("x", &text, &global, &mut warnings).is_some() as u32;
            ifcfg::routes(&text, true);
            for address in ifcfg::routes(&text, false) {
                assert!(address.to.prefix <= 128);
            }
        }
    }
    for (seed, text) in [DEBIAN, KEYFILE, NETWORKD].iter().enumerate() {
        for text in mutate(text.as_bytes(), seed as u64 + 99, 3000) {
            let text = String::from_utf8_lossy(&text);
            warnings.clear();
            let parsed = interfaces::parse("x", &text);
            sane += interfaces::candidates(&parsed, &mut warnings).len() as u32;
            sane += keyfile::parse("x", &text, &mut warnings).is_some() as u32;
            sane += networkd::network("x", &text).is_some() as u32;
            networkd::netdev(&text);
            resolv::parse(&text);
            for part in text.split_whitespace() {
                fits(part, "ens192");
            }
        }
    }
    assert!(sane > 5000, "mutations leave most files readable: {sane}");
}
