// SPDX-License-Identifier: MIT OR Apache-2.0
//! systemd-networkd's `.network` and `.netdev` files.

use super::Candidate;
use crate::network::address::Cidr;
use crate::network::model::{Interface, Kind, Method, Route};
use crate::text::{ini::Ini, is_yes};
use std::collections::BTreeMap;
use std::net::IpAddr;

/// A virtual device, or none if it is of a kind that is not carried over.
pub(super) struct NetDev {
    /// Its name.
    pub name: String,
    /// Bond, bridge or VLAN (whose parent the parent's .network names).
    pub kind: Kind,
}

/// A `.netdev` file.
pub(super) fn netdev(text: &str) -> Option<NetDev> {
    let ini = Ini::parse(text);
    let kind = match ini.get("NetDev", "Kind")? {
        "bond" => Kind::Bond {
            options: bond(&ini),
        },
        "bridge" => Kind::Bridge {
            stp: ini.get("Bridge", "STP").is_some_and(is_yes),
        },
        "vlan" => Kind::Vlan {
            parent: String::new(),
            id: ini
                .get("VLAN", "Id")?
                .parse()
                .ok()
                .filter(|id| *id < 4095)?,
        },
        _ => return None,
    };
    Some(NetDev {
        name: ini.get("NetDev", "Name")?.to_owned(),
        kind,
    })
}

fn bond(ini: &Ini) -> BTreeMap<String, String> {
    let mut options = BTreeMap::new();
    for (key, value) in ini.sections("Bond").flatten() {
        let (name, value) = match key.as_str() {
            "Mode" => ("mode", value.clone()),
            "TransmitHashPolicy" => ("xmit_hash_policy", value.clone()),
            "LACPTransmitRate" => ("lacp_rate", value.clone()),
            "MIIMonitorSec" => {
                let (number, shift) = match value.strip_suffix("ms") {
                    Some(number) => (number.trim(), 0),
                    None => (value.strip_suffix('s').unwrap_or(value).trim(), 3),
                };
                let (whole, part) = number.split_once('.').unwrap_or((number, ""));
                let Ok(time) = format!("{whole}{part:0<shift$.shift$}").parse::<u32>() else {
                    continue;
                };
                ("miimon", time.to_string())
            }
            _ => continue,
        };
        options.insert(name.to_owned(), value);
    }
    options
}

/// A `.network` file, and the VLANs that it puts on the interface.
pub(super) fn network(file: &str, text: &str) -> Option<(Candidate, Vec<String>)> {
    let ini = Ini::parse(text);
    if ini.get("Link", "Unmanaged").is_some_and(is_yes) {
        return None;
    }
    let mut i = Interface {
        kind: Kind::Ethernet,
        ..Interface::default()
    };
    let macs = ini
        .all("Match", "MACAddress")
        .chain(ini.all("Match", "PermanentMACAddress"));
    i.mac = macs
        .flat_map(str::split_whitespace)
        .find_map(|m| m.parse().ok());
    let names: Vec<String> = ini
        .all("Match", "Name")
        .flat_map(str::split_whitespace)
        .map(str::to_owned)
        .collect();
    let mut patterns = Vec::new();
    match names.as_slice() {
        [name] if !name.contains(['*', '?', '[', '!']) => i.name = name.clone(),
        _ if i.mac.is_none() => patterns = names,
        _ => {}
    }
    if i.name.is_empty() && i.mac.is_none() && patterns.is_empty() {
        return None;
    }
    let network = |k: &str| ini.get("Network", k).filter(|v| !v.is_empty());
    let master = network("Bond").or(network("Bridge")).map(str::to_owned);
    i.mtu = ini.get("Link", "MTUBytes").and_then(|m| m.parse().ok());
    i.cloned_mac = ini.get("Link", "MACAddress").and_then(|m| m.parse().ok());
    i.auto = ini
        .get("Link", "ActivationPolicy")
        .is_none_or(|p| !p.contains("down") && p != "manual");
    let addresses = ini
        .all("Network", "Address")
        .chain(ini.all("Address", "Address"));
    for address in addresses.filter_map(Cidr::parse) {
        i.add_address(address);
    }
    let gateways = ini
        .all("Network", "Gateway")
        .filter_map(|g| g.parse::<IpAddr>().ok());
    for via in gateways {
        i.add_route(Route {
            to: Cidr::default_of(via.is_ipv6()),
            via: Some(via),
            metric: None,
        });
    }
    for route in ini.sections("Route") {
        let get = |k: &str| {
            route
                .iter()
                .rfind(|(key, _)| key == k)
                .map(|(_, v)| v.as_str())
        };
        let via = get("Gateway").and_then(|g| g.parse::<IpAddr>().ok());
        let metric = get("Metric").and_then(|m| m.parse().ok());
        let to = match get("Destination") {
            Some(text) => Cidr::parse(text),
            None => via.map(|v| Cidr::default_of(v.is_ipv6())),
        };
        if let Some(to) = to
            && get("Table").is_none_or(|t| t == "main")
        {
            i.add_route(Route { to, via, metric });
        }
    }
    let (dhcp4, dhcp6) = match network("DHCP").unwrap_or("no") {
        "ipv4" | "v4" => (true, false),
        "ipv6" | "v6" => (false, true),
        "both" => (true, true),
        other => (is_yes(other), is_yes(other)),
    };
    let advertised = network("IPv6AcceptRA").map(is_yes);
    i.v4.method = match i.v4.method {
        _ if dhcp4 => Method::Dhcp,
        Method::Unset => Method::Off,
        method => method,
    };
    i.v6.method = match i.v6.method {
        _ if dhcp6 && advertised == Some(false) => Method::Dhcp,
        _ if dhcp6 => Method::Auto,
        Method::Static => Method::Static,
        _ if advertised == Some(false) => Method::Off,
        _ if advertised == Some(true) => Method::Auto,
        _ => Method::Unset,
    };
    if master.is_some() {
        (i.v4, i.v6) = Default::default();
    }
    i.master = master;
    let dns = ini.all("Network", "DNS").flat_map(str::split_whitespace);
    i.dns.servers = dns
        .filter_map(|d| d.split('#').next()?.parse().ok())
        .collect();
    let domains = ini
        .all("Network", "Domains")
        .flat_map(str::split_whitespace);
    i.dns.search = domains
        .filter(|d| !d.starts_with('~'))
        .map(str::to_owned)
        .collect();
    for section in ["DHCPv4", "DHCP"] {
        i.v4.ignore_dns |= ini.get(section, "UseDNS").is_some_and(|u| !is_yes(u));
        i.v4.metric =
            i.v4.metric
                .or(ini.get(section, "RouteMetric").and_then(|m| m.parse().ok()));
    }
    let vlans = ini
        .all("Network", "VLAN")
        .flat_map(str::split_whitespace)
        .map(str::to_owned);
    let candidate = Candidate {
        source: file.to_owned(),
        interface: i,
        patterns,
        ..Candidate::default()
    };
    Some((candidate, vlans.collect()))
}
