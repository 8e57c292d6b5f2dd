// SPDX-License-Identifier: MIT OR Apache-2.0
//! NetworkManager's keyfiles (nm-settings-keyfile(5)).

use super::{
    Candidate, OwnAddress, known, loopback::LOOPBACK, no_mac, not_carried, rule, team, unknown,
};
use crate::network::address::{Cidr, Mac};
use crate::network::bond;
use crate::network::model::{Family, Interface, Kind, Methods, Privacy, Route, RouteKind};
use crate::text::{ini::Ini, is_yes, line_of};
use std::collections::BTreeMap;
use std::net::IpAddr;

/// The UUID of a profile, by which others refer to it.
pub(super) fn uuid(text: &str) -> Option<String> {
    let ini = Ini::parse(text);
    let uuid = ini.get("connection", "uuid").filter(|u| !u.is_empty());
    uuid.map(str::to_owned)
}

/// One keyfile. None for kinds of connections that have no part in the
/// machine's identity or are not carried over (a warning).
pub(super) fn parse(file: &str, text: &str, warnings: &mut Vec<String>) -> Option<Candidate> {
    let ini = Ini::parse(text);
    let get = |s: &str, k: &str| ini.get(s, k).filter(|v| !v.is_empty());
    // NetworkManager only describes a device that others configure.
    if get(".nmmeta", "external").is_some_and(is_yes) {
        return None;
    }
    let connection = |k: &str| get("connection", k);
    let ethernet = |k: &str| get("ethernet", k).or(get("802-3-ethernet", k));
    let kind = match connection("type")? {
        "ethernet" | "802-3-ethernet" => Kind::Ethernet,
        "bond" => Kind::Bond {
            options: bonding(&ini, file, text, warnings),
        },
        "bridge" => Kind::Bridge {
            stp: get("bridge", "stp").is_none_or(is_yes),
        },
        "vlan" => Kind::Vlan {
            parent: get("vlan", "parent").unwrap_or_default().to_owned(),
            id: get("vlan", "id")?.parse().ok().filter(|id| *id < 4095)?,
        },
        "team" => {
            let name = connection("interface-name").unwrap_or_default();
            warnings.push(team::warning(file, name));
            Kind::Bond {
                options: match (get("team", "config"), get("team", "runner")) {
                    (None, Some(runner)) => team::by_runner(runner),
                    (config, _) => team::options(config.unwrap_or_default(), file, warnings),
                },
            }
        }
        // For its name servers; what else is said of it is named.
        "loopback" => Kind::Ethernet,
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
            .or(Some(LOOPBACK).filter(|_| connection("type") == Some("loopback")))
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
        privacy: get("ipv6", "ip6-privacy").and_then(Privacy::named),
        ..Interface::default()
    };
    for (section, v6) in [("ipv4", false), ("ipv6", true)] {
        let mut routes = Vec::new();
        let mut family = family(&ini, section, file, &mut routes, warnings);
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
            routes.clear();
        }
        *i.family_mut(v6) = family;
        for route in routes {
            i.add_route(route);
        }
    }
    let made_up = |m: &&str| mac(m).is_none() && !["permanent", "preserve"].contains(m);
    if let Some(value) = ethernet("cloned-mac-address").filter(made_up) {
        let why = format!("the MAC address is made up ({value})");
        warnings.push(not_carried(file, text, "cloned-mac-address", &why));
    }
    unknown::in_sections(file, text, &known::KEYFILE, warnings);
    let priority: i32 = connection("autoconnect-priority")
        .and_then(|p| p.parse().ok())
        .unwrap_or(0);
    let aliases = ["uuid", "id"]
        .iter()
        .filter_map(|k| connection(k))
        .map(str::to_owned)
        .collect();
    if let Some(value) = ethernet("mac-address").filter(|m| mac(m).is_none()) {
        warnings.push(no_mac(file, text, "mac-address", value));
        // It was for one card, and not for every one.
        if i.name.is_empty() {
            warnings.push(format!(
                "{file}: nothing else tells the card, and the profile is not carried over"
            ));
            return None;
        }
    }
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
        except: Vec::new(),
        own_address: get("ipv6", "addr-gen-mode").and_then(|mode| {
            let line = line_of(text, "addr-gen-mode");
            OwnAddress::named(mode, format!("{file}:{line}: addr-gen-mode={mode}"))
        }),
        priority: if any {
            priority.saturating_sub(1000)
        } else {
            priority
        },
        interface: i,
    })
}

