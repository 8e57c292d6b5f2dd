// SPDX-License-Identifier: MIT OR Apache-2.0
//! What is written for a new system, judged by the programs that read it there:
//! NetworkManager, systemd-networkd and ifupdown of Debian 12 bring up what was
//! carried over of each old system of the fixtures, in namespaces of its own.

mod expected;
mod machine;
mod netplan;

use super::*;
use crate::network::model::Kind;
use crate::network::write;
use expected::Seen;
use machine::{Machine, edit, has_bonds, is_stacked, unpack};
use ondisk::manifest::Policy;
use std::sync::Mutex;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// An old system's network.
struct Case {
    name: String,
    network: Network,
}

/// What configures the network, with a file by which a new system is known to
/// have it.
const MANAGERS: [(&str, &str); 3] = [
    ("nm", "usr/sbin/NetworkManager"),
    ("networkd", "usr/lib/systemd/systemd-networkd"),
    ("ifupdown", "usr/sbin/ifup"),
];

/// The old systems of the fixtures, and some of the other tests.
fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    let list = |path: &str, begin: &str| {
        let names = std::fs::read_dir(fixture(path)).unwrap();
        let names = names.map(|e| e.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<String> = names.filter(|n| n.starts_with(begin)).collect();
        names.sort();
        names
    };
    let folders =
        ["", "../systems/"].map(|top| list(top, "").into_iter().map(move |f| format!("{top}{f}")));
    for folder in folders
        .into_iter()
        .flatten()
        .filter(|f| fixture(f).is_dir())
    {
        for old in list(&folder, "old") {
            let old = format!("{folder}/{old}");
            let mut kernels = list(&folder, "live");
            if kernels.is_empty() {
                kernels.push(String::new());
            }
            for kernel in kernels {
                let kernel = match kernel.as_str() {
                    "" => cards(&carried(&old, None).0),
                    kernel => live(&format!("{folder}/{kernel}")),
                };
                let network = carried(&old, Some(&kernel)).0;
                let name = old.clone();
                cases.push(Case { name, network });
            }
        }
    }
    for (name, tree) in [
        (
            "netplan",
            [plans::NETPLAN, ("etc/netplan/50.yaml", plans::SERVER)],
        ),
        (
            "commands",
            [("etc/hostname", ""), ("etc/network/interfaces", COMMANDS)],
        ),
    ] {
        let network = carried_of(&tree, None).0;
        let network = carried_of(&tree, Some(&cards(&network))).0;
        let name = name.to_owned();
        cases.push(Case { name, network });
    }
    cases
}

const COMMANDS: &str = "auto eth0
iface eth0 inet dhcp
iface eth0 inet static
 address 198.51.100.77/32
 gateway 10.0.0.1
 up ip route add 10.1.0.0/16 via 192.0.2.1; ip route add 10.2.0.0/16 via inet6 fe80::9
 up ip addr add 192.0.2.2/24 dev eth0 && ip route add 10.3.0.0/16 via 192.0.2.1 src 192.0.2.2
 up ip route add default via 192.0.2.1 table 7; ip rule add from 192.0.2.2 table 7 pref 9
 up ip route add blackhole 10.4.0.0/16
 up ip route add 10.5.0.0/16 dev eth0 metric 70
iface eth0 inet6 static
 address 2001:db8:0:10::100/128
 gateway 2001:db8:0:10::1
 mtu 1400
 up ip -6 route add 2001:db8:1::/48 via fe80::7
 up ip -6 rule add from 2001:db8:0:10::100 table 7
 up ip -6 route add default via fe80::8 table 7
";

/// A kernel with the network's cards, where the fixture has none.
fn cards(network: &Network) -> KernelNetwork {
    let cards = network
        .interfaces
        .iter()
        .filter(|i| i.kind == Kind::Ethernet);
    let links = cards.enumerate().map(|(n, i)| {
        let made = format!("52:54:00:00:01:{n:02x}").parse().unwrap();
        Link {
            index: u32::try_from(n).unwrap() + 2,
            name: i.name.clone(),
            ethernet: true,
            up: true,
            mtu: 1500,
            mac: Some(i.mac.unwrap_or(made)),
            ..Link::default()
        }
    });
    KernelNetwork {
        links: links.collect(),
        ..KernelNetwork::default()
    }
}

