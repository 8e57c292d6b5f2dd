// SPDX-License-Identifier: MIT OR Apache-2.0
//! The written files: compared with samples, and read back.

use super::*;
use crate::network::address::Cidr;
use crate::network::model::{Dns, Methods, Route};

fn cidr(text: &str) -> Cidr {
    Cidr::parse(text).unwrap()
}

/// A card with everything, a bond of two, a VLAN on it, a bridge with the VLAN.
fn sample() -> Network {
    let base = |name: &str| Interface {
        name: name.into(),
        ..Interface::default()
    };
    let mut ens = Interface {
        mac: Some("00:50:56:aa:bb:01".parse().unwrap()),
        mtu: Some(1400),
        ..base("ens192")
    };
    ens.add_address(cidr("192.0.2.10/24"));
    ens.add_address(cidr("192.0.2.11/24"));
    ens.add_address(cidr("2001:db8::10/64"));
    ens.v4.gateway = Some("192.0.2.1".parse().unwrap());
    ens.v6.gateway = Some("fe80::1".parse().unwrap());
    let via = Some("192.0.2.254".parse().unwrap());
    ens.add_route(Route {
        metric: Some(50),
        ..Route::new(cidr("10.0.0.0/8"), via)
    });
    ens.add_route(Route::new(cidr("10.9.0.0/16"), None));
    ens.dns = Dns {
        servers: vec![
            "192.0.2.53".parse().unwrap(),
            "2001:db8::53".parse().unwrap(),
        ],
        search: vec!["example.net".into()],
        options: vec![],
    };
    let port = |name: &str, mac: &str| Interface {
        mac: Some(mac.parse().unwrap()),
        master: Some("bond0".into()),
        ..base(name)
    };
    let options = [
        ("miimon", "100"),
        ("mode", "active-backup"),
        ("primary", "em1"),
    ];
    let options = options.map(|(a, b)| (a.to_owned(), b.to_owned())).into();
    let mut bond = Interface {
        kind: Kind::Bond { options },
        ..base("bond0")
    };
    bond.v4.methods = Methods::FIXED;
    bond.v6.methods = Methods::FIXED;
    let vlan = Interface {
        kind: Kind::Vlan {
            parent: "bond0".into(),
            id: 7,
        },
        master: Some("br7".into()),
        ..base("bond0.7")
    };
    let mut bridge = Interface {
        kind: Kind::Bridge { stp: false },
        ..base("br7")
    };
    bridge.v4.methods = Methods::DHCP;
    bridge.v4.ignore_dns = true;
    Network {
        dns: Dns::default(),
        interfaces: vec![
            ens,
            port("em1", "00:50:56:aa:bb:02"),
            port("em2", "00:50:56:aa:bb:03"),
            bond,
            vlan,
            bridge,
        ],
    }
}

fn joined(files: &[File]) -> String {
    files
        .iter()
        .map(|f| format!("==> {} {:o}\n{}", f.path, f.mode, f.text))
        .collect()
}

fn golden(name: &str, files: &[File]) {
    let path = format!("{}/tests/fixtures/{name}", env!("CARGO_MANIFEST_DIR"));
    let got = joined(files);
    if std::env::var_os("REPLANT_WRITE_GOLDEN").is_some() {
        std::fs::write(&path, &got).unwrap();
    }
    let want = std::fs::read_to_string(&path).unwrap();
    assert_eq!(got, want, "{path}");
}

#[test]
fn golden_keyfiles() {
    golden(
        "keyfile.txt",
        &keyfile::render(
            &sample(),
            "0123456789abcdef0123456789abcdef",
            false,
            &mut Report::default(),
        ),
    );
    let old = joined(&keyfile::render(
        &sample(),
        "",
        true,
        &mut Report::default(),
    ));
    assert!(old.contains("method=ignore") && !old.contains("[ipv6]\nmethod=disabled"));
}

#[test]
fn golden_networkd() {
    golden(
        "networkd.txt",
        &networkd::render(&sample(), &mut Report::default()),
    );
}

#[test]
fn golden_interfaces() {
    let mut files = ifupdown::render(&sample());
    files.extend(link::render(&sample(), &mut Report::default()));
    golden("interfaces.txt", &files);
}

