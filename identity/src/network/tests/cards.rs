// SPDX-License-Identifier: MIT OR Apache-2.0
//! By what a file tells which card it is for, in each dialect.

use super::*;

const NETPLAN: (&str, &str) = ("usr/sbin/netplan", "");

/// A definition or a file for a card that nothing tells is not for every card,
/// and not lost without a word.
#[test]
fn a_card_by_what_is_no_mac_address() {
    let plan = |by: &str| format!("network: {{ethernets: {{e: {{match: {by}, dhcp4: true}}}}}}\n");
    let yaml = "etc/netplan/a.yaml";
    let keyfile = "[connection]\ntype=ethernet\nid=a\n[ethernet]\nmac-address=card\n";
    let units = "[Match]\nMACAddress=card\n";
    let none = "alone tells the card, and the definition is not carried over";
    for (path, text, count, said) in [
        (
            yaml,
            plan("{macaddress: card}"),
            0,
            format!("macaddress: card of e is no MAC address and {none}"),
        ),
        (
            yaml,
            plan("{macaddress: [card]}"),
            0,
            format!("macaddress: [card] of e is no MAC address and {none}"),
        ),
        (
            yaml,
            plan("{driver: x}"),
            0,
            format!("driver: x of e {none}"),
        ),
        (yaml, plan("{path: x}"), 0, format!("path: x of e {none}")),
        (
            yaml,
            plan("{name: eth0, macaddress: card}"),
            1,
            "macaddress: card of e is no MAC address and is left out".into(),
        ),
        (yaml, plan("{}"), 1, String::new()),
        (
            "etc/NetworkManager/system-connections/a",
            keyfile.to_owned(),
            0,
            "a:5: mac-address=card is no MAC address".into(),
        ),
        (
            "etc/NetworkManager/system-connections/a",
            keyfile.replace("id=a", "interface-name=eth0"),
            1,
            "a:5: mac-address=card is no MAC address".into(),
        ),
        (
            "etc/sysconfig/network-scripts/ifcfg-eth0",
            "HWADDR=card\n".to_owned(),
            1,
            "ifcfg-eth0:1: HWADDR=card is no MAC address".into(),
        ),
        (
            "etc/systemd/network/a.network",
            format!("{units}Name=eth0\n"),
            1,
            "a.network:2: MACAddress=card is no MAC address".into(),
        ),
        (
            "etc/systemd/network/a.network",
            units.to_owned(),
            0,
            "a.network: the file is not carried over".into(),
        ),
    ] {
        let top = tempfile::tempdir().unwrap();
        let root = RootDir::open(top.path()).unwrap();
        for (path, text) in [(path, text.as_str()), NETPLAN] {
            let attributes = rootdir::Attributes::root(0o600);
            root.write(path, text.as_bytes(), attributes).unwrap();
        }
        let files = files::load(&root).unwrap();
        assert_eq!(files.candidates.len(), count, "{text}");
        let warnings = files.warnings.join("\n");
        assert!(warnings.contains(&said), "{text}: {warnings}");
        assert_eq!(warnings.is_empty(), said.is_empty(), "{text}: {warnings}");
    }
}
