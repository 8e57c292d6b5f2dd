// SPDX-License-Identifier: MIT OR Apache-2.0
//! wicked's files of SLES and openSUSE.

use super::*;
use crate::network::model::Kind;

const DIR: &str = "etc/sysconfig/network";

fn leap() -> Vec<(String, &'static str)> {
    let file = |name: &str, text| (format!("{DIR}/{name}"), text);
    vec![
        file("ifcfg-lo", "IPADDR=127.0.0.1/8\nSTARTMODE=nfsroot\n"),
        file(
            "ifcfg-eth0",
            "BOOTPROTO='static'\nSTARTMODE='auto'\nIPADDR='192.0.2.10/24'\nIPADDR_web='192.0.2.11'\nNETMASK_web='255.255.255.0'\nLABEL_web='web'\nIPADDR_1='2001:db8::10/64'\nMTU='1400'\nZONE=public\n",
        ),
        file(
            "ifcfg-eth3",
            "STARTMODE=auto\nBOOTPROTO=dhcp4+auto6\nDHCLIENT_SET_DEFAULT_ROUTE=no\nIPADDR=bad\n",
        ),
        file("ifcfg-eth4", "STARTMODE=off\nIPADDR=192.0.2.99/24\n"),
        file(
            "ifcfg-bond0",
            "STARTMODE=auto\nBOOTPROTO=none\nBONDING_MASTER=yes\nBONDING_SLAVE0=eth1\nBONDING_SLAVE_1=eth2\nBONDING_MODULE_OPTS='mode=4 miimon=100 xmit_hash_policy=1 bad=1'\n",
        ),
        file("ifcfg-eth1", "STARTMODE=hotplug\nBOOTPROTO=none\n"),
        file(
            "ifcfg-vlan7",
            "STARTMODE=auto\nETHERDEVICE=bond0\nBOOTPROTO=none\n",
        ),
        file(
            "ifcfg-br0",
            "STARTMODE=auto\nBRIDGE=yes\nBRIDGE_PORTS='vlan7'\nBRIDGE_STP=off\nBOOTPROTO=dhcp\nBRIDGE_PATHCOSTS=5\n",
        ),
        file("ifcfg-eth0.rpmsave", "IPADDR=192.0.2.77/24\n"),
        file(
            "routes",
            "# to everywhere\ndefault 192.0.2.1 - -\n10.1.0.0 192.0.2.2 255.255.0.0 eth0 unicast table mgmt\n10.2.0.0/16 - - - blackhole\n10.3.0.0/16 192.0.2.3 - - metric 9 onlink\n 192.0.2.4\nx y\n",
        ),
        file("ifroute-eth0", "default fe80::1 - -\n"),
        file(
            "ifrule-eth0",
            "ipv4 from 192.0.2.11 table 7 pref 3\nipv4 goto 9\n",
        ),
        file("ifsysctl-eth0", "net.ipv4.conf.$INTERFACE.rp_filter = 0\n"),
        file(
            "config",
            "NETCONFIG_DNS_POLICY=\"auto\"\nNETCONFIG_DNS_STATIC_SERVERS=\"192.0.2.53 2001:db8::53\"\nNETCONFIG_DNS_STATIC_SEARCHLIST=\"example.net\"\n",
        ),
        file(
            "dhcp",
            "DHCLIENT_CLIENT_ID=\"web\"\nDHCLIENT_HOSTNAME_OPTION=\"AUTO\"\n",
        ),
        ("etc/iproute2/rt_tables".into(), "7 mgmt\n"),
    ]
}

