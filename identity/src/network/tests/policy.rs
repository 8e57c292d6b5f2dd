// SPDX-License-Identifier: MIT OR Apache-2.0
//! Policy rules, routing tables, DHCP identifiers and teams.

use super::*;

const NONE: [String; 0] = [];
const SCRIPTS: &str = "etc/sysconfig/network-scripts";

fn el() -> Vec<(String, &'static str)> {
    let file = |name: &str, text| (format!("{SCRIPTS}/{name}"), text);
    vec![
        file(
            "ifcfg-eth0",
            "DEVICE=eth0\nIPADDR=192.0.2.10\nPREFIX=24\nIPV6ADDR=2001:db8::10/64\nIPV6_PRIVACY=rfc4941\nROUTING_RULE_7=\"priority 7 fwmark 0x10 table 254\"\n",
        ),
        file(
            "route-eth0",
            "default via 192.0.2.254 table mgmt\nblackhole 10.66.0.0/16 metric 9\nprohibit 10.67.0.0/16\n",
        ),
        file(
            "rule-eth0",
            "# of the management\nfrom 192.0.2.10 lookup mgmt pref 100\nfrom 192.0.2.11 table 100\nfrom all table nobody pref 5\ngoto 3\n",
        ),
        file(
            "rule6-eth0",
            "from 2001:db8::10 iif eth0 table 100 pref 101\n",
        ),
        (
            "etc/iproute2/rt_tables".to_owned(),
            "# reserved\n255\tlocal\n0x64 mgmt # of the management\n",
        ),
    ]
}

fn carried_el() -> (Network, Vec<String>) {
    let tree = el();
    let tree: Vec<(&str, &str)> = tree.iter().map(|(p, t)| (p.as_str(), *t)).collect();
    carried_of(&tree, None)
}

#[test]
fn rules_and_tables_of_el() {
    let (network, warnings) = carried_el();
    assert_eq!(
        warnings,
        [
            "rule-eth0:5: the routing rule `goto 3` is not carried over: `goto`",
            "ifcfg-eth0: the routing rule `priority 5 table nobody` is not carried over, for nobody says which routing table nobody is",
        ]
    );
    let (text, warnings) = written(&network, "networkd", "eth0");
    assert_eq!(warnings, NONE);
    has(
        &text,
        &[
            "IPv6PrivacyExtensions=yes",
            "[Route]",
            "Gateway=192.0.2.254",
            "Table=100",
            "[Route]",
            "Destination=10.66.0.0/16",
            "Metric=9",
            "Type=blackhole",
            "Type=prohibit",
            "[RoutingPolicyRule]",
            "Family=ipv4",
            "Table=254",
            "Priority=7",
            "FirewallMark=0x10",
            "[RoutingPolicyRule]",
            "From=192.0.2.10/32",
            "Table=100",
            "Priority=100",
            "From=192.0.2.11/32",
            "[RoutingPolicyRule]",
            "From=2001:db8::10/128",
            "Table=100",
            "Priority=101",
            "IncomingInterface=eth0",
        ],
    );
    let (text, warnings) = written(&network, "nm", "eth0");
    assert_eq!(warnings, NONE);
    has(
        &text,
        &[
            "route1=0.0.0.0/0,192.0.2.254",
            "route1_options=table=100",
            "route2=10.66.0.0/16,0.0.0.0,9",
            "route2_options=type=blackhole",
            "routing-rule1=priority 7 from 0.0.0.0/0 fwmark 0x10 table 254",
            "routing-rule2=priority 100 from 192.0.2.10/32 table 100",
            // As the kernel would place it.
            "routing-rule3=priority 32765 from 192.0.2.11/32 table 100",
            "[ipv6]",
            "routing-rule1=priority 101 from 2001:db8::10/128 iif eth0 table 100",
            "ip6-privacy=2",
        ],
    );
    let (text, warnings) = written(&network, "ifupdown", "eth0");
    assert_eq!(warnings, NONE);
    has(
        &text,
        &[
            "up ip route replace 0.0.0.0/0 via 192.0.2.254 dev $IFACE table 100",
            "up ip route replace blackhole 10.66.0.0/16 metric 9",
            "up ip rule add priority 100 from 192.0.2.10/32 table 100 || true",
            "privext 2",
            "up ip -6 rule add priority 101 from 2001:db8::10/128 iif eth0 table 100 || true",
        ],
    );
}

