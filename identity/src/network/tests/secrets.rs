// SPDX-License-Identifier: MIT OR Apache-2.0
//! Passwords and keys in files that are read: named, and not shown.

use super::*;

#[test]
fn no_warning_quotes_a_password() {
    let plan = "network:\n  ethernets:\n    e:\n      dhcp4: true\n      auth: {key-management: 802.1x, identity: s3cret, password: s3cret}\n      networkmanager:\n        passthrough: {802-1x.identity: s3cret, 802-1x.private-key-password: s3cret, connection.zone: x}\n      more: [{psk: s3cret, y: z}]\n";
    let keyfile = "[connection]\ntype=ethernet\ninterface-name=e\n[ethernet]\nsecret-of-it=s3cret\n[802-1x]\nidentity=s3cret\npassword=s3cret\n";
    let el = "DEVICE=e\nIEEE_8021X_IDENTITY=s3cret\nIEEE_8021X_PASSWORD=s3cret\nKEY_PASSPHRASE1=s3cret\nETHTOOL_OPTS=\"wol s sopass s3cret\"\n";
    let suse = "STARTMODE=auto\nWIRELESS_WPA_PSK=s3cret\nWIRELESS_PIN=s3cret\nETHTOOL_OPTIONS='wol s sopass s3cret'\n";
    let networkd = "[Match]\nName=e\n[Network]\nPresharedKey=s3cret\n";
    let debian = "iface e inet dhcp\n eap-password s3cret\n psk s3cret\n up wpa_cli set_network 0 psk s3cret\n post-up PASSWORD=s3cret /sbin/x\n pre-up echo s3cret | chpasswd\n up K=s3cret; wg set w private-key $K && sysctl a=b || mail s3cret\n down curl -u me:s3cret https://x/\n post-down modprobe -r x\n";
    let conf = "[connection]\n802-1x.password=s3cret\nipv4.other=x\n[connection-b]\nmatch-device=*\n802-1x.pin=s3cret\n";
    let profile = "[connection]\ntype=ethernet\ninterface-name=e\n";
    let connections = "etc/NetworkManager/system-connections/e";
    for (tree, keys, shown) in [
        (
            vec![("etc/netplan/a.yaml", plan), ("usr/sbin/netplan", "")],
            vec![
                "auth: (",
                "802-1x.identity: (",
                "802-1x.private-key-password: (",
                "psk: (",
            ],
            vec!["y: z", "connection.zone: x"],
        ),
        (
            vec![(connections, keyfile)],
            vec!["secret-of-it=(", "identity=(", "password=("],
            vec![],
        ),
        (
            vec![("etc/sysconfig/network-scripts/ifcfg-e", el)],
            vec![
                "IEEE_8021X_IDENTITY=(",
                "IEEE_8021X_PASSWORD=(",
                "KEY_PASSPHRASE1=(",
                "ETHTOOL_OPTS=wol (",
            ],
            vec![],
        ),
        (
            vec![("etc/sysconfig/network/ifcfg-e", suse)],
            vec![
                "WIRELESS_WPA_PSK=(",
                "WIRELESS_PIN=(",
                "ETHTOOL_OPTIONS=wol (",
            ],
            vec![],
        ),
        (
            vec![("etc/systemd/network/e.network", networkd)],
            vec!["PresharedKey=("],
            vec![],
        ),
        (
            vec![("etc/network/interfaces", debian)],
            vec![
                "eap-password (",
                "psk (",
                "`up wpa_cli (",
                "`post-up PASSWORD (",
                "`pre-up echo (",
                "`up K (",
                "`up wg (",
                "`up … && sysctl (",
                "`up … || mail (",
                "`down curl (",
            ],
            vec!["`post-down modprobe -r x`"],
        ),
        (
            vec![
                ("etc/NetworkManager/NetworkManager.conf", conf),
                (connections, profile),
            ],
            vec!["802-1x.password=(", "802-1x.pin=("],
            vec!["ipv4.other=x"],
        ),
    ] {
        let (_, warnings) = carried_of(&tree, None);
        let said = warnings.join("\n");
        assert!(!said.contains("s3cret"), "{said}");
        for key in keys.iter().map(|k| format!("{k}not shown)")) {
            assert!(said.contains(&key), "{key} in {said}");
        }
        for other in shown {
            assert!(said.contains(other), "{other} in {said}");
        }
    }
}
