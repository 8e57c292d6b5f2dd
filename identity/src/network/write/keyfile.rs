// SPDX-License-Identifier: MIT OR Apache-2.0
//! NetworkManager's keyfiles (nm-settings-keyfile(5)). Network cards are found
//! by MAC address, so that it does not matter what the new system calls them.

use super::{File, Interface, Network};
use crate::network::address::Cidr;
use crate::network::bond;
use crate::network::model::{Kind, Route, Rule};
use crate::report::Report;
use crate::text::HEADER;
use ondisk::sha256::Sha256Sum;
use std::net::IpAddr;

/// One file per interface. `seed` makes the UUIDs this machine's own.
pub(super) fn render(network: &Network, seed: &str, old: bool, report: &mut Report) -> Vec<File> {
    let mut files = Vec::new();
    let network = &place_rules(network);
    for i in &network.interfaces {
        files.push(File {
            path: format!(
                "etc/NetworkManager/system-connections/replant-{}.nmconnection",
                i.name
            ),
            text: text(i, network, seed, old, report),
            // NetworkManager ignores files that others can read.
            mode: 0o600,
        });
    }
    files
}

/// A UUID of version 8 that is the same for the same machine and interface.
fn uuid(seed: &str, name: &str) -> String {
    let sum = Sha256Sum::of(format!("replant\0{seed}\0{name}").as_bytes());
    let mut bytes = [0; 16];
    for (byte, from) in bytes.iter_mut().zip(sum.0) {
        *byte = from;
    }
    for (at, keep, set) in [(6, 0x0f, 0x80), (8, 0x3f, 0x80)] {
        if let Some(byte) = bytes.get_mut(at) {
            *byte = *byte & keep | set;
        }
    }
    ondisk::uuid::text(&bytes)
}

fn text(i: &Interface, network: &Network, seed: &str, old: bool, report: &mut Report) -> String {
    let mut out = String::from(HEADER);
    let mut put = |line: String| {
        out.push_str(&line);
        out.push('\n');
    };
    let kind = match &i.kind {
        Kind::Ethernet => "ethernet",
        Kind::Bond { .. } => "bond",
        Kind::Bridge { .. } => "bridge",
        Kind::Vlan { .. } => "vlan",
    };
    put("[connection]".into());
    put(format!("id={}", i.name));
    put(format!("uuid={}", uuid(seed, &i.name)));
    put(format!("type={kind}"));
    if i.mac.is_none() {
        put(format!("interface-name={}", i.name));
    }
    if !i.auto {
        put("autoconnect=false".into());
    }
    let master = i
        .master
        .as_ref()
        .and_then(|m| network.interfaces.iter().find(|x| x.name == *m));
    if let Some(master) = master {
        put(format!("master={}", uuid(seed, &master.name)));
        let bridge = matches!(master.kind, Kind::Bridge { .. });
        put(format!(
            "slave-type={}",
            if bridge { "bridge" } else { "bond" }
        ));
    }
    if i.mac.is_some() || i.cloned_mac.is_some() || i.mtu.is_some() {
        put("\n[ethernet]".into());
        if let Some(mac) = i.mac {
            put(format!("mac-address={mac}"));
        }
        if let Some(mac) = i.cloned_mac {
            put(format!("cloned-mac-address={mac}"));
        }
        if let Some(mtu) = i.mtu {
            put(format!("mtu={mtu}"));
        }
    }
    match &i.kind {
        Kind::Ethernet => {}
        Kind::Bond { options } => {
            put("\n[bond]".into());
            // NetworkManager knows only ARP targets.
            let pings = options.contains_key("arp_ip_target");
            for (name, value) in options {
                // One unknown option makes it refuse the whole file.
                let known = bond::find(name).is_some_and(|c| c.keyfile);
                if known && (name != "arp_interval" || pings) {
                    put(format!("{name}={value}"));
                } else {
                    report.warn(format!(
                        "{}: NetworkManager cannot set the bonding option {name}={value}; it is not carried over",
                        i.name
                    ));
                }
            }
        }
        Kind::Bridge { stp } => put(format!("\n[bridge]\nstp={stp}")),
        Kind::Vlan { parent, id } => {
            let known = network.interfaces.iter().any(|x| x.name == *parent);
            let parent = if known {
                uuid(seed, parent)
            } else {
                parent.clone()
            };
            put(format!("\n[vlan]\nid={id}\nparent={parent}"));
        }
    }
    if master.is_none() {
        out.push_str(&family(i, false, old, report));
        out.push_str(&family(i, true, old, report));
    }
    out
}

/// The rule in NetworkManager's form, which needs a network and a table in each.
fn rule_words(rule: &Rule, v6: bool) -> String {
    let mut rule = rule.clone();
    if rule.from.is_none() && rule.to.is_none() {
        rule.from = Some(Cidr::default_of(v6));
    }
    rule.words()
}

/// Gives rules without a priority the one that the kernel would choose: before
/// the existing rules.
fn place_rules(network: &Network) -> Network {
    let mut network = network.clone();
    let mut next = [32765u32; 2];
    for i in &mut network.interfaces {
        for (family, next) in [&mut i.v4, &mut i.v6].into_iter().zip(&mut next) {
            for rule in family.rules.iter_mut().filter(|r| r.priority.is_none()) {
                rule.priority = Some(*next);
                *next = next.saturating_sub(1);
            }
        }
    }
    network
}

