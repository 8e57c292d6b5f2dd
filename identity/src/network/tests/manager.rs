// SPDX-License-Identifier: MIT OR Apache-2.0
//! NetworkManager.conf: where profiles lie, which count, and their defaults.

use super::*;

const ETC: &str = "etc/NetworkManager/system-connections";
const RUN: &str = "run/NetworkManager/system-connections";
const LIB: &str = "usr/lib/NetworkManager/system-connections";
const CONF: &str = "etc/NetworkManager/NetworkManager.conf";
const CONF_D: &str = "etc/NetworkManager/conf.d";
const ENABLED: &str = "etc/systemd/system/multi-user.target.wants/NetworkManager.service";

fn profile(name: &str, uuid: &str, rest: &str) -> String {
    let name = match name {
        "" => String::new(),
        name => format!("interface-name={name}\n"),
    };
    format!("[connection]\ntype=ethernet\nuuid={uuid}\n{name}{rest}")
}

fn carried_tree(tree: &[(&str, String)], kernel: Option<&KernelNetwork>) -> (Network, Vec<String>) {
    let tree: Vec<(&str, &str)> = tree.iter().map(|(p, t)| (*p, t.as_str())).collect();
    carried_of(&tree, kernel)
}

/// Of one UUID the profile in /run counts, then the one in /etc; a name without
/// a suffix counts in /etc only.
#[test]
fn profiles_shadow_each_other() {
    let manual = |ip: &str| format!("[ipv4]\nmethod=manual\naddress1={ip}/24\n");
    let (network, warnings) = carried_tree(
        &[
            (&format!("{RUN}/a.nmconnection"), profile("a", "1", &manual("192.0.2.1"))),
            (&format!("{ETC}/a"), profile("a", "1", &(manual("192.0.2.2") + "dns-options=x\n"))),
            (&format!("{LIB}/a.nmconnection"), profile("a", "1", &manual("192.0.2.3"))),
            (&format!("{ETC}/b"), profile("b", "2", &manual("192.0.2.4"))),
            (&format!("{LIB}/b.nmconnection"), profile("b", "2", &manual("192.0.2.5"))),
            (&format!("{LIB}/c"), profile("c", "3", &manual("192.0.2.6"))),
            (&format!("{LIB}/d.nmconnection"), profile("d", "4", &manual("192.0.2.7"))),
            (
                &format!("{RUN}/docker0.nmconnection"),
                "[connection]\ntype=bridge\nuuid=5\ninterface-name=docker0\n[.nmmeta]\nexternal=true\n".into(),
            ),
        ],
        None,
    );
    assert_eq!(warnings, [""; 0]);
    let all = network.interfaces.iter();
    let all: Vec<String> = all
        .map(|i| format!("{} {}", i.name, i.v4.addresses[0]))
        .collect();
    assert_eq!(all, ["a 192.0.2.1/24", "b 192.0.2.4/24", "d 192.0.2.7/24"]);
}

/// A link to /dev/null takes a profile away.
#[test]
fn a_profile_that_is_taken_away() {
    let top = tempfile::tempdir().unwrap();
    let root = RootDir::open(top.path()).unwrap();
    for path in [format!("{LIB}/d.nmconnection"), format!("{ETC}/x")] {
        let text = profile(path.rsplit('/').next().unwrap(), "4", "");
        root.write(&path, text.as_bytes(), rootdir::Attributes::root(0o600))
            .unwrap();
    }
    let count = || files::load(&root).unwrap().candidates.len();
    assert_eq!(count(), 1);
    root.symlink(&format!("{RUN}/4.nmmeta"), "/dev/null")
        .unwrap();
    assert_eq!(count(), 0);
}

