// SPDX-License-Identifier: MIT OR Apache-2.0
//! Static addresses, DHCP and router advertisements, alone and together.

use super::*;
use crate::network::model::Methods;

const BOTH: [&str; 2] = ["DHCP=ipv4", "Address=203.0.113.20/24"];

/// A lease and a static address, in every dialect, and to every dialect.
#[test]
fn dhcp_and_static_addresses() {
    let kernel = live("several-methods/live");
    for old in [
        "old",
        "old-turned",
        "old-el",
        "old-el-noalias",
        "old-networkd",
    ] {
        let (network, warnings) = carried(&format!("several-methods/{old}"), Some(&kernel));
        assert_eq!(warnings, [""; 0], "{old}");
        let i = get(&network, "eth0");
        assert_eq!((i.v4.methods, i.v4.gateway), (Methods::DHCP, None), "{old}");
        assert_eq!(addresses(&network, "eth0"), ["203.0.113.20/24"], "{old}");
        let (text, _) = written(&network, "networkd", "eth0");
        has(&text, &BOTH);
        let (text, _) = written(&network, "nm", "eth0");
        has(
            &text,
            &["[ipv4]", "method=auto", "address1=203.0.113.20/24"],
        );
        let (text, _) = written(&network, "ifupdown", "eth0");
        has(
            &text,
            &[
                "iface eth0 inet dhcp",
                "iface eth0 inet static",
                "address 203.0.113.20/24",
            ],
        );
        assert_eq!(text.matches("inet dhcp").count(), 1, "{text}");
    }
    let (network, warnings) = carried("several-methods/old-networkd2", Some(&kernel));
    assert_eq!(
        warnings.len(),
        1,
        "the kernel has one of the two: {warnings:?}"
    );
    let (text, _) = written(&network, "ifupdown", "eth0");
    has(
        &text,
        &[
            "iface eth0 inet dhcp",
            "iface eth0 inet static",
            "address 203.0.113.20/24",
            "iface eth0 inet static",
            "address 203.0.113.21/24",
        ],
    );
    let (network, _) = carried_of(
        &[(
            "etc/NetworkManager/system-connections/e",
            "[connection]\nid=e\ntype=ethernet\ninterface-name=eth0\n[ipv4]\nmethod=auto\naddress1=203.0.113.20/24\nroute1=10.0.0.0/8,203.0.113.1\n",
        )],
        Some(&kernel),
    );
    let (text, _) = written(&network, "networkd", "eth0");
    has(&text, &BOTH);
    let (text, _) = written(&network, "ifupdown", "eth0");
    has(
        &text,
        &[
            "address 203.0.113.20/24",
            "up ip route replace 10.0.0.0/8 via 203.0.113.1 dev $IFACE",
        ],
    );
}

/// An address that somebody added by hand beside a lease is named.
#[test]
fn an_address_that_no_lease_explains() {
    let kernel = live("several-methods/live");
    let tree = [("etc/network/interfaces", "iface eth0 inet dhcp\n")];
    let (_, warnings) = carried_of(&tree, Some(&kernel));
    assert_eq!(warnings.len(), 1);
    assert!(warnings[0].contains("203.0.113.20/24"), "{warnings:?}");
}

#[test]
fn router_advertisements_and_static_addresses() {
    let kernel = live("static-and-automatic/live");
    for old in ["old-el", "old-debian"] {
        let (network, warnings) = carried(&format!("static-and-automatic/{old}"), Some(&kernel));
        assert_eq!(warnings, [""; 0], "{old}");
        assert_eq!(get(&network, "eno1").v6.methods, Methods::AUTO);
        let (text, _) = written(&network, "nm", "eno1");
        has(
            &text,
            &["[ipv6]", "method=auto", "address1=2001:db8:254d:300::1/56"],
        );
        let (text, _) = written(&network, "networkd", "eno1");
        has(
            &text,
            &["IPv6AcceptRA=yes", "Address=2001:db8:254d:300::1/56"],
        );
        let (text, _) = written(&network, "ifupdown", "eno1");
        has(
            &text,
            &[
                "iface eno1 inet6 auto",
                "iface eno1 inet6 static",
                "address 2001:db8:254d:300::1/56",
                "accept_ra 2",
                "autoconf 1",
            ],
        );
    }
    let (network, _) = carried("several-methods/old-v6", None);
    let i = get(&network, "eth0");
    assert_eq!((i.v4.methods, i.v6.methods), (Methods::DHCP, Methods::AUTO));
    assert_eq!(addresses(&network, "eth0"), ["2001:db8::20/64"]);
}

