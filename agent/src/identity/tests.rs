// SPDX-License-Identifier: MIT OR Apache-2.0
use super::*;

/// `count` seeded mutations of a text: bits flipped, bytes replaced by ones
/// that mean something, cut short, parts moved.
pub(super) fn mutate(bytes: &[u8], seed: u64, count: usize) -> impl Iterator<Item = Vec<u8>> {
    const SHARP: &[u8] = b"\0\n\t =:;,/[]#'\"\\.-0129\xff%*";
    let original = bytes.to_vec();
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut random = move |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % below.max(1) as u64) as usize
    };
    (0..count).map(move |_| {
        let mut bytes = original.clone();
        for _ in 0..=random(6) {
            let at = random(bytes.len());
            match random(5) {
                _ if bytes.is_empty() => {}
                0 => bytes[at] ^= 1 << random(8),
                1 => bytes[at] = SHARP[random(SHARP.len())],
                2 => bytes.truncate(at),
                3 => bytes.insert(at, SHARP[random(SHARP.len())]),
                _ => {
                    let end = (at + random(40)).min(bytes.len());
                    let part: Vec<u8> = bytes[at..end].to_vec();
                    let to = random(bytes.len());
                    bytes.splice(to..to, part);
                }
            }
        }
        bytes
    })
}

#[test]
fn a_mutated_identity_is_refused_or_read() {
    let mut identity = Identity {
        version: model::VERSION,
        ..Identity::default()
    };
    identity.host.name = Some("web1".into());
    identity.host.machine_id = Some("0123456789abcdef0123456789abcdef".into());
    identity.network.interfaces = sample();
    identity.accounts.users.push(accounts::User {
        name: "root".into(),
        ..Default::default()
    });
    let text = toml::to_string(&identity).unwrap();
    assert_eq!(store::parse(text.as_bytes()).unwrap(), identity);
    let mut read = 0;
    for bytes in mutate(text.as_bytes(), 5, 3000) {
        read += store::parse(&bytes).is_ok() as u32;
    }
    assert!(read > 100 && read < 2500, "{read}");
    assert!(matches!(
        store::parse(b"version = 2"),
        Err(store::Bad::Version(2))
    ));
    assert!(matches!(
        store::parse(b"version = 0"),
        Err(store::Bad::Version(0))
    ));
}

fn sample() -> Vec<network::Interface> {
    let mut i = network::Interface {
        name: "eth0".into(),
        ..Default::default()
    };
    i.mac = Some("52:54:00:12:34:56".parse().unwrap());
    i.add_address(network::Cidr::parse("10.0.2.15/24").unwrap());
    i.add_address(network::Cidr::parse("2001:db8::1/64").unwrap());
    let vlan = network::Interface {
        name: "eth0.5".into(),
        kind: network::Kind::Vlan {
            parent: "eth0".into(),
            id: 5,
        },
        ..Default::default()
    };
    vec![i, vlan]
}
