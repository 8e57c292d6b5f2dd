// SPDX-License-Identifier: MIT OR Apache-2.0
//! Debian's /etc/network/interfaces (interfaces(5) of ifupdown).
//!
//! Interfaces are identified by name here; `.link` files give them their names.
//! Bonds, bridges and VLANs are made with `ip`, because the packages that would
//! otherwise make them (ifenslave, bridge-utils, vlan) may be missing.

use super::{File, Interface, Network};
use crate::error::Result;
use crate::network::address::Cidr;
use crate::network::model::{Dns, Family, Kind, Route, Rule};
use crate::report::Report;
use crate::text::HEADER;
use rootdir::RootDir;

/// The file that is written.
pub(super) const INTERFACES: &str = "etc/network/interfaces";

/// Renders the file.
pub(super) fn render(network: &Network) -> Vec<File> {
    let mut out = String::from(HEADER);
    out.push_str("source /etc/network/interfaces.d/*\n\nauto lo\niface lo inet loopback\n");
    for i in &network.interfaces {
        out.push('\n');
        stanzas(i, network, &mut out);
    }
    vec![File {
        path: INTERFACES.to_owned(),
        text: out,
        mode: 0o644,
    }]
}

fn stanzas(i: &Interface, network: &Network, out: &mut String) {
    let name = &i.name;
    if i.master.is_some() {
        // The master's stanza adds the port. Its own stanza creates it, if it is
        // virtual.
        if i.kind != Kind::Ethernet {
            out.push_str(&format!("auto {name}\n"));
        }
        out.push_str(&format!("iface {name} inet manual\n"));
        make(i, network, out);
        hardware(i, out);
        return;
    }
    if i.auto {
        out.push_str(&format!("auto {name}\n"));
    }
    let mut dns = network.dns.clone();
    dns.join(&i.dns);
    let gateway = i.families().iter().any(|f| f.gateway.is_some());
    let dns = if gateway || !i.dns.is_empty() {
        dns
    } else {
        Dns::default()
    };
    let mut first = true;
    for (family, word) in i.families().into_iter().zip(["inet", "inet6"]) {
        let v6 = word == "inet6";
        // The DHCPv6 method accepts router advertisements, too.
        let dynamic = match family.methods {
            m if m.dhcp => Some("dhcp"),
            m if m.auto && v6 => Some("auto"),
            _ => None,
        };
        let fixed = family.addresses.iter().map(|a| ("static", Some(a)));
        let mut methods: Vec<_> = dynamic
            .map(|m| (m, None))
            .into_iter()
            .chain(fixed)
            .collect();
        // IPv6 needs no stanza to come up.
        let routed =
            family.gateway.is_some() || !family.routes.is_empty() || !family.rules.is_empty();
        if methods.is_empty() && (!v6 || routed) {
            methods.push(("manual", None));
        }
        // `gateway` is for a next hop of the stanza's own family.
        let plain = family.gateway.filter(|g| g.is_ipv6() == v6);
        let plain = plain.filter(|_| !family.addresses.is_empty());
        let last = methods.len().saturating_sub(1);
        for (n, (method, address)) in methods.into_iter().enumerate() {
            out.push_str(&format!("iface {name} {word} {method}\n"));
            if first {
                make(i, network, out);
                hardware(i, out);
                if method == "manual" {
                    out.push_str("    up ip link set dev $IFACE up\n");
                }
            }
            if let Some(address) = address {
                out.push_str(&format!("    address {address}\n"));
            }
            if v6 {
                advertisements(family, method, out);
                let privacy = i.privacy.filter(|_| method != "dhcp" && method != "manual");
                out.extend(privacy.map(|p| format!("    privext {}\n", p.number())));
            }
            // Only some DHCP clients support them; `check` warns of it.
            if method == "dhcp" {
                let name = family.told_name.as_ref();
                out.extend(name.map(|n| format!("    hostname {n}\n")));
                let id = family.client_id.as_ref();
                let id = id.filter(|id| !["mac", "duid", "duid-only"].contains(&id.as_str()));
                out.extend(id.map(|id| format!("    client {id}\n")));
            }
            if n == 0
                && let Some(metric) = family.metric
            {
                out.push_str(&format!("    metric {metric}\n"));
            }
            if let Some(gateway) = plain.filter(|_| n == usize::from(dynamic.is_some())) {
                out.push_str(&format!("    gateway {gateway}\n"));
            }
            if first {
                names(&dns, out);
            }
            // When all addresses are there.
            if n == last {
                routes(i, v6, plain.is_none(), out);
            }
            first = false;
        }
    }
    if i.v6.is_off() {
        out.push_str("    pre-up echo 1 >/proc/sys/net/ipv6/conf/$IFACE/disable_ipv6 || true\n");
    } else if i.v6.is_local() {
        out.push_str("    pre-up echo 0 >/proc/sys/net/ipv6/conf/$IFACE/accept_ra || true\n");
    }
}

