// SPDX-License-Identifier: MIT OR Apache-2.0
//! Messages made by hand after linux/if_link.h and rtnetlink.h; those of a real
//! kernel are in tests/identity_netlink.rs.

use super::*;
use crate::identity::tests::mutate;

fn attribute(kind: u16, value: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    bytes.extend(((4 + value.len()) as u16).to_ne_bytes());
    bytes.extend(kind.to_ne_bytes());
    bytes.extend(value);
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    bytes
}

fn link_message(index: u32, name: &str, rest: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = vec![0, 0, 1, 0];
    bytes.extend(index.to_ne_bytes());
    bytes.extend(1u32.to_ne_bytes());
    bytes.extend([0; 4]);
    bytes.extend(attribute(3, format!("{name}\0").as_bytes()));
    bytes.extend(rest.concat());
    bytes
}

fn samples() -> Vec<Vec<u8>> {
    let info = |kind: &str, data: &[Vec<u8>]| {
        let kind = attribute(1, format!("{kind}\0").as_bytes());
        // The flag that says "nested".
        attribute(18 | 0x8000, &[kind, attribute(2, &data.concat())].concat())
    };
    let port = attribute(4, &[2, 0, 0, 0, 0, 0x33]);
    let port = [attribute(4, b"bond\0"), attribute(5, &port)].concat();
    vec![
        link_message(
            4,
            "bond0",
            &[
                attribute(1, &[2, 0, 0, 0, 0, 4]),
                attribute(4, &9000u32.to_ne_bytes()),
                info(
                    "bond",
                    &[
                        attribute(1, &[4]),
                        attribute(3, &100u32.to_ne_bytes()),
                        attribute(14, &[1]),
                        attribute(21, &[1]),
                    ],
                ),
            ],
        ),
        link_message(
            5,
            "v9",
            &[
                attribute(5, &4u32.to_ne_bytes()),
                info("vlan", &[attribute(1, &9u16.to_ne_bytes())]),
            ],
        ),
        link_message(
            3,
            "eth1",
            &[attribute(10, &4u32.to_ne_bytes()), attribute(18, &port)],
        ),
        link_message(
            6,
            "ab",
            &[info(
                "bond",
                &[attribute(1, &[1]), attribute(14, &[1]), attribute(21, &[0])],
            )],
        ),
    ]
}

#[test]
fn bonds_and_vlans() {
    let mut links = Vec::new();
    for message in samples() {
        parse::link(&message, &mut links);
    }
    let [bond, vlan, port, plain] = links.as_slice() else {
        panic!("{links:?}")
    };
    assert_eq!(
        (bond.index, bond.mtu, bond.up, bond.ethernet),
        (4, 9000, true, true)
    );
    let options: Vec<_> = bond.bond.iter().map(|(k, v)| format!("{k}={v}")).collect();
    assert_eq!(
        options,
        [
            "lacp_rate=fast",
            "miimon=100",
            "mode=802.3ad",
            "xmit_hash_policy=layer3+4"
        ]
    );
    assert_eq!(
        (vlan.vlan, vlan.parent, vlan.kind.as_deref()),
        (Some(9), Some(4), Some("vlan"))
    );
    assert_eq!(port.permanent_mac.unwrap().to_string(), "02:00:00:00:00:33");
    assert_eq!(
        (port.master, port.kind.as_deref()),
        (Some(4), None),
        "a port is still hardware"
    );
    assert_eq!(
        plain.bond.len(),
        1,
        "options of other modes are left out: {plain:?}"
    );
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
fn mutated_messages_never_panic() {
    let mut network = Network::default();
    let mut datagram = Vec::new();
    for body in samples() {
        datagram.extend((16 + body.len() as u32).to_ne_bytes());
        datagram.extend(16u16.to_ne_bytes());
        datagram.extend([0; 10]);
        datagram.extend(&body);
    }
    assert_eq!(parse::messages(&datagram).count(), 4);
    for bytes in mutate(&datagram, 11, 10_000) {
        for event in parse::messages(&bytes) {
            if let parse::Event::Message { body, .. } = event {
                parse::link(body, &mut network.links);
                parse::address(body, &mut network.addresses);
                parse::route(body, &mut network.routes);
            }
        }
    }
    assert!(network.links.len() > 10_000);
    assert!(network.links.iter().all(|l| !l.name.is_empty()));
    assert!(network.addresses.iter().all(|a| a.address.prefix <= 128));
}