fn family(i: &Interface, v6: bool, old: bool, report: &mut Report) -> String {
    let (f, dns) = (if v6 { &i.v6 } else { &i.v4 }, &i.dns);
    let mut out = format!("\n[{}]\n", if v6 { "ipv6" } else { "ipv4" });
    let mut put = |line: String| {
        out.push_str(&line);
        out.push('\n');
    };
    let fixed = !f.addresses.is_empty();
    let method = match f.methods {
        m if m.auto => "auto",
        m if m.dhcp && v6 => "dhcp",
        m if m.dhcp => "auto",
        _ if fixed => "manual",
        m if v6 && m.local => "link-local",
        m if v6 && !m.said => "auto",
        _ if v6 && old => "ignore",
        _ => "disabled",
    };
    if f.methods.auto && f.methods.dhcp {
        report.warn(format!(
            "{}: NetworkManager asks for DHCPv6 only where router advertisements say so; the old system asked in any case",
            i.name
        ));
    }
    put(format!("method={method}"));
    // A next hop of the other family makes it refuse the whole file, which would
    // leave the interface without an address.
    let fits = |hop: &IpAddr| hop.is_ipv6() == v6;
    let other = f.gateway.filter(|g| !fits(g)).into_iter();
    let other = other.map(|g| Route::new(Cidr::default_of(v6), Some(g)));
    let refused = |r: &Route| r.via.is_some_and(|hop| !fits(&hop));
    for route in other.chain(f.routes.iter().filter(|r| refused(r)).cloned()) {
        let hop = route.via.map(|v| v.to_string()).unwrap_or_default();
        report.warn(format!(
            "{}: NetworkManager has no route to {} by the IPv6 next hop {hop}: it is not carried over, and the new system has no such route until somebody sets it",
            i.name, route.to
        ));
    }
    let gateway = f.gateway.filter(fits);
    for (n, address) in f.addresses.iter().enumerate() {
        match gateway.filter(|_| n == 0) {
            Some(gateway) => put(format!("address1={address},{gateway}")),
            None => put(format!("address{}={address}", n + 1)),
        }
    }
    if let Some(metric) = f.metric {
        put(format!("route-metric={metric}"));
    }
    if f.never_default {
        put("never-default=true".into());
    }
    // The gateway is written together with an address.
    let alone = gateway.filter(|_| f.addresses.is_empty());
    let alone = alone.map(|g| Route {
        metric: f.metric,
        ..Route::new(Cidr::default_of(v6), Some(g))
    });
    let routes = alone.iter().chain(f.routes.iter().filter(|r| !refused(r)));
    // A family that is off refuses routes.
    let off = method == "disabled" || method == "ignore";
    for (n, route) in routes.enumerate() {
        if off {
            report.warn(format!(
                "{}: the route to {} is not carried over, for the interface has no address of its family",
                i.name, route.to
            ));
            continue;
        }
        let none = if v6 { "::" } else { "0.0.0.0" };
        let via = match (route.via, route.metric) {
            (Some(via), _) => format!(",{via}"),
            (None, Some(_)) => format!(",{none}"),
            (None, None) => String::new(),
        };
        let metric = route.metric.map(|m| format!(",{m}")).unwrap_or_default();
        put(format!("route{}={}{via}{metric}", n + 1, route.to));
        let mut options = Vec::new();
        if route
            .via
            .is_some_and(|via| route.on_link || i.is_off_link(via))
        {
            options.push("onlink=true".to_owned());
        }
        options.extend(route.table.as_ref().map(|t| format!("table={t}")));
        if !route.kind.is_plain() {
            options.push(format!("type={}", route.kind.name()));
        }
        options.extend(route.source.map(|s| format!("src={s}")));
        if !options.is_empty() {
            put(format!("route{}_options={}", n + 1, options.join(",")));
        }
    }
    let servers: String = dns
        .servers
        .iter()
        .filter(|s| s.is_ipv6() == v6)
        .map(|s| format!("{s};"))
        .collect();
    for (n, rule) in f.rules.iter().enumerate() {
        if off {
            report.warn(format!(
                "{}: a routing rule to the table {} is not carried over, for the interface has no address of its family",
                i.name,
                rule.table.as_deref().unwrap_or("main")
            ));
            continue;
        }
        put(format!("routing-rule{}={}", n + 1, rule_words(rule, v6)));
    }
    // Nor does it take name servers, and nor does one with a link-local address
    // alone.
    if !off && method != "link-local" {
        if f.methods.dhcp {
            if let Some(id) = f.client_id.as_ref().filter(|_| !v6) {
                let id = if id == "duid-only" { "duid" } else { id };
                put(format!("dhcp-client-id={id}"));
            }
            if let Some(name) = &f.told_name {
                put(format!("dhcp-hostname={name}"));
            }
        }
        if let Some(privacy) = i.privacy.filter(|_| v6) {
            put(format!("ip6-privacy={}", privacy.number()));
        }
        if !servers.is_empty() {
            put(format!("dns={servers}"));
        }
        if !dns.search.is_empty() {
            put(format!("dns-search={};", dns.search.join(";")));
        }
        if f.ignore_dns {
            put("ignore-auto-dns=true".into());
        }
    }
    out
}
