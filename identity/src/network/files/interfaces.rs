// SPDX-License-Identifier: MIT OR Apache-2.0
//! Debian's /etc/network/interfaces (interfaces(5) of ifupdown).

use super::{Candidate, ifcfg::route};
use crate::network::address::{Cidr, prefix_length};
use crate::network::model::{Interface, Kind, Method, Route};
use crate::text::{glob, is_yes};
use std::net::IpAddr;

/// What a file says, before interfaces are made of it: stanzas for one
/// interface may be spread over several files.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Parsed {
    /// `iface` stanzas in order.
    pub stanzas: Vec<Stanza>,
    /// Names of `auto` and `allow-hotplug` lines.
    pub auto: Vec<String>,
    /// Patterns of `source` lines.
    pub sources: Vec<String>,
    /// Directories of `source-directory` lines.
    pub directories: Vec<String>,
}

/// An `iface` stanza.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Stanza {
    /// The file.
    pub source: String,
    /// The interface.
    pub name: String,
    /// inet6 rather than inet.
    pub v6: bool,
    /// static, dhcp, manual …
    pub method: String,
    /// Name and value of each line.
    pub options: Vec<(String, String)>,
}

/// Reads one file.
pub(super) fn parse(source: &str, text: &str) -> Parsed {
    let mut parsed = Parsed::default();
    let mut inside = false;
    for line in joined(text) {
        let (word, rest) = line.split_once(char::is_whitespace).unwrap_or((&line, ""));
        let rest = rest.trim();
        match word {
            "auto" => parsed
                .auto
                .extend(rest.split_whitespace().map(str::to_owned)),
            "source" => parsed.sources.push(rest.to_owned()),
            "source-directory" => parsed.directories.push(rest.to_owned()),
            "iface" | "template" => {
                let words: Vec<&str> = rest.split_whitespace().collect();
                let mut stanza = Stanza {
                    source: source.to_owned(),
                    ..Stanza::default()
                };
                stanza.name = words.first().copied().unwrap_or_default().to_owned();
                let family = words.iter().position(|w| *w == "inet" || *w == "inet6");
                stanza.v6 = family.is_some_and(|f| words.get(f) == Some(&"inet6"));
                let method = family.and_then(|f| words.get(f + 1));
                stanza.method = method.copied().unwrap_or("manual").to_owned();
                if let Some(at) = words.iter().position(|w| *w == "inherits")
                    && let Some(from) = words.get(at + 1)
                    && let Some(base) = parsed.stanzas.iter().find(|s| s.name == *from)
                {
                    stanza.options = base.options.clone();
                }
                inside = word == "iface" || !stanza.name.is_empty();
                if inside {
                    parsed.stanzas.push(stanza);
                }
                continue;
            }
            "mapping" | "rename" | "no-auto-down" | "no-scripts" => {}
            _ if word.starts_with("allow-") => {
                if word == "allow-hotplug" || word == "allow-auto" {
                    parsed
                        .auto
                        .extend(rest.split_whitespace().map(str::to_owned));
                }
            }
            _ => {
                if inside && let Some(stanza) = parsed.stanzas.last_mut() {
                    stanza.options.push((word.to_owned(), rest.to_owned()));
                }
                continue;
            }
        }
        inside = false;
    }
    parsed
}

/// Lines without comments, those that end in a backslash joined.
fn joined(text: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut open = false;
    for line in text.lines() {
        if !open && line.trim_start().starts_with('#') {
            continue;
        }
        let (part, more) = match line.strip_suffix('\\') {
            Some(part) => (part, true),
            None => (line, false),
        };
        match lines.last_mut().filter(|_| open) {
            Some(last) => last.push_str(part),
            None => lines.push(part.trim().to_owned()),
        }
        open = more;
    }
    lines.retain(|l| !l.trim().is_empty());
    lines
}

/// Interfaces of all files' stanzas together.
pub(super) fn candidates(parsed: &Parsed, warnings: &mut Vec<String>) -> Vec<Candidate> {
    let mut all: Vec<Candidate> = Vec::new();
    let mut ports: Vec<(String, String)> = Vec::new();
    for stanza in &parsed.stanzas {
        // `eth0:1` is a further address of eth0.
        let name = stanza.name.split(':').next().unwrap_or_default();
        if name == "lo" || name.is_empty() || name.starts_with('/') {
            continue;
        }
        let at = all
            .iter()
            .position(|c| c.interface.name == name)
            .unwrap_or_else(|| {
                all.push(Candidate {
                    source: stanza.source.clone(),
                    interface: Interface {
                        name: name.to_owned(),
                        auto: parsed.auto.iter().any(|a| a == name || pattern(a, name)),
                        kind: vlan_by_name(name),
                        ..Interface::default()
                    },
                    ..Candidate::default()
                });
                all.len() - 1
            });
        if let Some(candidate) = all.get_mut(at) {
            apply(stanza, &mut candidate.interface, &mut ports, warnings);
        }
    }
    for (port, master) in ports {
        match all.iter_mut().find(|c| c.interface.name == port) {
            Some(candidate) => candidate.interface.master = Some(master),
            None => all.push(Candidate {
                source: "interfaces".to_owned(),
                interface: Interface {
                    kind: vlan_by_name(&port),
                    name: port,
                    master: Some(master),
                    ..Interface::default()
                },
                ..Candidate::default()
            }),
        }
    }
    all
}

