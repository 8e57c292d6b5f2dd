// SPDX-License-Identifier: MIT OR Apache-2.0
//! What counts where files and the running kernel differ.

use super::*;
use crate::network::address::{Cidr, Mac};
use crate::network::kernel::{Address, Link};
use crate::network::model::Dns;

fn mac(last: u8) -> Mac {
    Mac([0x52, 0x54, 0, 0, 0, last])
}

/// lo, two cards, a bond of the second, a VLAN on the bond, a bridge of the
/// VLAN, and what Docker makes.
fn kernel() -> KernelNetwork {
    let link = |index, name: &str, kind: Option<&str>, last| Link {
        index,
        name: name.into(),
        ethernet: true,
        up: true,
        mtu: 1500,
        mac: Some(mac(last)),
        kind: kind.map(str::to_owned),
        ..Link::default()
    };
    let address = |link, text: &str, permanent| Address {
        link,
        address: Cidr::parse(text).unwrap(),
        permanent,
        global: true,
        valid: None,
    };
    KernelNetwork {
        links: vec![
            Link {
                index: 1,
                name: "lo".into(),
                ..Link::default()
            },
            link(2, "eth0", None, 2),
            Link {
                master: Some(4),
                permanent_mac: Some(mac(33)),
                ..link(3, "eth1", None, 4)
            },
            Link {
                bond: [("mode".into(), "802.3ad".into())].into(),
                ..link(4, "bond0", Some("bond"), 4)
            },
            Link {
                parent: Some(4),
                vlan: Some(9),
                master: Some(6),
                ..link(5, "v9", Some("vlan"), 4)
            },
            link(6, "br0", Some("bridge"), 4),
            link(7, "docker0", Some("bridge"), 7),
            Link {
                master: Some(7),
                ..link(8, "veth1", Some("veth"), 8)
            },
        ],
        addresses: vec![
            address(2, "10.0.0.5/24", true),
            address(2, "2001:db8::5/64", false),
            address(6, "192.0.2.6/24", false),
            address(7, "172.17.0.1/16", true),
        ],
        routes: vec![
            route(2, "0.0.0.0/0", Some("10.0.0.1"), 3, 254),
            route(2, "10.0.0.0/24", None, 2, 254),
            route(2, "10.8.0.0/16", Some("10.0.0.8"), 4, 254),
            route(2, "10.7.0.0/16", Some("10.0.0.8"), 4, 77),
            route(6, "0.0.0.0/0", Some("192.0.2.1"), 16, 254),
        ],
        refused: vec![],
    }
}

fn route(link: u32, to: &str, via: Option<&str>, protocol: u8, table: u32) -> kernel::Route {
    kernel::Route {
        link: Some(link),
        to: Cidr::parse(to).unwrap(),
        via: via.map(|v| v.parse().unwrap()),
        metric: 0,
        protocol,
        table,
        multipath: false,
        on_link: false,
        source: None,
    }
}

fn candidate(name: &str, source: &str, address: Option<&str>) -> Candidate {
    let mut c = Candidate {
        source: source.into(),
        ..Candidate::default()
    };
    c.interface.name = name.into();
    match address {
        Some(address) => c.interface.add_address(Cidr::parse(address).unwrap()),
        None => c.interface.v4.methods = Methods::DHCP,
    }
    c
}

fn files(candidates: Vec<Candidate>) -> Files {
    let resolv = Dns {
        servers: vec!["10.0.0.53".parse().unwrap()],
        ..Dns::default()
    };
    Files {
        candidates,
        resolv,
        ..Files::default()
    }
}

fn get<'a>(network: &'a Network, name: &str) -> &'a Interface {
    network.interfaces.iter().find(|i| i.name == name).unwrap()
}

#[test]
fn the_kernel_alone() {
    let mut report = Report::default();
    let network = merge(files(vec![]), Some(&kernel()), &mut report);
    let names: Vec<&str> = network.interfaces.iter().map(|i| i.name.as_str()).collect();
    assert_eq!(
        names,
        ["eth0", "eth1", "bond0", "v9", "br0"],
        "and nothing of Docker's"
    );
    let eth0 = get(&network, "eth0");
    assert_eq!((eth0.mac, eth0.v4.methods), (Some(mac(2)), Methods::UNSET));
    assert_eq!(eth0.v6.methods, Methods::AUTO, "an address with a lifetime");
    assert_eq!(eth0.v4.gateway.unwrap().to_string(), "10.0.0.1");
    assert_eq!(
        eth0.v4.routes.len(),
        1,
        "neither the kernel's own nor another table's"
    );
    let eth1 = get(&network, "eth1");
    assert_eq!(
        (eth1.mac, eth1.master.as_deref()),
        (Some(mac(33)), Some("bond0"))
    );
    assert_eq!(
        get(&network, "v9").kind,
        Kind::Vlan {
            parent: "bond0".into(),
            id: 9
        }
    );
    let br0 = get(&network, "br0");
    assert_eq!((br0.v4.methods, br0.v4.gateway), (Methods::DHCP, None));
    assert!(
        report
            .warnings
            .iter()
            .any(|w| w.starts_with("eth0: no configuration file"))
    );
}

#[test]
fn files_win_and_disagreement_is_reported() {
    let mut report = Report::default();
    let network = merge(
        files(vec![candidate("eth0", "ifcfg-eth0", Some("10.0.0.99/24"))]),
        Some(&kernel()),
        &mut report,
    );
    let eth0 = get(&network, "eth0");
    assert_eq!(eth0.v4.addresses, [Cidr::parse("10.0.0.99/24").unwrap()]);
    let warnings = report.warnings.join("\n");
    assert!(
        warnings.contains("ifcfg-eth0 has 10.0.0.99/24"),
        "{warnings}"
    );
    assert!(
        warnings.contains("has 10.0.0.5/24, but ifcfg-eth0 does not"),
        "{warnings}"
    );
}

