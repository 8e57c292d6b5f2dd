// SPDX-License-Identifier: MIT OR Apache-2.0
//! Debian's /etc/network/interfaces (interfaces(5) of ifupdown).

use super::command::{self, Added, Command, When};
use super::{Candidate, place};
use crate::network::address::{Cidr, Mac, prefix_length};
use crate::network::bond;
use crate::network::model::{Interface, Kind, Methods, Route};
use crate::text::{glob, is_yes};
use std::collections::BTreeMap;
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
    /// Number, name and value of each line.
    pub options: Vec<(usize, String, String)>,
}

impl Stanza {
    /// The file with the line, for warnings.
    fn at(&self, line: usize) -> String {
        format!("{}:{line}", self.source)
    }
}

/// What stanzas say of other interfaces than their own.
#[derive(Default)]
struct Elsewhere {
    /// Ports and their masters.
    ports: Vec<(String, String)>,
    /// The stanza's interface, the route, and where it is written.
    routes: Vec<(usize, Command, String)>,
    /// The same with further addresses of interfaces that are named.
    addresses: Vec<(usize, String, Cidr, String)>,
}

/// Reads one file.
pub(super) fn parse(source: &str, text: &str) -> Parsed {
    let mut parsed = Parsed::default();
    let mut inside = false;
    for (number, line) in joined(text) {
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
                    let line = (number, word.to_owned(), rest.to_owned());
                    stanza.options.push(line);
                }
                continue;
            }
        }
        inside = false;
    }
    parsed
}

/// Lines without comments and their numbers, those that end in a backslash
/// joined.
fn joined(text: &str) -> Vec<(usize, String)> {
    let mut lines: Vec<(usize, String)> = Vec::new();
    let mut open = false;
    for (at, line) in text.lines().enumerate() {
        if !open && line.trim_start().starts_with('#') {
            continue;
        }
        let (part, more) = match line.strip_suffix('\\') {
            Some(part) => (part, true),
            None => (line, false),
        };
        match lines.last_mut().filter(|_| open) {
            Some((_, last)) => last.push_str(part),
            None => lines.push((at + 1, part.trim().to_owned())),
        }
        open = more;
    }
    lines.retain(|(_, l)| !l.trim().is_empty());
    lines
}