/// Whatever is written is read back, by each of the readers.
#[test]
fn policy_is_read_back() {
    let (network, _) = carried_el();
    let want = get(&network, "eth0");
    for (manager, path) in [
        ("networkd", "etc/systemd/network/05-replant-eth0.network"),
        ("nm", "etc/NetworkManager/system-connections/a.nmconnection"),
        ("ifupdown", "etc/network/interfaces"),
    ] {
        let (text, _) = written(&network, manager, "eth0");
        let (read, warnings) = carried_of(&[(path, text.as_str())], None);
        assert_eq!(warnings, NONE, "{manager}");
        let i = get(&read, "eth0");
        assert_eq!(i.privacy, want.privacy, "{manager}");
        assert_eq!(i.v4.routes, want.v4.routes, "{manager}");
        assert_eq!(i.v4.gateway, None, "{manager}");
        for (mine, want) in i.families().into_iter().zip(want.families()) {
            let mut mine = mine.rules.clone();
            for rule in &mut mine {
                rule.priority = rule.priority.filter(|p| *p != 32765);
            }
            assert_eq!(mine, want.rules, "{manager}");
        }
    }
}

/// The kernel's table is not named when the files have it.
#[test]
fn tables_that_files_have_are_carried() {
    let mut kernel = live("kernel-routes/live");
    kernel.routes.push(Route {
        link: Some(2),
        to: Cidr::default_of(false),
        via: "192.0.2.254".parse().ok(),
        metric: 0,
        protocol: 3,
        table: 100,
        multipath: false,
        on_link: false,
        source: None,
    });
    kernel.refused = vec![
        Cidr::parse("10.66.0.0/16").unwrap(),
        Cidr::parse("10.99.0.0/16").unwrap(),
    ];
    let tree = el();
    let tree: Vec<(&str, &str)> = tree.iter().map(|(p, t)| (p.as_str(), *t)).collect();
    let (network, warnings) = carried_of(&tree, Some(&kernel));
    let said = warnings.join("\n");
    assert!(
        said.contains("10.99.0.0") && !said.contains("10.66.0.0"),
        "{said}"
    );
    assert!(!said.contains("routing table 100"), "{said}");
    // It is no other default route of the main table.
    assert_eq!(
        get(&network, "eth0").v4.gateway.unwrap().to_string(),
        "192.0.2.1"
    );
}

/// By what a DHCP server knows the machine again.
#[test]
fn identifiers_of_dhcp() {
    let network = |path: &str, text: &str| carried_of(&[(path, text)], None).0;
    let units = "etc/systemd/network/e.network";
    let keyfile = "etc/NetworkManager/system-connections/e";
    let script = &format!("{SCRIPTS}/ifcfg-e");
    let nm = "[connection]\ntype=ethernet\ninterface-name=e\n[ipv4]\nmethod=auto\n";
    for (old, text, networkd, nm, ifupdown) in [
        (
            units,
            "[Match]\nName=e\n[Network]\nDHCP=ipv4\n",
            "ClientIdentifier=duid",
            "dhcp-client-id=duid",
            "",
        ),
        (
            units,
            "[Match]\nName=e\n[Network]\nDHCP=ipv4\n[DHCPv4]\nClientIdentifier=mac\nHostname=h\n",
            "ClientIdentifier=mac\nHostname=h",
            "dhcp-hostname=h",
            "hostname h",
        ),
        (keyfile, nm, "ClientIdentifier=mac", "", ""),
        (
            script,
            "DEVICE=e\nBOOTPROTO=dhcp\nDHCP_CLIENT_ID=01:02:03\nDHCP_HOSTNAME=web\nMETRIC=9\n",
            "ClientIdentifier=mac\nHostname=web\nRouteMetric=9",
            "dhcp-client-id=01:02:03\ndhcp-hostname=web",
            "hostname web\nclient 01:02:03",
        ),
        (
            "etc/network/interfaces",
            "iface e inet dhcp\n client x\n hostname web\n",
            "Hostname=web",
            "dhcp-client-id=x",
            "client x",
        ),
    ] {
        let network = network(old, text);
        for (manager, want) in [("networkd", networkd), ("nm", nm), ("ifupdown", ifupdown)] {
            let (got, warnings) = written(&network, manager, "e");
            has(&got, &want.lines().collect::<Vec<_>>());
            let named =
                manager == "networkd" && (text.contains("01:02") || text.contains("client x"));
            assert_eq!(
                warnings.len(),
                usize::from(named),
                "{manager}: {warnings:?}"
            );
        }
    }
}

