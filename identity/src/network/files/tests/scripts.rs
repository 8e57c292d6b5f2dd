// SPDX-License-Identifier: MIT OR Apache-2.0
//! `ifcfg-*`, `route-*` and `rule-*` files of /etc/sysconfig/network-scripts.

use super::*;

const SCRIPTS: &str = "etc/sysconfig/network-scripts";

pub(super) fn el7() -> Vec<(String, &'static str)> {
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
    assert_eq!(ens.v4.methods, Methods::FIXED);
    assert_eq!(cidrs(&ens.v4.addresses), ["192.0.2.10/24", "192.0.2.11/24"]);
    assert_eq!(ens.v4.gateway.unwrap().to_string(), "192.0.2.1");
    assert_eq!(
        ens.v4.routes,
        [
            route("10.10.0.0/16", Some("192.0.2.254"), None),
            route("10.20.30.40/32", Some("192.0.2.253"), Some(50))
        ]
    );
    assert_eq!(ens.v6.methods, Methods::AUTO, "and static addresses");
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
    assert_eq!(options["lacp_rate"], "fast");
    assert_eq!(interface(&files, "bond0").v6.methods, Methods::FIXED);
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
        (bridge.v4.methods, bridge.v4.ignore_dns, bridge.auto),
        (Methods::DHCP, true, true)
    );
    assert_eq!(bridge.mtu, Some(9000));
    assert_eq!(
        bridge.v4.routes,
        [
            route("10.0.0.0/8", Some("198.51.100.1"), Some(100)),
            Route {
                table: Some("7".into()),
                ..route("172.16.0.0/12", None, None)
            }
        ]
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