/// What a file leaves open is as the kernel has it; what it says is not.
#[test]
fn a_router_that_the_kernel_heeds() {
    let kernel = live("static-and-automatic/live");
    for (line, want) in [
        ("", Methods::AUTO),
        (" accept_ra 0\n", Methods::FIXED),
        (" autoconf 1\n", Methods::AUTO),
    ] {
        let text = format!("iface eno1 inet6 static\n address 2001:db8:254d:300::1/56\n{line}");
        let tree = [("etc/network/interfaces", text.as_str())];
        let (network, _) = carried_of(&tree, Some(&kernel));
        assert_eq!(get(&network, "eno1").v6.methods, want, "{line}");
    }
    let fixed = "[Match]\nName=eno1\n[Network]\nAddress=2001:db8::1/64\nIPv6AcceptRA=no\n";
    let tree = [("etc/systemd/network/e.network", fixed)];
    let (network, _) = carried_of(&tree, Some(&kernel));
    for (manager, want) in [
        ("networkd", "IPv6AcceptRA=no"),
        ("nm", "method=manual"),
        ("ifupdown", "accept_ra 0"),
    ] {
        let (text, _) = written(&network, manager, "eno1");
        has(&text, &[want]);
        assert!(!text.contains("LinkLocalAddressing=no"), "{text}");
    }
}

#[test]
fn dhcp_of_ipv6_with_and_without_router_advertisements() {
    let dir = "etc/sysconfig/network-scripts/ifcfg-e";
    for (tree, want) in [
        ((dir, "DEVICE=e\nDHCPV6C=yes\nIPV6INIT=yes\n"), "auto+dhcp"),
        ((dir, "DEVICE=e\nDHCPV6C=yes\nIPV6_AUTOCONF=no\n"), "dhcp"),
        (
            ("etc/network/interfaces", "iface e inet6 dhcp\n"),
            "auto+dhcp",
        ),
        (
            (
                "etc/network/interfaces",
                "iface e inet6 dhcp\n accept_ra 0\n",
            ),
            "dhcp",
        ),
    ] {
        let (network, _) = carried_of(&[tree], None);
        let methods = get(&network, "e").v6.methods;
        assert_eq!(String::from(methods), want, "{tree:?}");
        let (text, _) = written(&network, "networkd", "e");
        has(&text, &["DHCP=ipv6"]);
        let (nm, warnings) = written(&network, "nm", "e");
        match methods.auto {
            true => {
                has(
                    &text,
                    &["IPv6AcceptRA=yes", "[DHCPv6]", "WithoutRA=solicit"],
                );
                has(&nm, &["[ipv6]", "method=auto"]);
                assert!(warnings[0].contains("DHCPv6"), "{warnings:?}");
            }
            false => {
                has(&text, &["IPv6AcceptRA=no"]);
                has(&nm, &["[ipv6]", "method=dhcp"]);
            }
        }
    }
}

/// What earlier versions have written is read.
#[test]
fn methods_as_they_are_saved() {
    for (text, want) in [
        ("static", Methods::UNSET),
        ("unset", Methods::UNSET),
        ("off", Methods::FIXED),
        ("dhcp", Methods::DHCP),
        ("auto", Methods::AUTO),
        ("auto+dhcp", Methods::AUTO.and(Methods::DHCP)),
    ] {
        assert_eq!(Methods::try_from(text.to_owned()), Ok(want));
        if text != "static" {
            assert_eq!(String::from(want), text);
        }
    }
    assert!(Methods::try_from("pigeon".to_owned()).is_err());
}

