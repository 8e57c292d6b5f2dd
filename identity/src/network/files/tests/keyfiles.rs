// SPDX-License-Identifier: MIT OR Apache-2.0
//! NetworkManager's keyfiles.

use super::*;

pub(super) const KEYFILE: &str = "\
[connection]
id=Wired connection 1
uuid=27afa607-ee36-43f0-b8c3-9d245cdc4bb3
type=802-3-ethernet
autoconnect-priority=-5
timestamp=1500000000

[ethernet]
mac-address=00:50:56:AA:BB:03
mtu=1400

[ipv4]
method=manual
address1=192.0.2.20/24,192.0.2.1
address2=192.0.2.21/32
dns=192.0.2.53;1.1.1.1#one.one.one.one;
dns-search=example.net;
route1=10.0.0.0/8,192.0.2.2,20
route2=10.9.0.0/16
route1_options=mtu=1000
never-default=true

[ipv6]
addr-gen-mode=stable-privacy
method=disabled
";

#[test]
fn networkmanager_keyfiles() {
    let dir = "etc/NetworkManager/system-connections";
    let files = load_tree(&[
        (&format!("{dir}/wired.nmconnection"), KEYFILE),
        (
            &format!("{dir}/bond"),
            "[connection]\nid=team\nuuid=u-bond\ntype=bond\ninterface-name=bond1\n[bond]\nmode=1\nmiimon=50\n[ipv4]\nmethod=auto\n[ipv6]\nmethod=auto\n",
        ),
        (
            &format!("{dir}/port"),
            "[connection]\nid=p\nuuid=u-p\ntype=ethernet\ninterface-name=eth5\nmaster=u-bond\nslave-type=bond\n",
        ),
        (
            &format!("{dir}/vlan"),
            "[connection]\nid=v\nuuid=u-v\ntype=vlan\ninterface-name=v30\n[vlan]\nid=30\nparent=u-bond\n[ipv4]\nmethod=disabled\n",
        ),
        (&format!("{dir}/wifi"), "[connection]\nid=home\ntype=wifi\n"),
    ]);
    let wired = &files
        .candidates
        .iter()
        .find(|c| c.source.starts_with("wired"))
        .unwrap()
        .interface;
    assert_eq!(wired.mac.unwrap().to_string(), "00:50:56:aa:bb:03");
    assert_eq!(
        cidrs(&wired.v4.addresses),
        ["192.0.2.20/24", "192.0.2.21/32"]
    );
    assert_eq!(wired.v4.gateway.unwrap().to_string(), "192.0.2.1");
    assert_eq!(
        wired.v4.routes,
        [
            route("10.0.0.0/8", Some("192.0.2.2"), Some(20)),
            route("10.9.0.0/16", None, None)
        ]
    );
    assert!(wired.v4.never_default);
    assert_eq!((wired.v6.methods, wired.mtu), (Methods::FIXED, Some(1400)));
    assert_eq!(wired.dns.servers.len(), 2);
    assert_eq!(interface(&files, "eth5").master.as_deref(), Some("bond1"));
    assert_eq!(
        interface(&files, "v30").kind,
        Kind::Vlan {
            parent: "bond1".into(),
            id: 30
        }
    );
    assert!(files.warnings.iter().any(|w| w.contains("wifi")));
}
