// SPDX-License-Identifier: MIT OR Apache-2.0
//! systemd-networkd's `.network` and `.netdev` files.

use super::{Candidate, given_mac, no_mac, not_carried, sections, value_of};
use crate::network::address::{Cidr, Mac};
use crate::network::bond::{self, Value};
use crate::network::model::{Interface, Kind, Methods, Privacy, Route};
use crate::text::{ini::Ini, is_yes, line_in};
use std::collections::BTreeMap;
use std::net::IpAddr;

/// A virtual device of a `.netdev` file.
pub(super) struct NetDev {
    pub name: String,
    /// Bond, bridge or VLAN (whose parent the parent's .network names).
    pub kind: Kind,
    /// The MAC address that it gets.
    pub mac: Option<Mac>,
    /// Its MTU in bytes.
    pub mtu: Option<u32>,
}

/// A `.netdev` file.
pub(super) fn netdev(file: &str, text: &str, warnings: &mut Vec<String>) -> Option<NetDev> {
    let ini = Ini::parse(text);
    let kind = match ini.get("NetDev", "Kind")? {
        "bond" => Kind::Bond {
            options: bonding(&ini, file, text, warnings),
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
    let name = ini.get("NetDev", "Name")?.to_owned();
    let (mac, mtu) = hardware(&ini, "NetDev", file, text, warnings);
    Some(NetDev {
        name,
        kind,
        mac,
        mtu,
    })
}

/// The MAC address and the MTU that a section gives.
fn hardware(
    ini: &Ini,
    section: &str,
    file: &str,
    text: &str,
    warnings: &mut Vec<String>,
) -> (Option<Mac>, Option<u32>) {
    let mac = given_mac(ini.get(section, "MACAddress"), warnings, |value| {
        let value = format!("MACAddress={value} of [{section}] is no MAC address");
        wrong(file, text, section, "MACAddress", &value)
    });
    let mtu = value_of(ini.get(section, "MTUBytes"), warnings, |value| {
        let value = format!("MTUBytes={value} of [{section}] is no number");
        wrong(file, text, section, "MTUBytes", &value)
    });
    (mac, mtu)
}

/// The warning about the value of a key in a section.
fn wrong(file: &str, text: &str, section: &str, key: &str, why: &str) -> String {
    let line = line_in(text, section, key);
    format!("{file}:{line}: {why}; it is not carried over")
}

fn bonding(
    ini: &Ini,
    file: &str,
    text: &str,
    warnings: &mut Vec<String>,
) -> BTreeMap<String, String> {
    let mut options = BTreeMap::new();
    let mut warn = |key: &str, why: String| warnings.push(not_carried(file, text, key, &why));
    for (key, value) in ini.sections("Bond").flatten() {
        let mut names = bond::CHOICES.iter();
        let Some(choice) = names.find(|c| c.networkd == Some(key.as_str())) else {
            warn(key, format!("{key}={value} of a bond is not known"));
            continue;
        };
        let value = match choice.value {
            Value::Milliseconds => milliseconds(value).map(|t| t.to_string()),
            Value::Seconds => milliseconds(value).map(|t| (t / 1000).to_string()),
            _ => Some(value.clone()),
        };
        let added = value.map(|value| bond::add(&mut options, choice.name, &value));
        match added {
            Some(Ok(())) => {}
            Some(Err(why)) => warn(key, why),
            None => warn(key, format!("{key} of a bond is no time")),
        }
    }
    for why in bond::settle(&mut options) {
        warn("Mode", why);
    }
    options
}

/// Parses a time span with one unit; without one it is in seconds.
fn milliseconds(text: &str) -> Option<u32> {
    let text = text.trim();
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic() || c == ' ');
    let shift = match text.get(digits.len()..).map(str::trim)? {
        "ms" | "msec" => 0,
        "" | "s" | "sec" | "second" | "seconds" => 3,
        _ => return None,
    };
    let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
    format!("{whole}{part:0<shift$.shift$}").parse().ok()
}

/// The contents of a `.network` file.
pub(super) struct Unit {
    pub candidate: Candidate,
    /// The VLANs on it.
    pub vlans: Vec<String>,
    /// It is its bond's `primary` port.
    pub primary: bool,
    /// It is its bond's `active_slave`.
    pub active: bool,
}

/// What `Name=` of `[Match]` says.
struct Names {
    /// Names and patterns of which one has to fit.
    plain: Vec<String>,
    /// Those that must not fit; alone they mean everything else.
    except: Vec<String>,
}

impl Names {
    fn of(ini: &Ini) -> Names {
        let (mut plain, mut except) = (Vec::new(), Vec::new());
        for value in ini.all("Match", "Name") {
            // At the beginning it is for all words of the line.
            let (list, value) = match value.strip_prefix('!') {
                Some(value) => (&mut except, value),
                None => (&mut plain, value),
            };
            list.extend(value.split_whitespace().map(str::to_owned));
        }
        Names { plain, except }
    }
}

/// Whether `[Match]`, which names none, says no more than that it is a network
/// card, or none of some names.
fn is_every_card(ini: &Ini) -> bool {
    let mut cards = ini.all("Match", "Name").any(|name| name.starts_with('!'));
    for (key, value) in ini.sections("Match").flatten() {
        let has = |list: &str| list.split_whitespace().any(|word| word == "ether");
        match (key.as_str(), value.strip_prefix('!')) {
            ("Type", Some(others)) => cards = !has(others),
            ("Type", None) => cards = has(value),
            // None that is made in software.
            ("Kind", Some("*")) | ("Name", _) => {}
            _ if value.is_empty() => {}
            _ => return false,
        }
    }
    cards
}

/// A `.network` file.
pub(super) fn network(file: &str, text: &str, warnings: &mut Vec<String>) -> Option<Unit> {
    let ini = Ini::parse(text);
    if ini.get("Link", "Unmanaged").is_some_and(is_yes) {
        return None;
    }
    let mut i = Interface {
        kind: Kind::Ethernet,
        ..Interface::default()
    };
    for key in ["MACAddress", "PermanentMACAddress"] {
        let words = ini.all("Match", key).flat_map(str::split_whitespace);
        for word in words {
            match word.parse() {
                Ok(mac) => i.mac = i.mac.or(Some(mac)),
                Err(_) => warnings.push(no_mac(file, text, key, word)),
            }
        }
    }
    let Names { plain, except } = Names::of(&ini);
    let mut patterns = Vec::new();
    match plain.as_slice() {
        [name] if !name.contains(['*', '?', '[']) => i.name = name.clone(),
        _ if i.mac.is_none() => patterns = plain,
        _ => {}
    }
    if i.name.is_empty() && i.mac.is_none() && patterns.is_empty() {
        if is_every_card(&ini) {
            patterns.push("*".to_owned());
        } else {
            warnings.push(format!(
                "{file}: the file is not carried over, for [Match] does not say by name or MAC address which cards it is for"
            ));
            return None;
        }
    }
    let network = |k: &str| ini.get("Network", k).filter(|v| !v.is_empty());
    let master = network("Bond").or(network("Bridge")).map(str::to_owned);
    (i.cloned_mac, i.mtu) = hardware(&ini, "Link", file, text, warnings);
    i.auto = ini
        .get("Link", "ActivationPolicy")
        .is_none_or(|p| !p.contains("down") && p != "manual");
    let list = |key: &str| ini.list("Network", key).into_iter();
    let addresses = list("Address").chain(ini.all("Address", "Address"));
    for address in addresses.filter_map(Cidr::parse) {
        i.add_address(address);
    }
    for text in list("Gateway") {
        // Gateways such as `_dhcp4` come from DHCP or router advertisements.
        let Ok(via) = text.parse::<IpAddr>() else {
            warnings.push(format!("{file}: Gateway={text} is not carried over"));
            continue;
        };
        i.add_route(Route::new(Cidr::default_of(via.is_ipv6()), Some(via)));
    }
    sections::apply(&ini, file, &mut i, warnings);
    let (dhcp4, dhcp6) = match network("DHCP").unwrap_or("no") {
        "ipv4" | "v4" => (true, false),
        "ipv6" | "v6" => (false, true),
        "both" => (true, true),
        other => (is_yes(other), is_yes(other)),
    };
    let advertised = network("IPv6AcceptRA").map(is_yes);
    i.v4.methods = if dhcp4 { Methods::DHCP } else { Methods::FIXED };
    // DHCPv6 starts without router advertisements if those are off, or if it is
    // told to.
    let solicits = ini.get("DHCPv6", "WithoutRA") == Some("solicit");
    let local = network("LinkLocalAddressing").is_none_or(|l| is_yes(l) || l == "ipv6");
    i.v6.methods = match advertised {
        Some(false) if dhcp6 => Methods::DHCP,
        Some(false) if local && i.v6.addresses.is_empty() => Methods::LOCAL,
        Some(false) => Methods::FIXED,
        _ if dhcp6 && solicits => Methods::AUTO.and(Methods::DHCP),
        _ if dhcp6 => Methods::AUTO,
        // Without a link-local address nothing is advertised to it.
        _ if !local => Methods::FIXED,
        Some(true) => Methods::AUTO,
        None => Methods::UNSET,
    };
    i.privacy = network("IPv6PrivacyExtensions").and_then(Privacy::named);
    if master.is_some() {
        (i.v4, i.v6) = Default::default();
    }
    i.master = master;
    let dns = list("DNS").flat_map(str::split_whitespace);
    i.dns.servers = dns
        .filter_map(|d| d.split('#').next()?.parse().ok())
        .collect();
    let domains = list("Domains").flat_map(str::split_whitespace);
    i.dns.search = domains
        .filter(|d| !d.starts_with('~'))
        .map(str::to_owned)
        .collect();
    if dhcp4 {
        let get = |key: &str| ini.get("DHCPv4", key).or(ini.get("DHCP", key));
        // The default is the DUID.
        let id = get("ClientIdentifier").unwrap_or("duid");
        i.v4.client_id = Some(id.to_owned()).filter(|id| id != "mac");
        i.v4.told_name = get("Hostname").map(str::to_owned);
        if get("SendHostname").is_some_and(|s| !is_yes(s)) {
            warnings.push(not_carried(
                file,
                text,
                "SendHostname",
                "the DHCP server is told no name",
            ));
        }
    }
    for section in ["DHCPv4", "DHCP"] {
        i.v4.ignore_dns |= ini.get(section, "UseDNS").is_some_and(|u| !is_yes(u));
        let metric = value_of(ini.get(section, "RouteMetric"), warnings, |value| {
            let value = format!("RouteMetric={value} of [{section}] is no number");
            wrong(file, text, section, "RouteMetric", &value)
        });
        i.v4.metric = i.v4.metric.or(metric);
    }
    i.v6.ignore_dns = ini
        .get("IPv6AcceptRA", "UseDNS")
        .is_some_and(|u| !is_yes(u));
    let no_gateway = |s: &str| ini.get(s, "UseGateway").is_some_and(|u| !is_yes(u));
    i.v4.never_default = no_gateway("DHCPv4") || no_gateway("DHCP");
    i.v6.never_default = no_gateway("IPv6AcceptRA");
    let vlans = list("VLAN")
        .flat_map(str::split_whitespace)
        .map(str::to_owned);
    let candidate = Candidate {
        source: file.to_owned(),
        interface: i,
        patterns,
        except,
        ..Candidate::default()
    };
    Some(Unit {
        candidate,
        vlans: vlans.collect(),
        primary: network("PrimarySlave").is_some_and(is_yes),
        active: network("ActiveSlave").is_some_and(is_yes),
    })
}