#[test]
fn a_directory_of_its_own_and_defaults() {
    let (network, warnings) = carried_tree(
        &[
            (
                "usr/lib/NetworkManager/conf.d/10-x.conf",
                "[keyfile]\npath=/nowhere\n[connection]\nipv4.dhcp-client-id=duid\n".into(),
            ),
            // The same name takes the one above away.
            (&format!("{CONF_D}/10-x.conf"), "[connection]\nipv6.ip6-privacy=2\nipv4.route-metric=70\nethernet.cloned-mac-address=stable\nwifi.powersave=2\n".into()),
            (CONF, "[keyfile]\npath=/srv/nm\n".into()),
            (&format!("{CONF_D}/20.conf"), "[connection-b]\nmatch-device=interface-name:b\nipv4.route-metric=9\n".into()),
            ("srv/nm/a", profile("a", "1", "[ethernet]\ncloned-mac-address=random\n[ipv4]\nmethod=auto\n[ipv6]\nip6-privacy=0\nmethod=auto\n")),
            ("srv/nm/b", profile("b", "2", "[ipv4]\nmethod=auto\nroute-metric=5\n")),
            (&format!("{ETC}/c"), profile("c", "3", "")),
        ],
        None,
    );
    let all: Vec<_> = network
        .interfaces
        .iter()
        .map(|i| {
            (
                i.name.as_str(),
                i.privacy,
                i.v4.metric,
                i.v4.client_id.clone(),
            )
        })
        .collect();
    use crate::network::model::Privacy;
    assert_eq!(
        all,
        [
            ("a", Some(Privacy::Off), Some(70), None),
            ("b", Some(Privacy::Temporary), Some(5), None)
        ]
    );
    assert_eq!(
        warnings,
        [
            format!(
                "{CONF_D}/20.conf:3: ipv4.route-metric=9 of [connection-b] for interface-name:b is not carried over"
            ),
            "a:6: the MAC address is made up (random); it is not carried over".into(),
            format!("{CONF_D}/10-x.conf:4: ethernet.cloned-mac-address=stable is not carried over"),
        ]
    );
}

#[test]
fn devices_that_are_left_alone() {
    let kernel = live("kernel-routes/live");
    let any = profile("", "1", "[ipv4]\nmethod=auto\n");
    let own = profile("eth0", "2", "[ipv4]\nmethod=auto\n");
    let (_, warnings) = carried_tree(
        &[
            (
                CONF,
                "[keyfile]\nunmanaged-devices=interface-name:eth*;except:interface-name:eth7\n"
                    .into(),
            ),
            (&format!("{ETC}/any"), any.clone()),
            (&format!("{ETC}/own"), own.clone()),
            (&format!("{ETC}/seven"), profile("eth7", "7", "")),
        ],
        Some(&kernel),
    );
    let said = warnings.join("\n");
    assert!(
        said.contains(&format!(
            "own: NetworkManager leaves its device alone ({CONF}:2)"
        )),
        "{said}"
    );
    assert!(
        said.contains("eth0: no configuration file names it"),
        "{said}"
    );
    assert!(said.contains("seven: there is no interface eth7"), "{said}");
    // By MAC address, by a section, and not at all.
    for (conf, named) in [
        ("[keyfile]\nunmanaged-devices=mac:52:54:00:00:00:01\n", true),
        (
            "[device]\nmatch-device=interface-name:eth0\nmanaged=0\n",
            true,
        ),
        // The order of keys means nothing.
        (
            "[device]\nmanaged=0\nmatch-device=interface-name:eth0\n",
            true,
        ),
        (
            "[device-b]\nmanaged=0\nmatch-device=interface-name:eth7\n",
            false,
        ),
        (
            "[device]\nmanaged=0\n[main]\n[device]\nmatch-device=interface-name:eth7\n",
            false,
        ),
        (
            "[keyfile]\nunmanaged-devices=*\nunmanaged-devices-=*\n",
            false,
        ),
        (
            "[keyfile]\nunmanaged-devices=*,except:type:ethernet\n",
            false,
        ),
    ] {
        let mac = own.clone() + "[ethernet]\nmac-address=52:54:00:00:00:01\n";
        let (_, warnings) =
            carried_tree(&[(CONF, conf.into()), (&format!("{ETC}/own"), mac)], None);
        assert_eq!(!warnings.is_empty(), named, "{conf}: {warnings:?}");
    }
    // Debian's plugin for /etc/network/interfaces.
    for managed in [false, true] {
        let tree = [
            (
                CONF,
                format!("[main]\nplugins=ifupdown,keyfile\n[ifupdown]\nmanaged={managed}\n"),
            ),
            (
                &*format!("{ETC}/any"),
                any.clone() + "autoconnect-priority=2000\n",
            ),
            ("etc/network/interfaces", "iface eth0 inet manual\n".into()),
        ];
        let (network, _) = carried_tree(&tree, Some(&kernel));
        assert_eq!(get(&network, "eth0").v4.methods.dhcp, managed);
    }
}