/// The files for a new system, the network as they have it, and the warnings.
fn files(case: &Case, manager: (&str, &str)) -> (TempDir, Network, Vec<String>) {
    let top = tempfile::tempdir().unwrap();
    for path in [manager.1, "etc/network/none"] {
        let path = top.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, "").unwrap();
    }
    let root = RootDir::open(top.path()).unwrap();
    let mut report = Report::default();
    let policy = Policy::default();
    write::apply(&root, &case.network, "seed", &policy, &mut report).unwrap();
    let network = write::settled(&case.network, manager.0);
    (top, network, report.warnings)
}

/// What the program made wrong of a case.
fn faults(root: &Path, case: &Case, manager: (&str, &str), stand_ins: bool) -> Vec<String> {
    let (tree, network, warnings) = files(case, manager);
    let nm = manager.0 == "nm";
    let networkd = manager.0 == "networkd";
    let stood_for = stand_ins && networkd;
    if networkd {
        for (n, i) in network.interfaces.iter().enumerate() {
            let path = format!("etc/systemd/network/05-replant-{}.network", i.name);
            edit(tree.path().join(path), |text| {
                // A veth pair has no permanent address.
                let text = text.replace("PermanentMACAddress=", "MACAddress=");
                let gone =
                    |l: &&str| stand_ins && (l.starts_with("VLAN=") || l.starts_with("Bond="));
                let lines = text.lines().filter(|l| !gone(l));
                lines.map(|l| format!("{l}\n")).collect()
            });
            if stand_ins && is_stacked(i) {
                // It is read, but what stands in is none of its kind.
                let path = format!("etc/systemd/network/05-replant-{}.netdev", i.name);
                let (own, other) = (format!("Name={}\n", i.name), format!("Name=other{n}\n"));
                edit(tree.path().join(path), |text| text.replace(&own, &other));
            }
        }
    }
    let mut machine = Machine::start(root, tree.path(), &network, stood_for);
    let start = match manager.0 {
        "nm" => {
            "chroot $root dbus-daemon --system --fork; chroot $root NetworkManager --no-daemon >$root/tmp/log 2>&1 & until chroot $root nmcli -t -f RUNNING general 2>/dev/null | grep -qx running; do sleep 0.1; done"
        }
        "networkd" => {
            "SYSTEMD_LOG_TARGET=console chroot $root /lib/systemd/systemd-networkd >$root/tmp/log 2>&1 &"
        }
        _ if stand_ins => "mount --bind $root/usr/bin/ip.without $root/usr/bin/ip",
        _ => "true",
    };
    machine.sh(start);
    let mut faults = Vec::new();
    if manager.0 == "ifupdown" {
        let said = machine.sh("chroot $root ifup --no-act -a 2>&1 || echo FAILED; chroot $root ifup -a 2>&1 || echo FAILED");
        if said.contains("FAILED") {
            faults.push(said);
        }
    }
    // A stand-in has the addresses, but NetworkManager makes its devices itself.
    let judged = |i: &&Interface| i.auto && !(nm && stand_ins && has_stacked(i, &network));
    // As long as a busy machine may take; what comes up is seen at once.
    let late = Instant::now() + Duration::from_secs(300);
    loop {
        let seen = Seen::look(&mut machine);
        let all = network.interfaces.iter().filter(judged);
        let missing: Vec<String> = all
            .flat_map(|i| seen.missing(i, &network, &warnings))
            .collect();
        if missing.is_empty() {
            break;
        }
        if Instant::now() > late {
            faults.extend(missing);
            faults.push(seen.text());
            break;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    let log = machine.sh("cat $root/tmp/log 2>/dev/null");
    faults.extend(complaints(&log));
    if nm {
        faults.extend(profiles(&mut machine, tree.path(), &network, &warnings));
    }
    if !faults.is_empty() {
        let files = machine.sh("cd $root/etc; cat systemd/network/* NetworkManager/system-connections/* network/interfaces 2>/dev/null");
        faults.push(format!("{log}\n{files}"));
    }
    faults
}

/// It or what it is a port of cannot be made on this kernel.
fn has_stacked(i: &Interface, network: &Network) -> bool {
    let below = |name: &String| {
        network
            .interfaces
            .iter()
            .any(|m| m.name == *name && is_stacked(m))
    };
    is_stacked(i) || i.master.as_ref().is_some_and(below)
}

/// What a program says of the files.
fn complaints(log: &str) -> Vec<String> {
    let ours = |l: &&str| {
        l.contains("/etc/systemd/network/") && !l.contains("Configuring with")
            || l.contains("<warn>") && l.contains("system-connections")
    };
    log.lines().filter(ours).map(str::to_owned).collect()
}

/// Which files NetworkManager has not taken, and what its profiles lack.
fn profiles(
    machine: &mut Machine,
    tree: &Path,
    network: &Network,
    warnings: &[String],
) -> Vec<String> {
    let mut faults = Vec::new();
    let taken = machine.sh("chroot $root nmcli -t -f NAME,FILENAME connection show 2>&1");
    for entry in std::fs::read_dir(tree.join("etc/NetworkManager/system-connections")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        if !taken.contains(&name) {
            faults.push(format!("{name} is not among:\n{taken}"));
        }
    }
    for i in network.interfaces.iter().filter(|i| i.master.is_none()) {
        let fields = "ipv4.addresses,ipv4.gateway,ipv4.routes,ipv6.addresses,ipv6.gateway,ipv6.routes,ipv4.dns,ipv6.dns,ipv4.dns-search,ipv6.dns-search";
        let name = &i.name;
        let ask = format!("chroot $root nmcli --escape no -g {fields} connection show {name} 2>&1");
        let said = machine.sh(&ask);
        let mut wanted = Vec::new();
        for f in i.families() {
            wanted.extend(f.addresses.iter().map(|a| a.to_string()));
            wanted.extend(f.gateway.map(|g| g.to_string()));
            wanted.extend(f.routes.iter().map(|r| r.to.to_string()));
        }
        wanted.extend(i.dns.servers.iter().map(|s| s.to_string()));
        wanted.extend(i.dns.search.iter().cloned());
        for want in wanted {
            let warned = warnings.iter().any(|w| w.contains(&want));
            if !warned && !said.contains(&want) {
                faults.push(format!("{name}: no {want} in:\n{said}"));
            }
        }
    }
    faults
}

#[test]
fn the_programs_that_read_it_bring_it_up() {
    testkit::needs!("root", "image");
    let top = tempfile::tempdir().unwrap();
    let root = &top.path().join("root");
    unpack(root);
    let stand_ins = !has_bonds();
    let cases = cases();
    let work: Vec<_> = cases
        .iter()
        .flat_map(|c| MANAGERS.map(|m| (c, m)))
        .collect();
    let (next, faulty) = (Mutex::new(work.into_iter()), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..6 {
            scope.spawn(|| {
                loop {
                    let Some((case, manager)) = next.lock().unwrap().next() else {
                        break;
                    };
                    let faults = faults(root, case, manager, stand_ins);
                    if !faults.is_empty() {
                        let name = format!("==== {} by {}", case.name, manager.0);
                        faulty
                            .lock()
                            .unwrap()
                            .push(format!("{name}\n{}", faults.join("\n")));
                    }
                }
            });
        }
    });
    let mut faulty = faulty.into_inner().unwrap();
    faulty.extend(netplan::disagreements(root));
    assert!(faulty.is_empty(), "{}", faulty.join("\n"));
}