fn borrowed<'a>(tree: &'a [(String, &'static str)]) -> Vec<(&'a str, &'a str)> {
    tree.iter().map(|(p, t)| (p.as_str(), *t)).collect()
}

#[test]
fn a_server_with_wicked() {
    let tree = leap();
    let (network, warnings) = carried_of(&borrowed(&tree), None);
    let at = |text: &str| format!("{DIR}/{text}");
    let unknown = "is not understood and is not carried over";
    let mut sorted = warnings.clone();
    sorted.sort();
    assert_eq!(
        sorted,
        [
            at("ifcfg-bond0:6: the bonding option bad=1 is not known; it is not carried over"),
            at(
                "ifcfg-br0:5: wicked tells the DHCPv6 server an identifier of its own (its DUID), which is not carried over: the new system tells another one, and may get another address",
            ),
            at(&format!("ifcfg-br0:6: BRIDGE_PATHCOSTS=5 {unknown}")),
            at(&format!("ifcfg-eth0:9: ZONE=public {unknown}")),
            at("ifcfg-eth3:4: IPADDR=bad is no address; it is not carried over"),
            at("ifrule-eth0:2: the routing rule `ipv4 goto 9` is not carried over: `goto`"),
            at("ifsysctl-eth0: kernel settings of an interface are not carried over"),
            at("routes:6: the route `192.0.2.4` is not carried over: it is a further next hop"),
            at("routes:7: the route `x y` is not carried over: `y` is no next hop"),
        ]
    );
    assert_eq!(
        addresses(&network, "eth0"),
        ["192.0.2.10/24", "192.0.2.11/24", "2001:db8::10/64"]
    );
    assert_eq!(routes(&network, "bond0"), ["blackhole 10.2.0.0/16"]);
    assert_eq!(
        routes(&network, "eth0"),
        [
            "default via 192.0.2.1",
            "10.1.0.0/16 via 192.0.2.2",
            "10.3.0.0/16 via 192.0.2.3 onlink",
            "default via fe80::1"
        ]
    );
    let eth0 = get(&network, "eth0");
    assert_eq!(eth0.mtu, Some(1400));
    assert_eq!(eth0.v4.routes[0].table.as_deref(), Some("7"));
    assert_eq!(
        eth0.v4.rules[0].words(),
        "priority 3 from 192.0.2.11/32 table 7"
    );
    let eth3 = get(&network, "eth3");
    assert!(eth3.v4.methods.dhcp && eth3.v6.methods.auto && eth3.v4.never_default);
    assert_eq!(eth3.v4.client_id.as_deref(), Some("web"));
    assert_eq!(eth3.v4.told_name, None);
    assert!(!network.interfaces.iter().any(|i| i.name == "eth4"));
    let (text, _) = written(&network, "networkd", "bond0");
    has(
        &text,
        &["Mode=802.3ad", "TransmitHashPolicy=layer3+4", "VLAN=vlan7"],
    );
    for port in ["eth1", "eth2"] {
        assert_eq!(get(&network, port).master.as_deref(), Some("bond0"));
    }
    assert_eq!(
        get(&network, "vlan7").kind,
        Kind::Vlan {
            parent: "bond0".into(),
            id: 7
        }
    );
    assert_eq!(get(&network, "vlan7").master.as_deref(), Some("br0"));
    assert_eq!(get(&network, "br0").kind, Kind::Bridge { stp: false });
    assert_eq!(
        (network.dns.servers.len(), network.dns.search.len()),
        (2, 1)
    );
}

/// Name servers by DHCP are asked unless the policy says otherwise.
#[test]
fn policies_of_netconfig() {
    for (policy, ignored, servers) in [("auto", false, 2), ("STATIC", true, 2), ("", true, 1)] {
        let mut tree = leap();
        let text = format!(
            "NETCONFIG_DNS_POLICY='{policy}'\nNETCONFIG_DNS_STATIC_SERVERS='192.0.2.53 192.0.2.54'\n"
        );
        tree.retain(|(p, _)| !p.ends_with("/config"));
        let mut tree = borrowed(&tree);
        let config = format!("{DIR}/config");
        tree.push((&config, &text));
        tree.push(("etc/resolv.conf", "nameserver 192.0.2.1\n"));
        let (network, _) = carried_of(&tree, None);
        assert_eq!(get(&network, "br0").v4.ignore_dns, ignored, "{policy}");
        assert_eq!(network.dns.servers.len(), servers, "{policy}");
    }
}

#[test]
fn where_networkmanager_has_the_network() {
    let top = tempfile::tempdir().unwrap();
    let root = RootDir::open(top.path()).unwrap();
    let text = b"STARTMODE=auto\nIPADDR=192.0.2.1/24\n";
    root.write(
        &format!("{DIR}/ifcfg-e"),
        text,
        rootdir::Attributes::root(0o600),
    )
    .unwrap();
    let service = "etc/systemd/system/network.service";
    for (unit, count) in [("wicked", 1), ("NetworkManager", 0)] {
        root.remove(service).unwrap();
        root.symlink(service, &format!("/usr/lib/systemd/system/{unit}.service"))
            .unwrap();
        let files = files::load(&root).unwrap();
        assert_eq!(files.candidates.len(), count);
        assert_eq!(files.warnings.len(), 1 - count, "{:?}", files.warnings);
    }
}

/// By what wicked lets a DHCP server know the machine: by what nobody carries
/// over, unless a file says otherwise.
#[test]
fn an_identifier_of_wickeds_own() {
    for (own, global, named, id) in [
        ("BOOTPROTO=dhcp\n", "", true, None),
        ("BOOTPROTO=dhcp6\n", "", true, None),
        (
            "BOOTPROTO=dhcp4\n",
            "DHCLIENT_CREATE_CID=dhcp6\n",
            true,
            None,
        ),
        (
            "BOOTPROTO=dhcp4\n",
            "DHCLIENT_CREATE_CID=hwaddr\n",
            false,
            None,
        ),
        (
            "BOOTPROTO=dhcp4+auto6\n",
            "DHCLIENT_CREATE_CID=\n",
            true,
            None,
        ),
        (
            "BOOTPROTO=dhcp4\n",
            "DHCLIENT_CREATE_CID=rfc2132\n",
            false,
            None,
        ),
        (
            "BOOTPROTO=dhcp4\nDHCLIENT_CREATE_CID=rfc2132\n",
            "",
            false,
            None,
        ),
        // DHCPv6 knows a machine by the DUID in any case.
        (
            "BOOTPROTO=dhcp\nDHCLIENT_CREATE_CID=rfc2132\n",
            "",
            true,
            None,
        ),
        (
            "BOOTPROTO=dhcp\nDHCLIENT_CREATE_CID=rfc4361\n",
            "DHCLIENT_CREATE_CID=rfc2132\n",
            true,
            None,
        ),
        (
            "BOOTPROTO=dhcp4\n",
            "DHCLIENT_CLIENT_ID=web\n",
            false,
            Some("web"),
        ),
        ("BOOTPROTO=auto6\n", "", false, None),
        ("BOOTPROTO=static\n", "", false, None),
    ] {
        let text = format!("STARTMODE=auto\n{own}");
        let tree = [
            (&*format!("{DIR}/ifcfg-eth0"), text.as_str()),
            (&*format!("{DIR}/dhcp"), global),
        ];
        let (network, warnings) = carried_of(&tree, None);
        assert_eq!(get(&network, "eth0").v4.client_id.as_deref(), id, "{own}");
        let said = warnings
            .iter()
            .filter(|w| w.contains("ifcfg-eth0:2: wicked"));
        assert_eq!(said.count(), usize::from(named), "{own}{global}");
        assert_eq!(warnings.len(), usize::from(named), "{warnings:?}");
    }
}
