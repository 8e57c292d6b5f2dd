// SPDX-License-Identifier: MIT OR Apache-2.0
//! One stanza, read into its interface.

use super::commands::commands;
use super::syntax::Stanza;
use crate::network::address::{Cidr, prefix_length};
use crate::network::bond;
use crate::network::files::command::{Added, Command};
use crate::network::files::{given_mac, value_of};
use crate::network::model::{Interface, Kind, Methods, Privacy, Route};
use crate::text::{is_yes, secret};
use std::collections::BTreeMap;
use std::net::IpAddr;

/// Settings in stanzas that concern other interfaces.
#[derive(Default)]
pub(super) struct Elsewhere {
    /// Ports and their masters.
    pub ports: Vec<(String, String)>,
    /// The stanza's interface, the route, and where it is written.
    pub routes: Vec<(usize, Command, String)>,
    /// Further addresses of interfaces that a command names, in the same way.
    pub addresses: Vec<(usize, String, Cidr, String)>,
}

pub(super) fn apply(
    stanza: &Stanza,
    at: usize,
    i: &mut Interface,
    elsewhere: &mut Elsewhere,
    warnings: &mut Vec<String>,
) {
    let mut netmask = None;
    let mut addresses = Vec::new();
    let mut peer = None;
    // Addresses added by commands come after the stanza's own address.
    let mut further = Vec::new();
    let mut rules = Vec::new();
    let mut gateway = None;
    // Whether router advertisements are accepted, if a line says so.
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
            "metric" | "mtu" => {
                let number = value_of(Some(value.as_str()), warnings, |value| {
                    format!(
                        "{}: `{key} {value}` of {} is no number and is left out",
                        origin(),
                        stanza.name
                    )
                });
                match key.as_str() {
                    "mtu" => i.mtu = number,
                    _ => i.family_mut(stanza.v6).metric = number,
                }
            }
            // It may have the word `ether` before it.
            "hwaddress" => {
                i.cloned_mac = given_mac(words().last(), warnings, |_| {
                    format!(
                        "{}: `{key} {value}` of {} is no MAC address and is left out",
                        origin(),
                        stanza.name
                    )
                });
            }
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
            "hostname" => i.family_mut(stanza.v6).told_name = Some(value.clone()),
            "client" | "clientid" => i.family_mut(stanza.v6).client_id = Some(value.clone()),
            "privext" => i.privacy = Privacy::named(value),
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
                    Added::Rule(v6, rule) => rules.push((v6, rule)),
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
                "{}: `{key} {}` of {} is not carried over",
                origin(),
                secret::command(value),
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
                "{}: `{key} {}` of {} is not understood and is not carried over",
                origin(),
                secret::shown("", key, value),
                stanza.name
            )),
        }
    }
    for text in addresses {
        match own_address(text, netmask) {
            Some(address) if stanza.method == "static" => add_own(i, address, peer),
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
    for (v6, rule) in rules {
        i.family_mut(v6).rules.push(rule);
    }
    if let Some(gateway) = gateway {
        i.family_mut(gateway.is_ipv6()).gateway = Some(gateway);
    }
    let family = i.family_mut(stanza.v6);
    family.methods = family.methods.and(methods(stanza, advertised));
}

/// An address with the width that its own line or the netmask says.
fn own_address(text: &str, netmask: Option<u8>) -> Option<Cidr> {
    if text.contains('/') {
        return Cidr::parse(text);
    }
    let ip: IpAddr = text.parse().ok()?;
    Cidr::new(ip, netmask.unwrap_or(if ip.is_ipv6() { 64 } else { 32 }))
}

/// Adds an address. For a point-to-point address (with a peer) it is a single
/// host's, and a route leads to the peer.
fn add_own(i: &mut Interface, address: Cidr, peer: Option<IpAddr>) {
    let Some(peer) = peer else {
        return i.add_address(address);
    };
    let width = if peer.is_ipv6() { 128 } else { 32 };
    if let (Some(own), Some(peer)) = (Cidr::new(address.ip, width), Cidr::new(peer, width)) {
        i.add_address(own);
        i.add_route(Route::new(peer, None));
    }
}

/// The address methods, from the stanza's method and from whether router
/// advertisements are accepted.
fn methods(stanza: &Stanza, advertised: Option<bool>) -> Methods {
    match (stanza.method.as_str(), advertised) {
        ("dhcp" | "bootp", _) if !stanza.v6 => Methods::DHCP,
        _ if !stanza.v6 => Methods::FIXED,
        ("dhcp", Some(false)) => Methods::DHCP,
        // The default route comes by router advertisements in any case.
        ("dhcp", _) => Methods::DHCP.and(Methods::AUTO),
        ("auto", _) | (_, Some(true)) => Methods::AUTO,
        ("static", Some(false)) => Methods::FIXED,
        (_, Some(false)) => Methods::LOCAL,
        // The kernel heeds them unless it is told otherwise.
        (_, None) => Methods::UNSET,
    }
}

/// Options that repeat a default or another option: waiting times of the old
/// tools, and values that ifupdown computes itself.
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

/// Makes the interface a bond, and returns its options.
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