#[test]
fn what_is_rendered_is_read_back() {
    // The parsers of the old system's files understand what is written for
    // the new one: a machine can be migrated again.
    for manager in ["nm", "networkd", "ifupdown"] {
        let top = tempfile::tempdir().unwrap();
        let root = RootDir::open(top.path()).unwrap();
        let files = match manager {
            "nm" => keyfile::render(&sample(), "x", false, &mut Report::default()),
            "networkd" => networkd::render(&sample(), &mut Report::default()),
            _ => ifupdown::render(&sample()),
        };
        for f in &files {
            root.write(&f.path, f.text.as_bytes(), Attributes::root(f.mode))
                .unwrap();
        }
        let read = crate::network::files::load(&root).unwrap();
        let mac = sample().interfaces[0].mac;
        let ens = read
            .candidates
            .iter()
            .map(|c| &c.interface)
            .find(|i| i.name == "ens192" || i.mac == mac)
            .unwrap_or_else(|| panic!("{manager}: {read:?}"));
        let want = &sample().interfaces[0];
        assert_eq!(
            (&ens.v4.addresses, ens.v4.gateway),
            (&want.v4.addresses, want.v4.gateway),
            "{manager}"
        );
        assert_eq!(ens.v4.routes, want.v4.routes, "{manager}");
        assert_eq!(
            (&ens.v6.addresses, ens.v6.gateway),
            (&want.v6.addresses, want.v6.gateway),
            "{manager}"
        );
    }
}

#[test]
fn several_cards_do_not_keep_the_kernels_names() {
    let mut network = sample();
    network.interfaces[0].name = "eth0".into();
    network.interfaces[1].name = "eth1".into();
    network.interfaces[3].kind = Kind::Bond {
        options: [("primary".to_owned(), "eth1".to_owned())].into(),
    };
    network.interfaces[4].kind = Kind::Vlan {
        parent: "eth0".into(),
        id: 7,
    };
    let mut report = Report::default();
    link::rename(&mut network, &mut report);
    let names: Vec<&str> = network.interfaces.iter().map(|i| i.name.as_str()).collect();
    assert_eq!(names, ["lan0", "lan1", "em2", "bond0", "bond0.7", "br7"]);
    assert_eq!(
        network.interfaces[4].kind,
        Kind::Vlan {
            parent: "lan0".into(),
            id: 7
        }
    );
    assert_eq!(report.done.len(), 2);
    let mut one = Network {
        interfaces: vec![network.interfaces[0].clone()],
        ..Default::default()
    };
    one.interfaces[0].name = "eth0".into();
    link::rename(&mut one, &mut report);
    assert_eq!(
        one.interfaces[0].name, "eth0",
        "one card alone cannot swap names"
    );
}

/// A rule for packets of one interface means the same card as before, whatever
/// that is called now, and so does a bond's active port.
#[test]
fn rules_follow_their_cards() {
    use crate::network::model::Rule;
    let rule = |incoming: Option<&str>, outgoing: Option<&str>| Rule {
        incoming: incoming.map(str::to_owned),
        outgoing: outgoing.map(str::to_owned),
        table: Some("100".into()),
        ..Rule::default()
    };
    let mut plain = sample();
    plain.interfaces[0].name = "eth0".into();
    plain.interfaces[1].name = "eth1".into();
    plain.interfaces[3].kind = Kind::Bond {
        options: Default::default(),
    };
    let active = [("mode", "active-backup"), ("active_slave", "eth1")];
    let active = active.map(|(a, b)| (a.to_owned(), b.to_owned())).into();
    for (in_v4, in_v6, options, has) in [
        (
            rule(Some("eth0"), None),
            rule(None, Some("eth1")),
            None,
            &["iif lan0", "oif lan1"][..],
        ),
        (
            rule(Some("lo"), None),
            rule(None, Some("eth1")),
            None,
            &["iif lo", "oif lan1"][..],
        ),
        // What replant makes has its name in any case, and others' are theirs.
        (
            rule(Some("lo"), None),
            rule(Some("br7"), Some("tun0")),
            None,
            &[][..],
        ),
        (
            rule(Some("lo"), None),
            rule(None, None),
            Some(active),
            &["active_slave=lan1"][..],
        ),
    ] {
        let mut network = plain.clone();
        network.interfaces[0].v4.rules.push(in_v4);
        network.interfaces[0].v6.rules.push(in_v6);
        if let Some(options) = options {
            network.interfaces[3].kind = Kind::Bond { options };
        }
        let top = tempfile::tempdir().unwrap();
        let root = RootDir::open(top.path()).unwrap();
        let manager = Attributes::root(0o755);
        root.write("usr/sbin/NetworkManager", b"", manager).unwrap();
        let policy = Policy {
            pin_interface_names: false,
            ..Policy::default()
        };
        apply(&root, &network, "seed", &policy, &mut Report::default()).unwrap();
        let links = root.list("etc/systemd/network").unwrap();
        assert_eq!(links.len(), if has.is_empty() { 0 } else { 3 }, "{has:?}");
        let dir = "etc/NetworkManager/system-connections";
        let mut all = String::new();
        for name in root.list(dir).unwrap() {
            all += &root.text(&format!("{dir}/{name}")).unwrap().unwrap();
        }
        for words in has {
            assert!(all.contains(words), "{words}: {all}");
        }
    }
}