/// `/eth*` in an `auto` line is a pattern.
fn pattern(text: &str, name: &str) -> bool {
    text.strip_prefix('/')
        .is_some_and(|p| glob::matches(p, name))
}

fn vlan_by_name(name: &str) -> Kind {
    let named = name
        .rsplit_once('.')
        .and_then(|(parent, id)| Some((parent, id.parse().ok()?)));
    match named {
        Some((parent, id)) if id < 4095 && !parent.is_empty() => Kind::Vlan {
            parent: parent.to_owned(),
            id,
        },
        _ => Kind::Ethernet,
    }
}

fn apply(
    stanza: &Stanza,
    i: &mut Interface,
    ports: &mut Vec<(String, String)>,
    warnings: &mut Vec<String>,
) {
    let mut netmask = None;
    let mut addresses = Vec::new();
    for (key, value) in &stanza.options {
        let words = || value.split_whitespace();
        // bond_mode and bond-mode are the same.
        match key.replace('_', "-").as_str() {
            "address" => addresses.push(value.as_str()),
            "netmask" => netmask = prefix_length(value),
            "gateway" => {
                if let Ok(ip) = value.parse::<IpAddr>() {
                    i.family_mut(ip.is_ipv6()).gateway = Some(ip);
                }
            }
            "metric" => i.family_mut(stanza.v6).metric = value.parse().ok(),
            "mtu" => i.mtu = value.parse().ok(),
            "hwaddress" => i.cloned_mac = words().last().and_then(|m| m.parse().ok()),
            "dns-nameserver" | "dns-nameservers" => {
                i.dns
                    .servers
                    .extend(words().filter_map(|w| w.parse::<IpAddr>().ok()));
            }
            "dns-search" | "dns-domain" => i.dns.search.extend(words().map(str::to_owned)),
            "vlan-raw-device" => {
                let digits = i.name.trim_start_matches(|c: char| !c.is_ascii_digit());
                let id = match &i.kind {
                    Kind::Vlan { id, .. } => Some(*id),
                    _ => digits.parse().ok().filter(|id| *id < 4095),
                };
                if let Some(id) = id {
                    i.kind = Kind::Vlan {
                        parent: value.clone(),
                        id,
                    };
                }
            }
            "vlan-id" => {
                if let (Kind::Vlan { id, .. }, Ok(new)) = (&mut i.kind, value.parse()) {
                    *id = new;
                }
            }
            "bond-slaves" | "slaves" => {
                bond(i, None);
                let slaves = words().filter(|w| *w != "none");
                ports.extend(slaves.map(|w| (w.to_owned(), i.name.clone())));
            }
            "bond-master" => i.master = Some(value.clone()),
            "bond-primary" => {
                bond(i, Some(("primary", value)));
            }
            other if other.starts_with("bond-") && !other.starts_with("bond-give") => {
                let name = key.replace('-', "_");
                bond(i, Some((name.trim_start_matches("bond_"), value)));
            }
            "bridge-ports" => {
                if !matches!(i.kind, Kind::Bridge { .. }) {
                    i.kind = Kind::Bridge { stp: false };
                }
                let names = words().filter(|w| *w != "none" && *w != "all" && *w != "regex");
                ports.extend(names.map(|w| (w.to_owned(), i.name.clone())));
            }
            "bridge-stp" => i.kind = Kind::Bridge { stp: is_yes(value) },
            "pre-up" | "up" | "post-up" if set_link(value, i) => {}
            "up" | "post-up" => match up(value, stanza.v6) {
                Some(Added::Route(route)) => i.add_route(route),
                Some(Added::Address(address)) => i.add_address(address),
                None => warnings.push(format!(
                    "{}: `{key} {value}` of {} is not carried over; do the same on the new system",
                    stanza.source, stanza.name
                )),
            },
            "pre-up" | "down" | "pre-down" | "post-down" => warnings.push(format!(
                "{}: `{key} {value}` of {} is not carried over",
                stanza.source, stanza.name
            )),
            other if other.starts_with("wpa-") || other.starts_with("wireless-") => {
                warnings.push(format!(
                    "{}: {} is a wireless network, whose key is not carried over",
                    stanza.source, stanza.name
                ));
            }
            _ => {}
        }
    }
    for text in addresses {
        let address = match text.split_once('/') {
            Some(_) => Cidr::parse(text),
            None => text.parse::<IpAddr>().ok().and_then(|ip| {
                let class = if ip.is_ipv6() { 64 } else { 32 };
                Cidr::new(ip, netmask.unwrap_or(class))
            }),
        };
        match address {
            Some(address) if stanza.method == "static" => i.add_address(address),
            Some(_) => {}
            None => warnings.push(format!(
                "{}: `address {text}` of {} is no address and is left out",
                stanza.source, stanza.name
            )),
        }
    }
    let family = i.family_mut(stanza.v6);
    family.method = match stanza.method.as_str() {
        "dhcp" | "bootp" => Method::Dhcp,
        "auto" => Method::Auto,
        _ if !family.addresses.is_empty() => Method::Static,
        // An interface that is only brought up has no IPv4 address, but gets
        // IPv6 ones from router advertisements all the same.
        _ if stanza.v6 => family.method,
        _ if family.method == Method::Unset => Method::Off,
        _ => family.method,
    };
}