#[test]
fn dhcp_of_a_file_is_not_made_static() {
    let mut report = Report::default();
    let network = merge(
        files(vec![candidate("eth0", "interfaces", None)]),
        Some(&kernel()),
        &mut report,
    );
    let eth0 = get(&network, "eth0");
    assert_eq!(eth0.v4.methods, Methods::DHCP);
    assert!(eth0.v4.addresses.is_empty() && eth0.v4.gateway.is_none());
    assert!(network.dns.is_empty(), "name servers come by DHCP again");
}

#[test]
fn of_several_files_the_one_that_the_kernel_agrees_with() {
    let mut by_mac = candidate("", "right", Some("10.0.0.5/24"));
    by_mac.interface.mac = Some(mac(2));
    let mut other_card = candidate("eth0", "other card", Some("10.0.0.5/24"));
    other_card.interface.mac = Some(mac(77));
    let all = vec![
        other_card,
        candidate("eth0", "stale", Some("10.3.3.3/24")),
        by_mac,
    ];
    let mut report = Report::default();
    let network = merge(files(all), Some(&kernel()), &mut report);
    let eth0 = get(&network, "eth0");
    assert_eq!(eth0.v4.addresses, [Cidr::parse("10.0.0.5/24").unwrap()]);
    assert!(
        !report
            .warnings
            .iter()
            .any(|w| w.contains("stale") || w.contains("other card"))
    );
    // Options and the parent that the file leaves out come from the kernel.
    let mut bond = candidate("bond0", "b", None);
    bond.interface.kind = Kind::Bond {
        options: Default::default(),
    };
    let network = merge(files(vec![bond]), Some(&kernel()), &mut report);
    let Kind::Bond { options } = &get(&network, "bond0").kind else {
        panic!()
    };
    assert_eq!(options["mode"], "802.3ad");
}

#[test]
fn a_pattern_fits_cards_only_and_the_resolver_is_kept_for_static_ones() {
    let mut pattern = candidate("", "20-wired.network", Some("10.0.0.5/24"));
    pattern.patterns = vec!["e*".into()];
    let mut kernel = kernel();
    kernel.links.truncate(2);
    kernel.addresses.truncate(1);
    kernel.routes.clear();
    let mut gone = candidate("eth7", "ifcfg-eth7", Some("10.7.7.7/8"));
    gone.interface.kind = Kind::Ethernet;
    let mut report = Report::default();
    let network = merge(files(vec![pattern, gone]), Some(&kernel), &mut report);
    assert_eq!(network.interfaces.len(), 1);
    assert_eq!(network.dns.servers.len(), 1);
    assert_eq!(report.warnings.len(), 1, "{report:?}");
    assert!(report.warnings[0].contains("there is no interface eth7"));
}

#[test]
fn a_team_becomes_a_bond_with_the_teams_addresses() {
    let mut running = kernel();
    for link in running.links.iter_mut().filter(|l| l.name == "bond0") {
        (link.name, link.kind) = ("team0".into(), Some("team".into()));
        link.bond.clear();
    }
    let mut team = Candidate {
        source: "ifcfg-team0".into(),
        ..Candidate::default()
    };
    team.interface.name = "team0".into();
    let options = [("mode".to_string(), "802.3ad".to_string())];
    team.interface.kind = Kind::Bond {
        options: options.into(),
    };
    let address = Cidr::parse("192.0.2.7/24").unwrap();
    team.interface.add_address(address);
    let files = Files {
        candidates: vec![team],
        ..Files::default()
    };
    let network = merge(files, Some(&running), &mut Report::default());
    let get = |name: &str| network.interfaces.iter().find(|i| i.name == name).unwrap();
    assert_eq!(get("team0").v4.addresses, [address]);
    assert!(matches!(&get("team0").kind, Kind::Bond { options } if options["mode"] == "802.3ad"));
    assert_eq!(get("eth1").master.as_deref(), Some("team0"));
}

#[test]
fn an_old_kernel_tells_the_mac_address_that_a_file_has_set() {
    let mut running = kernel();
    let own = mac(77);
    let mut file = Candidate {
        source: "ifcfg-eth0".into(),
        ..Candidate::default()
    };
    file.interface.name = "eth0".into();
    file.interface.cloned_mac = Some(mac(2));
    let merged = |own: Option<Mac>, running: &KernelNetwork| {
        let mut file = file.clone();
        file.interface.mac = own;
        let files = Files {
            candidates: vec![file],
            ..Files::default()
        };
        let mut report = Report::default();
        let network = merge(files, Some(running), &mut report);
        let eth0 = network.interfaces.into_iter().find(|i| i.name == "eth0");
        (eth0.unwrap(), report.warnings)
    };
    let (eth0, _) = merged(Some(own), &running);
    assert_eq!((eth0.mac, eth0.cloned_mac), (Some(own), Some(mac(2))));
    let (eth0, warnings) = merged(None, &running);
    assert_eq!(eth0.mac, None);
    assert!(warnings.iter().any(|w| w.contains("found by its name")));
    // Since Linux 5.6 the kernel tells both.
    for link in running.links.iter_mut().filter(|l| l.name == "eth0") {
        link.permanent_mac = Some(own);
    }
    assert_eq!(merged(None, &running).0.mac, Some(own));
}