/// A profile's own table takes its gateway.
#[test]
fn a_table_for_the_whole_profile() {
    let text = "[connection]\ntype=ethernet\ninterface-name=e\n[ipv4]\nmethod=manual\naddress1=192.0.2.2/24,192.0.2.1\nroute-table=7\nroute1=10.0.0.0/8,192.0.2.3\n[ipv6]\nmethod=auto\nroute-table=8\nip6-privacy=1\n";
    let (network, warnings) =
        carried_of(&[("etc/NetworkManager/system-connections/e", text)], None);
    let i = get(&network, "e");
    assert_eq!(i.v4.gateway, None);
    let tables: Vec<_> = i.v4.routes.iter().map(|r| r.table.as_deref()).collect();
    assert_eq!(tables, [Some("7"), Some("7")]);
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(warnings[0].contains("table 8"), "{warnings:?}");
}

/// Teams of NetworkManager's profiles are bonds, too.
#[test]
fn teams_of_keyfiles() {
    let dir = "etc/NetworkManager/system-connections";
    let (network, warnings) = carried_of(
        &[
            (
                &format!("{dir}/t"),
                "[connection]\ntype=team\nid=T\ninterface-name=team0\n[team]\nconfig={\"runner\":{\"name\":\"lacp\",\"fast_rate\":true}}\n[ipv4]\nmethod=auto\n",
            ),
            (
                &format!("{dir}/p"),
                "[connection]\ntype=ethernet\ninterface-name=e\nmaster=team0\nslave-type=team\n",
            ),
        ],
        None,
    );
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    let (text, _) = written(&network, "networkd", "team0");
    has(&text, &["LACPTransmitRate=fast", "Mode=802.3ad"]);
    let (text, _) = written(&network, "networkd", "e");
    has(&text, &["Bond=team0"]);
}

/// A bond watches its links in any case: by ARP where the driver can.
#[test]
fn teams_that_ping() {
    use crate::network::model::Kind;
    for (runner, name, target, want, said) in [
        (
            "activebackup",
            "arp_ping",
            "192.0.2.1",
            "arp_interval=200 arp_ip_target=192.0.2.1 mode=active-backup",
            "",
        ),
        (
            "activebackup",
            "arp_ping",
            "gateway.example",
            "miimon=100 mode=active-backup",
            "(arp_ping: `gateway.example` is no IPv4 address)",
        ),
        (
            "roundrobin",
            "arp_ping",
            "2001:db8::1",
            "miimon=100 mode=balance-rr",
            "(arp_ping: `2001:db8::1` is no IPv4 address)",
        ),
        (
            "lacp",
            "arp_ping",
            "192.0.2.1",
            "miimon=100 mode=802.3ad",
            "has no effect in the mode 802.3ad",
        ),
        (
            "activebackup",
            "nsna_ping",
            "2001:db8::1",
            "miimon=100 mode=active-backup",
            "(nsna_ping)",
        ),
    ] {
        let json = format!(
            r#"{{"runner":{{"name":"{runner}"}},"notify_peers":{{"interval":9}},"link_watch":{{"name":"{name}","interval":200,"target_host":"{target}"}}}}"#
        );
        let profile =
            format!("[connection]\ntype=team\ninterface-name=team0\n[team]\nconfig={json}\n");
        let script = format!("DEVICE=team0\nDEVICETYPE=Team\nTEAM_CONFIG='{json}'\n");
        for (path, text) in [
            ("etc/NetworkManager/system-connections/t", profile),
            (&*format!("{SCRIPTS}/ifcfg-team0"), script),
        ] {
            let (network, warnings) = carried_of(&[(path, text.as_str())], None);
            let Kind::Bond { options } = &get(&network, "team0").kind else {
                panic!("{network:#?}")
            };
            let got: Vec<String> = options.iter().map(|(n, v)| format!("{n}={v}")).collect();
            assert_eq!(got.join(" "), want, "{json}");
            let lost: Vec<_> = warnings.iter().filter(|w| w.contains("watches")).collect();
            assert_eq!(lost.len(), usize::from(!said.is_empty()), "{warnings:?}");
            assert!(lost.iter().all(|w| w.contains(said)), "{warnings:?}");
        }
    }
}
