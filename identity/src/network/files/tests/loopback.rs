// SPDX-License-Identifier: MIT OR Apache-2.0
//! `lo`, in each dialect.

use super::load_tree;

fn names(files: &super::Files) -> Vec<&str> {
    let all = files.candidates.iter();
    all.map(|c| c.interface.name.as_str()).collect()
}

/// As cloud-init writes it on Debian 11.
#[test]
fn its_name_servers_are_everybodys() {
    let files = load_tree(&[(
        "etc/network/interfaces",
        "auto lo eth0\niface lo inet loopback\n    dns-nameservers 192.0.2.53 192.0.2.54\n    dns-search example.net\niface eth0 inet static\n    address 192.0.2.10/24\n",
    )]);
    assert_eq!(names(&files), ["eth0"]);
    let servers: Vec<String> = files
        .everywhere
        .servers
        .iter()
        .map(|s| s.to_string())
        .collect();
    assert_eq!(servers, ["192.0.2.53", "192.0.2.54"]);
    assert_eq!(files.everywhere.search, ["example.net"]);
    assert_eq!(files.warnings, [""; 0]);
}

#[test]
fn what_else_is_said_of_it_is_named() {
    let debian = "iface lo inet loopback\n    up ip addr add 198.51.100.1/32 dev lo\n";
    let el = "DEVICE=lo\nIPADDR=127.0.0.1\nNETMASK=255.0.0.0\nNETWORK=127.0.0.0\nBROADCAST=127.255.255.255\nIPADDR1=198.51.100.1\nPREFIX1=32\nONBOOT=yes\nNAME=loopback\n";
    let suse =
        "IPADDR='127.0.0.1/8'\nIPADDR_1='198.51.100.1/32'\nSTARTMODE='nfsroot'\nUSERCONTROL='no'\n";
    let networkd = "[Match]\nName=lo\n[Network]\nAddress=198.51.100.1/32\n";
    let plan = "network:\n  version: 2\n  ethernets:\n    lo: {addresses: [127.0.0.1/8, 198.51.100.1/32]}\n";
    let keyfile = "[connection]\nid=lo\nuuid=1\ntype=loopback\ninterface-name=lo\n[ipv4]\nmethod=manual\naddress1=127.0.0.1/8\naddress2=198.51.100.1/32\n[ipv6]\nmethod=manual\naddress1=::1/128\n";
    for (path, text) in [
        ("etc/NetworkManager/system-connections/lo", keyfile),
        ("etc/network/interfaces", debian),
        ("etc/sysconfig/network-scripts/ifcfg-lo", el),
        ("etc/sysconfig/network/ifcfg-lo", suse),
        ("etc/systemd/network/10-lo.network", networkd),
        ("etc/netplan/lo.yaml", plan),
    ] {
        let files = load_tree(&[(path, text), ("usr/sbin/netplan", "")]);
        assert_eq!(names(&files), [""; 0], "{path}");
        let named = files
            .warnings
            .iter()
            .filter(|w| w.contains("198.51.100.1/32 of lo"));
        assert_eq!(named.count(), 1, "{path}: {:?}", files.warnings);
    }
}

/// NetworkManager's profile, which needs no interface's name; one that only
/// tells what the kernel did is none.
#[test]
fn a_profile_of_its_own() {
    let path = "etc/NetworkManager/system-connections/x";
    let text = "[connection]\nid=x\ntype=loopback\n[loopback]\nmtu=1500\n[ipv4]\ndns=192.0.2.53;\ndns-search=example.net;\nroute1=203.0.113.0/24\nroute1_options=type=blackhole\n";
    let files = load_tree(&[(path, text)]);
    assert_eq!(names(&files), [""; 0]);
    assert_eq!(files.everywhere.servers.len(), 1);
    assert_eq!(files.everywhere.search, ["example.net"]);
    let said = files.warnings.join("\n");
    assert!(said.contains("mtu=1500 of [loopback]"), "{said}");
    assert!(said.contains("203.0.113.0/24 of lo"), "{said}");
    let external = format!("{text}[.nmmeta]\nexternal=true\n");
    let files = load_tree(&[(path, &external)]);
    assert!(files.everywhere.is_empty());
    assert_eq!(files.warnings, [""; 0]);
}