/// Writes whether an IPv6 stanza accepts router advertisements. A static one does
/// not if it has a gateway, and without them gets no automatic addresses.
fn advertisements(family: &Family, method: &str, out: &mut String) {
    let auto = family.methods.auto;
    match method {
        "static" if auto => out.push_str("    accept_ra 2\n    autoconf 1\n"),
        "static" | "dhcp" if family.methods.said && !auto => out.push_str("    accept_ra 0\n"),
        _ => {}
    }
}

/// Writes the routes; the default route only if no other line has it.
fn routes(i: &Interface, v6: bool, with_default: bool, out: &mut String) {
    let family = if v6 { &i.v6 } else { &i.v4 };
    let default = family
        .gateway
        .filter(|_| with_default)
        .map(|gateway| Route {
            metric: family.metric,
            ..Route::new(Cidr::default_of(v6), Some(gateway))
        });
    for route in default.iter().chain(&family.routes) {
        out.push_str(&format!("    up {}\n", command(i, route)));
    }
    for one in &family.rules {
        out.push_str(&format!("    up {}\n", rule(one, v6)));
    }
}

/// Name servers, for resolvconf; without it /etc/resolv.conf is written, too.
fn names(dns: &Dns, out: &mut String) {
    if !dns.servers.is_empty() {
        let servers: Vec<String> = dns.servers.iter().map(|s| s.to_string()).collect();
        out.push_str(&format!("    dns-nameservers {}\n", servers.join(" ")));
    }
    if !dns.search.is_empty() {
        out.push_str(&format!("    dns-search {}\n", dns.search.join(" ")));
    }
}

fn command(i: &Interface, route: &Route) -> String {
    let v6 = route.to.ip.is_ipv6();
    let kind = match route.kind.is_plain() {
        true => String::new(),
        false => format!("{} ", route.kind.name()),
    };
    let mut words = vec![format!("ip route replace {kind}{}", route.to)];
    words.extend(route.via.map(|via| match via.is_ipv6() == v6 {
        true => format!("via {via}"),
        false => format!("via inet6 {via}"),
    }));
    // A blackhole route has no interface.
    if route.kind.is_plain() {
        words.push("dev $IFACE".to_owned());
    }
    words.extend(route.metric.map(|m| format!("metric {m}")));
    words.extend(route.source.map(|s| format!("src {s}")));
    if route
        .via
        .is_some_and(|via| route.on_link || i.is_off_link(via))
    {
        words.push("onlink".to_owned());
    }
    words.extend(route.table.as_ref().map(|t| format!("table {t}")));
    words.join(" ")
}

/// The command that adds a rule; an existing rule is no failure.
fn rule(rule: &Rule, v6: bool) -> String {
    let program = if v6 { "ip -6" } else { "ip" };
    format!("{program} rule add {} || true", rule.words())
}

