// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the kernel tells by rtnetlink, against `ip -json` of iproute2, in a
//! network namespace of its own. Needs root and iproute2.

use identity::network::kernel::KernelNetwork;
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
use std::os::fd::AsFd;
use std::process::Command;

struct Namespace(String);

impl Namespace {
    fn new() -> Namespace {
        let name = format!("replant-{}", std::process::id());
        run(&["netns", "add", &name]);
        Namespace(name)
    }

    fn ip(&self, args: &str) -> String {
        let mut all = vec!["-n", &self.0];
        all.extend(args.split(' '));
        run(&all)
    }

    fn read(&self) -> KernelNetwork {
        let file = std::fs::File::open(format!("/run/netns/{}", self.0)).unwrap();
        let thread = std::thread::spawn(move || {
            let kind = Some(LinkNameSpaceType::Network);
            move_into_link_name_space(file.as_fd(), kind).expect("setns needs root");
            KernelNetwork::read().unwrap()
        });
        thread.join().unwrap()
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        run(&["netns", "del", &self.0]);
    }
}

fn run(args: &[&str]) -> String {
    testkit::run(Command::new("ip").args(args))
}

/// The value of a key in ip's own one-line output, after that word.
fn after<'a>(line: &'a str, word: &str) -> Option<&'a str> {
    let mut words = line.split_whitespace().skip_while(|w| *w != word);
    words.nth(1)
}

#[test]
fn the_kernel_tells_what_ip_shows() {
    testkit::needs!("root", "ip");
    let ns = Namespace::new();
    for command in [
        "link add eth0 type veth peer name eth1",
        "link add br0 type bridge stp_state 1",
        "link set eth0 address 52:54:00:aa:bb:01",
        "link set eth0 mtu 1400",
        "link set eth1 master br0",
        "link set eth0 up",
        "link set eth1 up",
        "link set br0 up",
        "addr add 192.0.2.10/24 dev eth0",
        "addr add 192.0.2.11/24 dev eth0 valid_lft 3600 preferred_lft 1800",
        "addr add 10.1.1.1 peer 10.1.1.2/32 dev br0",
        "addr add 2001:db8::10/64 dev eth0 nodad",
        "addr add 2001:db8::11/64 dev eth0 nodad valid_lft 7200 preferred_lft 7200",
        "route add default via 192.0.2.1 metric 100",
        "route add 10.0.0.0/8 via 192.0.2.2 proto static",
        "route add 172.16.0.0/12 dev br0 scope link table 77",
        "route add 198.51.100.0/24 nexthop via 192.0.2.3 nexthop via 192.0.2.4",
        "route add blackhole 203.0.113.0/24",
        "route add 10.64.0.0/10 via inet6 fe80::1 dev eth0",
        "route add 10.32.0.0/11 via 203.0.113.1 dev eth0 onlink src 192.0.2.10",
        "-6 route add default via 2001:db8::1 dev eth0",
        "-6 route add 2001:db8:9::/48 via fe80::1 dev eth0 metric 5",
    ] {
        ns.ip(command);
    }
    let network = ns.read();

    let links = ns.ip("-o link show");
    assert_eq!(links.lines().count(), network.links.len());
    for line in links.lines() {
        let name = line.split([':', '@']).nth(1).unwrap().trim();
        let link = network.named(name).unwrap_or_else(|| panic!("no {name}"));
        assert_eq!(line.split(':').next().unwrap(), link.index.to_string());
        assert_eq!(after(line, "mtu").unwrap(), link.mtu.to_string(), "{name}");
        if name != "lo" {
            let mac = link.mac.map(|m| m.to_string());
            assert_eq!(after(line, "link/ether"), mac.as_deref(), "{name}");
        }
        assert_eq!(link.ethernet, line.contains("link/ether"), "{name}");
        let master = link
            .master
            .and_then(|m| network.link(m))
            .map(|l| l.name.as_str());
        assert_eq!(after(line, "master"), master, "{name}");
        assert_eq!(link.up, line.contains("UP"), "{name}: {line}");
    }
    let kind = |name: &str| network.named(name).unwrap().kind.clone();
    assert_eq!(kind("eth0").as_deref(), Some("veth"));
    assert_eq!(kind("br0").as_deref(), Some("bridge"));
    assert!(network.named("br0").unwrap().stp);

    let shown = ns.ip("-o addr show");
    assert_eq!(shown.lines().count(), network.addresses.len(), "{shown}");
    for line in shown.lines() {
        let name = line.split_whitespace().nth(1).unwrap();
        let index = network.named(name).unwrap().index;
        let word = if line.contains(" inet6 ") {
            "inet6"
        } else {
            "inet"
        };
        let text = after(line, word).unwrap();
        // A point-to-point address is shown as "local peer remote/prefix".
        let ip = text.split('/').next().unwrap();
        let ours = network
            .addresses
            .iter()
            .find(|a| a.link == index && a.address.ip.to_string() == ip);
        let ours = ours.unwrap_or_else(|| panic!("no {line}"));
        if !line.contains(" peer ") {
            assert_eq!(ours.address.to_string(), text);
        }
        assert_eq!(
            ours.valid.is_none(),
            after(line, "valid_lft") == Some("forever"),
            "{line}"
        );
        assert_eq!(ours.permanent, ours.valid.is_none(), "{line}");
        assert_eq!(ours.global, line.contains("scope global"), "{line}");
    }
    let limited: Vec<_> = network.addresses.iter().filter_map(|a| a.valid).collect();
    assert!(
        limited.len() == 2 && limited.iter().all(|v| (3500..=7200).contains(v)),
        "{limited:?}"
    );

    for (args, v6) in [
        ("-4 -d -o route show table all type unicast", false),
        ("-6 -d -o route show table all type unicast", true),
    ] {
        let shown = ns.ip(args);
        let ours: Vec<_> = network
            .routes
            .iter()
            .filter(|r| r.to.ip.is_ipv6() == v6)
            .collect();
        assert_eq!(shown.lines().count(), ours.len(), "{shown}\n{ours:?}");
        for line in shown.lines() {
            let to = line.split_whitespace().nth(1).unwrap();
            let to = if to == "default" {
                if v6 {
                    "::/0".to_owned()
                } else {
                    "0.0.0.0/0".to_owned()
                }
            } else if to.contains('/') {
                to.to_owned()
            } else {
                format!("{to}/{}", if v6 { 128 } else { 32 })
            };
            let table = after(line, "table").unwrap_or("254");
            let table = if table == "main" { "254" } else { table };
            let metric = after(line, "metric").unwrap_or("0");
            let dev = after(line, "dev")
                .and_then(|d| network.named(d))
                .map(|l| l.index);
            let via = match after(line, "via") {
                Some("inet6") => after(line, "inet6"),
                via => via,
            };
            let found = ours.iter().any(|r| {
                r.to.to_string() == to
                    && r.table.to_string() == table
                    && r.metric.to_string() == metric
                    && r.link == dev
                    && r.on_link == line.contains(" onlink")
                    && r.via.map(|v| v.to_string()).as_deref() == via
            });
            assert!(found, "{line}\n{ours:#?}");
        }
    }
    let refused: Vec<String> = network.refused.iter().map(|r| r.to_string()).collect();
    assert_eq!(refused, ["203.0.113.0/24"]);
    let several: Vec<_> = network.routes.iter().filter(|r| r.multipath).collect();
    assert_eq!(several.len(), 1);
    assert_eq!(several[0].via.unwrap().to_string(), "192.0.2.3");
}