/// Interfaces of all files' stanzas together.
pub(super) fn candidates(parsed: &Parsed, warnings: &mut Vec<String>) -> Vec<Candidate> {
    let mut all: Vec<Candidate> = Vec::new();
    let mut elsewhere = Elsewhere::default();
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
            apply(
                stanza,
                at,
                &mut candidate.interface,
                &mut elsewhere,
                warnings,
            );
        }
    }
    for (own, name, address, origin) in elsewhere.addresses {
        match place::find(&all, Some(own), &name).and_then(|at| all.get_mut(at)) {
            Some(candidate) => candidate.interface.add_address(address),
            None => warnings.push(format!(
                "{origin}: {address} is for {name}, which no file configures; it is not carried over"
            )),
        }
    }
    for (own, command, origin) in elsewhere.routes {
        place::place(&mut all, Some(own), command, &origin, warnings);
    }
    for candidate in &mut all {
        if let Kind::Bond { options } = &mut candidate.interface.kind {
            let left_out = bond::settle(options);
            warnings.extend(left_out.into_iter().map(|line| {
                format!(
                    "{}: {}: {line}; it is not carried over",
                    candidate.source, candidate.interface.name
                )
            }));
        }
    }
    for (port, master) in elsewhere.ports {
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
    at: usize,
    i: &mut Interface,
    elsewhere: &mut Elsewhere,
    warnings: &mut Vec<String>,
) {
    let mut netmask = None;
    let mut addresses = Vec::new();
    let mut peer = None;
    // What is added once the interface is up comes after its own address.
    let mut further = Vec::new();
    let mut gateway = None;
    // Whether router advertisements are heeded.
    let mut advertised = None;
    for (line, key, value) in &stanza.options {
        let origin = || stanza.at(*line);
        let words = || value.split_whitespace();
        // bond_mode and bond-mode are the same.
        match key.replace('_', "-").as_str() {
            "address" => addresses.push(value.as_str()),
            "netmask" => netmask = prefix_length(value),
            "gateway" => {
                // `none` of some tools' templates.
                if let Ok(ip) = value.parse::<IpAddr>() {
                    gateway = Some(ip);
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
                bond(i);
                let slaves = words().filter(|w| *w != "none");
                elsewhere
                    .ports
                    .extend(slaves.map(|w| (w.to_owned(), i.name.clone())));
            }
            "bond-master" => i.master = Some(value.clone()),
            // Of several the first one that is a port of the bond.
            "bond-primary" => {
                if let (Some(options), Some(first)) = (bond(i), words().next()) {
                    options.insert("primary".to_owned(), first.to_owned());
                }
            }
            "bond-give-a-chance" | "bond-create" => {}
            other if other.starts_with("bond-") => {
                let name = other.trim_start_matches("bond-").replace('-', "_");
                if let Some(options) = bond(i)
                    && let Err(why) = bond::add(options, &name, value)
                {
                    warnings.push(format!("{}: {why}; it is not carried over", origin()));
                }
            }
            "accept-ra" => advertised = Some(value != "0"),
            "autoconf" if stanza.v6 && value == "1" => advertised = Some(true),
            // Of `inet6 auto`: what router advertisements say is asked for.
            "autoconf" | "dhcp" if stanza.v6 => {}
            "pointopoint" => match value.parse::<IpAddr>() {
                Ok(ip) => peer = Some(ip),
                Err(_) => warnings.push(format!(
                    "{}: `{key} {value}` of {} is no address and is left out",
                    origin(),
                    stanza.name
                )),
            },
            "bridge-ports" => {
                if !matches!(i.kind, Kind::Bridge { .. }) {
                    i.kind = Kind::Bridge { stp: false };
                }
                let names = words().filter(|w| *w != "none" && *w != "all" && *w != "regex");
                elsewhere
                    .ports
                    .extend(names.map(|w| (w.to_owned(), i.name.clone())));
            }
            "bridge-stp" => i.kind = Kind::Bridge { stp: is_yes(value) },
            "pre-up" | "up" | "post-up" => {
                for lost in commands(stanza, value, i, |added| match added {
                    Added::Route(command) => elsewhere.routes.push((at, command, origin())),
                    Added::Address(None, address) => further.push(address),
                    Added::Address(Some(name), address) => {
                        let own = name.split(':').next() == stanza.name.split(':').next();
                        if own || name == "$IFACE" || name == "${IFACE}" {
                            further.push(address);
                        } else {
                            elsewhere.addresses.push((at, name, address, origin()));
                        }
                    }
                    Added::Peer(name, address, peer) => {
                        let width = if peer.ip.is_ipv6() { 128 } else { 32 };
                        further.extend(Cidr::new(address.ip, width));
                        let command = Command {
                            device: name,
                            route: Route::new(peer, None),
                            lost: Vec::new(),
                        };
                        elsewhere.routes.push((at, command, origin()));
                    }
                    Added::Nothing => {}
                }) {
                    warnings.push(format!(
                        "{}: `{key} {lost}` of {} is not carried over; do the same on the new system",
                        origin(),
                        stanza.name
                    ));
                }
            }
            "down" | "pre-down" | "post-down" => warnings.push(format!(
                "{}: `{key} {value}` of {} is not carried over",
                origin(),
                stanza.name
            )),
            other if other.starts_with("wpa-") || other.starts_with("wireless-") => {
                warnings.push(format!(
                    "{}: {} is a wireless network, whose key is not carried over",
                    stanza.source, stanza.name
                ));
            }
            other if WITHOUT_EFFECT.contains(&other) => {}
            _ => warnings.push(format!(
                "{}: `{key} {value}` of {} is not understood and is not carried over",
                origin(),
                stanza.name
            )),
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
            Some(address) if stanza.method == "static" => match peer {
                Some(peer) => {
                    let width = if peer.is_ipv6() { 128 } else { 32 };
                    if let (Some(own), Some(peer)) =
                        (Cidr::new(address.ip, width), Cidr::new(peer, width))
                    {
                        i.add_address(own);
                        i.add_route(Route::new(peer, None));
                    }
                }
                None => i.add_address(address),
            },
            Some(_) => {}
            None => warnings.push(format!(
                "{}: `address {text}` of {} is no address and is left out",
                stanza.source, stanza.name
            )),
        }
    }
    for address in further {
        i.add_address(address);
    }
    if let Some(gateway) = gateway {
        i.family_mut(gateway.is_ipv6()).gateway = Some(gateway);
    }
    let family = i.family_mut(stanza.v6);
    let methods = match (stanza.method.as_str(), advertised) {
        ("dhcp" | "bootp", _) if !stanza.v6 => Methods::DHCP,
        _ if !stanza.v6 => Methods::FIXED,
        ("dhcp", Some(false)) => Methods::DHCP,
        // The default route comes by router advertisements in any case.
        ("dhcp", _) => Methods::DHCP.and(Methods::AUTO),
        ("auto", _) | (_, Some(true)) => Methods::AUTO,
        (_, Some(false)) => Methods::FIXED,
        // The kernel heeds them unless it is told otherwise.
        (_, None) => Methods::UNSET,
    };
    family.methods = family.methods.and(methods);
}

/// Lines that say what is so anyway, or what others say better: waiting times
/// of the old tools, and words that ifupdown computes itself.
const WITHOUT_EFFECT: [&str; 13] = [
    "broadcast",
    "network",
    "label",
    "scope",
    "description",
    "bridge-fd",
    "bridge-maxwait",
    "bridge-waitport",
    "bridge-hello",
    "bridge-maxage",
    "dad-attempts",
    "dad-interval",
    "dns-sortlist",
];

/// Every command of a line: what it adds goes to `take`, what is not understood
/// comes back.
fn commands(
    stanza: &Stanza,
    line: &str,
    i: &mut Interface,
    mut take: impl FnMut(Added),
) -> Vec<String> {
    let Some(list) = command::list(line) else {
        return vec![line.to_owned()];
    };
    let mut lost = Vec::new();
    let mut understood = true;
    for (when, text) in list {
        let text = text.trim();
        if when == When::Failed {
            if !command::is_harmless(text) {
                lost.push(format!("… || {text}"));
            }
            continue;
        }
        // What depends on a command that is not understood may never run.
        if when == When::Worked && !understood {
            lost.push(format!("… && {text}"));
            continue;
        }
        understood = command::is_harmless(text) || set_link(text, i);
        if understood {
            continue;
        }
        match command::added(text, stanza.v6) {
            Ok(added) => {
                understood = true;
                take(added);
            }
            Err(why) if why.is_empty() => lost.push(text.to_owned()),
            Err(why) => lost.push(format!("{text} ({why})")),
        }
    }
    lost
}

/// Makes it a bond.
fn bond(i: &mut Interface) -> Option<&mut BTreeMap<String, String>> {
    if !matches!(i.kind, Kind::Bond { .. }) {
        i.kind = Kind::Bond {
            options: BTreeMap::new(),
        };
    }
    match &mut i.kind {
        Kind::Bond { options } => Some(options),
        _ => None,
    }
}

/// What replant itself writes: `ip link set dev $IFACE mtu 1400`, `… address
/// MAC`, `… up`. True if it was that.
fn set_link(command: &str, i: &mut Interface) -> bool {
    let words: Vec<&str> = command.split_whitespace().collect();
    let [program, "link" | "l", "set", rest @ ..] = words.as_slice() else {
        return false;
    };
    let rest = rest.strip_prefix(&["dev"]).unwrap_or(rest);
    let Some((name, rest)) = rest.split_first() else {
        return false;
    };
    let own = ["$IFACE", "${IFACE}", i.name.as_str()].contains(name);
    if !own || program.rsplit('/').next() != Some("ip") {
        return false;
    }
    match rest {
        ["up"] => {}
        ["mtu", mtu] if mtu.parse::<u32>().is_ok() => i.mtu = mtu.parse().ok(),
        ["address", mac] if mac.parse::<Mac>().is_ok() => i.cloned_mac = mac.parse().ok(),
        _ => return false,
    }
    true
}