/// Makes it a bond, and sets an option.
fn bond(i: &mut Interface, option: Option<(&str, &str)>) {
    if !matches!(i.kind, Kind::Bond { .. }) {
        i.kind = Kind::Bond {
            options: Default::default(),
        };
    }
    if let (Kind::Bond { options }, Some((name, value))) = (&mut i.kind, option) {
        options.insert(name.to_owned(), value.to_owned());
    }
}

/// What replant itself writes: `ip link set dev $IFACE mtu 1400`, `… address
/// MAC`, `… up`. True if it was that.
fn set_link(command: &str, i: &mut Interface) -> bool {
    let words: Vec<&str> = command.split_whitespace().collect();
    let ["ip", "link", "set", rest @ ..] = words.as_slice() else {
        return false;
    };
    let rest = rest.strip_prefix(&["dev"]).unwrap_or(rest);
    let ["$IFACE" | "${IFACE}", rest @ ..] = rest else {
        return false;
    };
    match rest {
        ["up"] => {}
        ["mtu", mtu] => i.mtu = mtu.parse().ok(),
        ["address", mac] => i.cloned_mac = mac.parse().ok(),
        _ => return false,
    }
    true
}

enum Added {
    Route(Route),
    Address(Cidr),
}

/// What a command of an `up` line adds, if it is `ip route`, `ip addr` or
/// `route`.
fn up(command: &str, v6: bool) -> Option<Added> {
    let command = command.split(['|', ';', '&']).next()?;
    let mut words: Vec<&str> = command.split_whitespace().collect();
    let program = words.first()?.rsplit('/').next()?;
    let mut v6 = v6;
    if program == "ip" {
        words.remove(0);
        while let Some(option) = words.first().filter(|w| w.starts_with('-')) {
            v6 = match *option {
                "-6" => true,
                "-4" => false,
                _ => v6,
            };
            words.remove(0);
        }
        let [object, verb, rest @ ..] = words.as_slice() else {
            return None;
        };
        if !["add", "a", "replace", "append"].contains(verb) {
            return None;
        }
        return match *object {
            "route" | "r" | "ro" => route(&rest.join(" "), v6).map(Added::Route),
            "addr" | "address" | "a" => Cidr::parse(rest.first()?).map(Added::Address),
            _ => None,
        };
    }
    if program != "route" || !words.contains(&"add") {
        return None;
    }
    let after = |key: &str| {
        words
            .iter()
            .position(|w| *w == key)
            .and_then(|p| words.get(p + 1))
            .copied()
    };
    let to = match (after("-net"), after("-host")) {
        (Some("default"), _) => Cidr::default_of(v6),
        (Some(net), _) => match after("netmask") {
            Some(mask) => Cidr::new(net.parse().ok()?, prefix_length(mask)?)?,
            None => Cidr::parse(net).filter(|_| net.contains('/'))?,
        },
        (None, Some(host)) => Cidr::parse(host)?,
        (None, None) if words.contains(&"default") => Cidr::default_of(v6),
        _ => return None,
    };
    let via = after("gw").and_then(|g| g.parse().ok());
    Some(Added::Route(Route {
        to,
        via,
        metric: after("metric").and_then(|m| m.parse().ok()),
    }))
}
