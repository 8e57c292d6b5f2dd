// SPDX-License-Identifier: MIT OR Apache-2.0
//! NetworkManager's keyfiles (nm-settings-keyfile(5)).

use super::Candidate;
use crate::network::address::{Cidr, Mac};
use crate::network::model::{Family, Interface, Kind, Method, Route};
use crate::text::{ini::Ini, is_yes};
use std::net::IpAddr;

/// One keyfile. None for kinds of connections that have no part in the
/// machine's identity (VPN, loopback) or are not carried over (a warning).
pub(super) fn parse(file: &str, text: &str, warnings: &mut Vec<String>) -> Option<Candidate> {
    let ini = Ini::parse(text);
    let get = |s: &str, k: &str| ini.get(s, k).filter(|v| !v.is_empty());
    let connection = |k: &str| get("connection", k);
    let ethernet = |k: &str| get("ethernet", k).or(get("802-3-ethernet", k));
    let kind = match connection("type")? {
        "ethernet" | "802-3-ethernet" => Kind::Ethernet,
        "bond" => Kind::Bond {
            options: ini
                .sections("bond")
                .flatten()
                .filter(|(k, _)| k != "interface-name")
                .cloned()
                .collect(),
        },
        "bridge" => Kind::Bridge {
            stp: get("bridge", "stp").is_none_or(is_yes),
        },
        "vlan" => Kind::Vlan {
            parent: get("vlan", "parent").unwrap_or_default().to_owned(),
            id: get("vlan", "id")?.parse().ok().filter(|id| *id < 4095)?,
        },
        "loopback" => return None,
        other => {
            warnings.push(format!(
                "{file}: a connection of type {other} is not carried over"
            ));
            return None;
        }
    };
    let mut i = Interface {
        // Older versions keep the name in the section of the type.
        name: ["connection", "bond", "bridge", "vlan"]
            .iter()
            .find_map(|s| get(s, "interface-name"))
            .unwrap_or_default()
            .to_owned(),
        mac: ethernet("mac-address").and_then(mac),
        cloned_mac: ethernet("cloned-mac-address").and_then(mac),
        master: connection("controller")
            .or(connection("master"))
            .map(str::to_owned),
        auto: connection("autoconnect").is_none_or(is_yes),
        mtu: ethernet("mtu")
            .and_then(|m| m.parse().ok())
            .filter(|m| *m != 0),
        kind,
        ..Interface::default()
    };
    for (section, v6) in [("ipv4", false), ("ipv6", true)] {
        let mut family = family(&ini, section);
        for key in ["dns", "dns-search"] {
            for item in list(ini.get(section, key)) {
                // `1.1.1.1#name` asks for DNS over TLS.
                let address = item.split('#').next().unwrap_or_default();
                match address.parse::<IpAddr>() {
                    Ok(ip) if key == "dns" => i.dns.servers.push(ip),
                    _ if key == "dns-search" => i.dns.search.push(item.to_owned()),
                    _ => {}
                }
            }
        }
        let shared = matches!(ini.get(section, "method"), Some("shared"));
        if shared {
            warnings.push(format!(
                "{file}: {section}.method=shared becomes a static address"
            ));
        }
        if i.master.is_some() {
            // A port's own addresses are not used.
            family = Family::default();
        }
        *i.family_mut(v6) = family;
    }
    let priority: i32 = connection("autoconnect-priority")
        .and_then(|p| p.parse().ok())
        .unwrap_or(0);
    let aliases = ["uuid", "id"]
        .iter()
        .filter_map(|k| connection(k))
        .map(str::to_owned)
        .collect();
    // A profile without a name or MAC address fits every network card.
    let any = i.kind == Kind::Ethernet && i.name.is_empty() && i.mac.is_none();
    Some(Candidate {
        source: file.to_owned(),
        patterns: if any {
            vec!["*".to_owned()]
        } else {
            Vec::new()
        },
        aliases,
        priority: if any {
            priority.saturating_sub(1000)
        } else {
            priority
        },
        interface: i,
    })
}

fn mac(text: &str) -> Option<Mac> {
    // "permanent", "random" and the like are no addresses. Before 1.0 the
    // octets were decimal numbers.
    text.parse().ok().or_else(|| {
        let octets: Vec<u8> = list(Some(text))
            .map(|n| n.parse().ok())
            .collect::<Option<_>>()?;
        Some(Mac(octets.try_into().ok()?))
    })
}

fn list(text: Option<&str>) -> impl Iterator<Item = &str> {
    text.unwrap_or_default()
        .split([';', ','])
        .map(str::trim)
        .filter(|t| !t.is_empty())
}

fn family(ini: &Ini, section: &str) -> Family {
    let get = |k: &str| ini.get(section, k).filter(|v| !v.is_empty());
    let mut family = Family {
        method: match get("method") {
            Some("manual" | "shared") => Method::Static,
            Some("auto") if section == "ipv4" => Method::Dhcp,
            Some("auto") => Method::Auto,
            Some("dhcp") => Method::Dhcp,
            Some("disabled" | "ignore" | "link-local") => Method::Off,
            _ => Method::Unset,
        },
        gateway: get("gateway").and_then(|g| g.parse().ok()),
        metric: get("route-metric").and_then(|m| m.parse().ok()),
        never_default: get("never-default").is_some_and(is_yes),
        ignore_dns: get("ignore-auto-dns").is_some_and(is_yes),
        ..Family::default()
    };
    for (key, value) in ini.sections(section).flatten() {
        // address, addresses, address1…: "ip/prefix[,gateway]", several with ;
        if numbered(key, &["address", "addresses"]) {
            for one in value.split(';').filter(|v| !v.trim().is_empty()) {
                let mut parts = one.split(',').map(str::trim);
                family.addresses.extend(parts.next().and_then(Cidr::parse));
                let gateway = parts.next().and_then(|g| g.parse::<IpAddr>().ok());
                family.gateway = family.gateway.or(gateway.filter(|g| !g.is_unspecified()));
            }
        } else if numbered(key, &["route", "routes"]) {
            let mut parts = value.split(',').map(str::trim);
            let Some(to) = parts.next().and_then(Cidr::parse) else {
                continue;
            };
            let via = parts.next().and_then(|v| v.parse::<IpAddr>().ok());
            let metric = parts.next().and_then(|m| m.parse().ok());
            let via = via.filter(|v| !v.is_unspecified());
            family.routes.push(Route { to, via, metric });
        }
    }
    family
}

fn numbered(key: &str, names: &[&str]) -> bool {
    names.contains(&key.trim_end_matches(|c: char| c.is_ascii_digit()))
}
