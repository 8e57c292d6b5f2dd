// SPDX-License-Identifier: MIT OR Apache-2.0
//! The answer of a real kernel with a bond, a VLAN and a bridge (fixture). That
//! of the running kernel is compared with ip's in tests/identity/netlink.rs.

use super::*;
use testkit::Target;

const LINKS: &[u8] = include_bytes!("../../../tests/fixtures/links.bin");

fn links(bytes: &[u8]) -> Vec<Link> {
    let mut links = Vec::new();
    for event in parse::messages(bytes) {
        if let parse::Event::Message { kind: 16, body, .. } = event {
            parse::link(body, &mut links);
        }
    }
    links
}

#[test]
fn bonds_vlans_and_bridges_of_linux_6_1() {
    assert_eq!(parse::messages(LINKS).last(), Some(parse::Event::Done));
    let network = KernelNetwork {
        links: links(LINKS),
        ..KernelNetwork::default()
    };
    let names: Vec<&str> = network.links.iter().map(|l| l.name.as_str()).collect();
    assert_eq!(
        names,
        [
            "lo", "dummy0", "d0", "d1", "bond0", "bond0.30", "br0", "ab0"
        ]
    );
    let get = |name: &str| network.named(name).unwrap();
    let options = |name: &str| {
        let pairs = get(name).bond.iter().map(|(k, v)| format!("{k}={v}"));
        pairs.collect::<Vec<_>>().join(" ")
    };
    let bond = get("bond0");
    assert_eq!(
        (bond.index, bond.mtu, bond.up, bond.ethernet),
        (5, 1500, true, true)
    );
    assert_eq!(
        options("bond0"),
        "lacp_rate=fast miimon=120 mode=802.3ad xmit_hash_policy=layer3+4"
    );
    assert_eq!(
        options("ab0"),
        "miimon=100 mode=active-backup",
        "other modes' options are left out"
    );
    let port = get("d1");
    assert_eq!(
        port.mac,
        get("d0").mac,
        "a bond gives its ports one address"
    );
    assert_eq!(port.permanent_mac.unwrap().to_string(), "52:54:00:00:00:11");
    assert_eq!(port.master, Some(5));
    let vlan = get("bond0.30");
    assert_eq!(
        (vlan.vlan, vlan.parent, vlan.master),
        (Some(30), Some(5), Some(7))
    );
    assert_eq!(vlan.kind.as_deref(), Some("vlan"));
    let bridge = get("br0");
    assert_eq!(
        (bridge.stp, bridge.mtu, bridge.kind.as_deref()),
        (true, 1400, Some("bridge"))
    );
    assert!(!get("lo").ethernet && get("lo").mac.is_none() && !get("ab0").up);
}

#[test]
fn a_damaged_length_ends_the_list() {
    let damaged = [5u8, 0, 0, 0, 16, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    assert_eq!(
        parse::messages(&damaged).collect::<Vec<_>>(),
        [parse::Event::Damaged(0)]
    );
    assert_eq!(
        parse::messages(&damaged[..3]).collect::<Vec<_>>(),
        [parse::Event::Damaged(0)]
    );
    assert_eq!(parse::messages(&[]).count(), 0);
}

#[test]
fn damaged_messages() {
    let target = Target {
        name: "netlink messages",
        samples: vec![LINKS.to_vec()],
        words: b"",
        hot: vec![],
        rounds: 5_000,
    };
    let tally = target.read(|bytes, _| {
        let mut network = KernelNetwork::default();
        for event in parse::messages(bytes) {
            if let parse::Event::Message { body, .. } = event {
                parse::link(body, &mut network.links);
                parse::address(body, &mut network.addresses);
                parse::route(body, &mut network.routes);
                network.refused.extend(parse::refusal(body));
            }
        }
        assert!(network.links.iter().all(|l| !l.name.is_empty()));
        assert!(network.addresses.iter().all(|a| a.address.prefix <= 128));
        network.links.len() > 2
    });
    tally.at_least(1000, 50);
}