fn bonding(
    ini: &Ini,
    file: &str,
    text: &str,
    warnings: &mut Vec<String>,
) -> BTreeMap<String, String> {
    let mut options = BTreeMap::new();
    let mut warn = |name: &str, why: String| warnings.push(not_carried(file, text, name, &why));
    for (name, value) in ini.sections("bond").flatten() {
        if name != "interface-name"
            && let Err(why) = bond::add(&mut options, name, value)
        {
            warn(name, why);
        }
    }
    for why in bond::settle(&mut options) {
        warn("[bond]", why);
    }
    options
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

fn family(
    ini: &Ini,
    section: &str,
    file: &str,
    routes: &mut Vec<Route>,
    warnings: &mut Vec<String>,
) -> Family {
    let get = |k: &str| ini.get(section, k).filter(|v| !v.is_empty());
    let mut family = Family {
        methods: match get("method") {
            Some("link-local") if section == "ipv6" => Methods::LOCAL,
            Some("manual" | "shared" | "disabled" | "ignore" | "link-local") => Methods::FIXED,
            Some("auto") if section == "ipv4" => Methods::DHCP,
            Some("auto") => Methods::AUTO,
            Some("dhcp") => Methods::DHCP,
            _ => Methods::UNSET,
        },
        gateway: get("gateway").and_then(|g| g.parse().ok()),
        metric: get("route-metric").and_then(|m| m.parse().ok()),
        never_default: get("never-default").is_some_and(is_yes),
        ignore_dns: get("ignore-auto-dns").is_some_and(is_yes),
        client_id: get("dhcp-client-id").map(str::to_owned),
        told_name: get("dhcp-hostname").map(str::to_owned),
        ..Family::default()
    };
    // The default table of the profile's routes.
    let own = get("route-table").filter(|t| *t != "0" && *t != "254");
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
            let mut route = Route {
                metric,
                table: own.map(str::to_owned),
                ..Route::new(to, via)
            };
            let attributes = get(&format!("{key}_options")).unwrap_or_default();
            if let Some(why) = options(attributes, &mut route) {
                warnings.push(format!(
                    "{file}: the route to {to} is not carried over: {why}"
                ));
                continue;
            }
            for lost in unknown_options(attributes) {
                warnings.push(format!(
                    "{file}: `{lost}` of the route to {to} is not carried over"
                ));
            }
            routes.push(route);
        } else if numbered(key, &["routing-rule"]) {
            match rule::parse(value, section == "ipv6") {
                Ok(rule) => family.rules.push(rule),
                Err(why) => warnings.push(format!(
                    "{file}: the routing rule `{value}` is not carried over: {why}"
                )),
            }
        }
    }
    // The default route is in that table, too, and so are routes from DHCP.
    if let Some(table) = own {
        let gateway = family.gateway.take().map(|via| Route {
            metric: family.metric.take(),
            table: Some(table.to_owned()),
            ..Route::new(Cidr::default_of(section == "ipv6"), Some(via))
        });
        routes.extend(gateway);
        if family.methods.is_dynamic() {
            warnings.push(format!(
                "{file}: that routes from outside go to the routing table {table} ({section}.route-table) is not carried over"
            ));
        }
    }
    family
}

fn pairs(attributes: &str) -> impl Iterator<Item = (&str, &str)> {
    let words = attributes.split([',', ' ']).map(str::trim);
    words.filter_map(|w| w.split_once('='))
}

/// Applies the attributes of a route. Returns the reason if there can be no such
/// route.
fn options(attributes: &str, route: &mut Route) -> Option<String> {
    for (name, value) in pairs(attributes) {
        match name {
            "onlink" => route.on_link = is_yes(value),
            "src" => route.source = value.parse().ok(),
            "table" => route.table = Some(value.to_owned()),
            "type" => match RouteKind::named(value) {
                Some(kind) => route.kind = kind,
                None => return Some(value.to_owned()),
            },
            _ => {}
        }
    }
    None
}

fn unknown_options(attributes: &str) -> impl Iterator<Item = String> {
    const KNOWN: [&str; 4] = ["onlink", "src", "table", "type"];
    let unknown = pairs(attributes).filter(|(name, _)| !KNOWN.contains(name));
    unknown.map(|(name, value)| format!("{name}={value}"))
}

fn numbered(key: &str, names: &[&str]) -> bool {
    names.contains(&key.trim_end_matches(|c: char| c.is_ascii_digit()))
}