/// An address that is made of the old system's secret is another one on the new
/// system: in each dialect, where a router advertises a network.
#[test]
fn an_address_of_a_secret() {
    let profile = "[connection]\ntype=ethernet\ninterface-name=eno1\n[ipv6]\nmethod=auto\n";
    let keyfile = |mode: &str| format!("{profile}addr-gen-mode={mode}\n");
    let conf = "[connection]\nipv6.addr-gen-mode=stable-privacy\n";
    let el = "DEVICE=eno1\nIPV6INIT=yes\nIPV6_AUTOCONF=yes\nIPV6_ADDR_GEN_MODE=";
    let plan = "network: {ethernets: {eno1: {dhcp4: true, ";
    let path = "etc/NetworkManager/system-connections/a";
    let script = "etc/sysconfig/network-scripts/ifcfg-eno1";
    let nm = "etc/NetworkManager/NetworkManager.conf";
    let yaml = "etc/netplan/a.yaml";
    let passed = "networkmanager: {passthrough: {ipv6.addr-gen-mode: '1'}}}}}\n";
    for (files, said) in [
        (
            vec![(path, keyfile("stable-privacy"))],
            "a:6: addr-gen-mode=stable-privacy",
        ),
        (vec![(path, keyfile("3"))], "a:6: addr-gen-mode=3"),
        (vec![(path, keyfile("eui64"))], ""),
        (vec![(path, keyfile("0")), (nm, conf.to_owned())], ""),
        (vec![(path, profile.to_owned())], ""),
        (
            vec![(path, profile.to_owned()), (nm, conf.to_owned())],
            "NetworkManager.conf:2: ipv6.addr-gen-mode=stable-privacy",
        ),
        (vec![(path, keyfile("1").replace("auto", "disabled"))], ""),
        (
            vec![(script, format!("{el}stable-privacy\n"))],
            "ifcfg-eno1:4: IPV6_ADDR_GEN_MODE=stable-privacy",
        ),
        (vec![(script, format!("{el}eui64\n"))], ""),
        (
            vec![(
                yaml,
                format!("{plan}ipv6-address-generation: stable-privacy}}}}}}\n"),
            )],
            "a.yaml:1: ipv6-address-generation: stable-privacy",
        ),
        (
            vec![(yaml, format!("{plan}{passed}"))],
            "a.yaml:1: ipv6.addr-gen-mode: 1",
        ),
    ] {
        let mut tree: Vec<(&str, &str)> = files.iter().map(|(p, t)| (*p, t.as_str())).collect();
        tree.push(("usr/sbin/netplan", ""));
        let advertised = live("static-and-automatic/live");
        let mut alone = advertised.clone();
        alone.routes.retain(|r| r.protocol != 9);
        for (kernel, named) in [
            (None, true),
            (Some(&advertised), true),
            (Some(&alone), false),
        ] {
            let (_, warnings) = carried_of(&tree, kernel);
            let mut own = warnings
                .iter()
                .filter(|w| w.contains("a secret of the old system"));
            let want = named && !said.is_empty();
            assert_eq!(
                own.next().is_some_and(|w| w.contains(said)),
                want,
                "{tree:?}: {warnings:?}"
            );
        }
    }
}

/// Without router advertisements there is still a link-local address, unless
/// IPv6 is off: in each dialect, and to each.
#[test]
fn a_link_local_address_alone() {
    let plan = |words: &str| format!("network: {{ethernets: {{e: {{dhcp4: true, {words}}}}}}}\n");
    let unit = |words: &str| format!("[Match]\nName=e\n[Network]\nIPv6AcceptRA=no\n{words}");
    let keyfile = |method: &str| {
        format!("[connection]\ntype=ethernet\ninterface-name=e\n[ipv6]\nmethod={method}\n")
    };
    let yaml = "etc/netplan/a.yaml";
    let network = "etc/systemd/network/e.network";
    let profile = "etc/NetworkManager/system-connections/e";
    let script = "etc/sysconfig/network-scripts/ifcfg-e";
    let debian = "etc/network/interfaces";
    for (path, text, saved) in [
        (yaml, plan("accept-ra: false"), "link-local"),
        (yaml, plan("accept-ra: false, link-local: []"), "off"),
        (yaml, plan("accept-ra: false, dhcp6: true"), "dhcp"),
        (network, unit(""), "link-local"),
        (network, unit("LinkLocalAddressing=ipv6\n"), "link-local"),
        (network, unit("LinkLocalAddressing=no\n"), "off"),
        (profile, keyfile("link-local"), "link-local"),
        (profile, keyfile("disabled"), "off"),
        (
            script,
            "DEVICE=e\nIPV6INIT=yes\nIPV6_AUTOCONF=no\n".into(),
            "link-local",
        ),
        (script, "DEVICE=e\nIPV6INIT=no\n".into(), "off"),
        (
            debian,
            "iface e inet6 manual\n accept_ra 0\n".into(),
            "link-local",
        ),
    ] {
        let (network, _) = carried_of(&[(path, text.as_str()), ("usr/sbin/netplan", "")], None);
        let methods = get(&network, "e").v6.methods;
        assert_eq!(String::from(methods), saved, "{text}");
        assert_eq!(Methods::try_from(saved.to_owned()), Ok(methods), "{text}");
        let local = saved == "link-local";
        let off = saved == "off";
        for (manager, has_local, has_off) in [
            ("networkd", "IPv6AcceptRA=no", "LinkLocalAddressing=no"),
            ("nm", "method=link-local", "method=disabled"),
            ("ifupdown", "$IFACE/accept_ra", "disable_ipv6"),
        ] {
            let (written, _) = written(&network, manager, "e");
            let v6 = written.rsplit("[ipv6]").next().unwrap();
            assert_eq!(v6.contains(has_off), off, "{manager} {text}: {v6}");
            assert!(!local || v6.contains(has_local), "{manager} {text}: {v6}");
        }
    }
}