/// What is for some devices is no default of all, wherever the file says which.
#[test]
fn sections_for_some_devices() {
    let own = profile("eth0", "1", "[ipv4]\nmethod=auto\n");
    for conf in [
        "[connection]\nmatch-device=interface-name:eth7\nipv4.route-metric=9\n",
        "[connection]\nipv4.route-metric=9\nmatch-device=interface-name:eth7\n",
        "[connection-b]\nipv4.route-metric=9\nmatch-device=interface-name:eth7\n",
    ] {
        let tree = [
            (CONF, conf.to_owned()),
            (&*format!("{ETC}/own"), own.clone()),
        ];
        let (network, warnings) = carried_tree(&tree, None);
        assert_eq!(get(&network, "eth0").v4.metric, None, "{conf}");
        let said = warnings.join("\n");
        assert!(said.contains(" for interface-name:eth7 is"), "{said}");
    }
}

/// ifcfg files count only for those who read them.
#[test]
fn files_of_a_plugin_that_is_not_used() {
    let script = (
        "etc/sysconfig/network-scripts/ifcfg-e",
        "DEVICE=e\nIPADDR=192.0.2.1\n".to_owned(),
    );
    let conf = |plugins: &str| (CONF, format!("[main]\nplugins={plugins}\n"));
    let enabled = (ENABLED, String::new());
    for (tree, counts) in [
        (
            vec![script.clone(), conf("keyfile"), enabled.clone()],
            false,
        ),
        (
            vec![script.clone(), conf("keyfile,ifcfg-rh"), enabled.clone()],
            true,
        ),
        (vec![script.clone(), conf("keyfile")], true),
        (vec![script.clone(), enabled.clone()], true),
        (
            vec![
                script.clone(),
                conf("keyfile"),
                enabled.clone(),
                ("etc/rc.d/rc3.d/S10network", String::new()),
            ],
            true,
        ),
    ] {
        let (network, warnings) = carried_tree(&tree, None);
        assert_eq!(network.interfaces.len(), usize::from(counts), "{tree:?}");
        assert_eq!(warnings.len(), usize::from(!counts), "{warnings:?}");
    }
}

/// Where NetworkManager leaves /etc/resolv.conf alone, that is what counts, and
/// so it is with servers for everything.
#[test]
fn name_servers_by_its_configuration() {
    let dhcp = profile("e", "1", "[ipv4]\nmethod=auto\ndns=192.0.2.9;\n");
    let resolv = ("etc/resolv.conf", "nameserver 192.0.2.53\n".to_owned());
    for (conf, want, ignored) in [
        ("[main]\ndns=none\n", vec!["192.0.2.53"], true),
        ("[main]\nrc-manager=unmanaged\n", vec!["192.0.2.53"], true),
        // In whatever order.
        (
            "[main]\nrc-manager=unmanaged\ndns=default\n",
            vec!["192.0.2.53"],
            true,
        ),
        (
            "[main]\nrc-manager=unmanaged\n[main]\nrc-manager=file\n",
            vec!["192.0.2.9"],
            false,
        ),
        ("[main]\ndns=default\n", vec!["192.0.2.9"], false),
        (
            "[global-dns]\nsearches=a.example\n[global-dns-domain-*]\nservers=192.0.2.7,192.0.2.8\n",
            vec!["192.0.2.7", "192.0.2.8"],
            true,
        ),
    ] {
        let tree = [
            (CONF, conf.to_owned()),
            (&*format!("{ETC}/e"), dhcp.clone()),
            resolv.clone(),
        ];
        let (network, warnings) = carried_tree(&tree, None);
        assert_eq!(warnings, [""; 0], "{conf}");
        let mut dns = network.dns.clone();
        dns.join(&get(&network, "e").dns);
        let servers: Vec<String> = dns.servers.iter().map(|s| s.to_string()).collect();
        assert_eq!(servers, want, "{conf}");
        assert_eq!(get(&network, "e").v4.ignore_dns, ignored, "{conf}");
    }
}