fn hardware(i: &Interface, out: &mut String) {
    if let Some(mac) = i.cloned_mac {
        out.push_str(&format!(
            "    pre-up ip link set dev $IFACE address {mac}\n"
        ));
    }
    if let Some(mtu) = i.mtu {
        out.push_str(&format!("    pre-up ip link set dev $IFACE mtu {mtu}\n"));
    }
}

/// Commands that make a virtual interface.
fn make(i: &Interface, network: &Network, out: &mut String) {
    let mut add = |link: &str, kind: String| {
        out.push_str(&format!(
            "    pre-up ip link show dev $IFACE >/dev/null 2>&1 || ip link add {link}name $IFACE type {kind}\n"
        ));
    };
    let ports = network
        .interfaces
        .iter()
        .filter(|p| p.master.as_ref() == Some(&i.name));
    match &i.kind {
        Kind::Ethernet => {}
        Kind::Bond { options } => {
            let mut kind = String::from("bond");
            // The mode is set first, because others depend on it. Options that
            // name a port are set after the ports were added.
            let port = |name: &str| ["primary", "active_slave"].contains(&name);
            let mut sorted: Vec<_> = options.iter().filter(|(n, _)| !port(n)).collect();
            sorted.sort_by_key(|(n, _)| *n != "mode");
            for (name, value) in sorted {
                let name = match name.as_str() {
                    "peer_notif_delay" => "peer_notify_delay",
                    name => name,
                };
                kind.push_str(&format!(" {name} {value}"));
            }
            add("", kind);
            for port in ports {
                // Only a port that is down can be taken in.
                out.push_str(&format!("    pre-up ip link set dev {} down\n", port.name));
                out.push_str(&format!(
                    "    pre-up ip link set dev {} master $IFACE\n",
                    port.name
                ));
                out.push_str(&format!("    pre-up ip link set dev {} up\n", port.name));
            }
            for (option, port) in options.iter().filter(|(n, _)| port(n)) {
                out.push_str(&format!(
                    "    pre-up ip link set dev $IFACE type bond {option} {port}\n"
                ));
            }
        }
        Kind::Bridge { stp } => {
            // No forwarding delay without spanning tree, as with the old tools.
            let delay = if *stp { "" } else { " forward_delay 0" };
            add("", format!("bridge stp_state {}{delay}", u8::from(*stp)));
            for port in ports {
                out.push_str(&format!(
                    "    pre-up ip link set dev {} master $IFACE\n",
                    port.name
                ));
                out.push_str(&format!("    pre-up ip link set dev {} up\n", port.name));
            }
        }
        Kind::Vlan { parent, id } => {
            add(&format!("link {parent} "), format!("vlan id {id}"));
            out.push_str(&format!("    pre-up ip link set dev {parent} up\n"));
        }
    }
}

/// Warns of programs that the configuration needs and the new system lacks.
pub(super) fn check(root: &RootDir, network: &Network, report: &mut Report) -> Result<()> {
    let dhcp = |i: &Interface| i.families().iter().any(|f| f.methods.dhcp);
    for i in network.interfaces.iter().filter(|i| i.v4.methods.dhcp) {
        let id = i.v4.client_id.as_deref().filter(|id| *id != "mac");
        let name = i.v4.told_name.as_deref();
        for (what, value) in [("client identifier", id), ("name", name)] {
            if let Some(value) = value {
                report.warn(format!(
                    "{}: the old system told the DHCP server the {what} {value}; not every DHCP client of ifupdown does, and the machine may get another address",
                    i.name
                ));
            }
        }
    }
    if !network.interfaces.iter().any(dhcp) {
        return Ok(());
    }
    for client in ["dhclient", "dhcpcd", "udhcpc", "pump"] {
        for dir in ["sbin", "usr/sbin"] {
            if root.present(&format!("{dir}/{client}"))? {
                return Ok(());
            }
        }
    }
    report.warn("the new system's ifupdown has no DHCP client (isc-dhcp-client, dhcpcd, udhcpc), but the old machine had its address by DHCP: put one into the package");
    Ok(())
}
