// SPDX-License-Identifier: MIT OR Apache-2.0
//! openSUSE's and SLES's files in /etc/sysconfig/network (ifcfg(5), routes(5)
//! and wicked's ifcfg-bonding(5), ifcfg-bridge(5), ifcfg-vlan(5)).

use super::command::Command;
use super::{Candidate, given_mac, no_mac, no_number, not_carried, value_of};
use super::{team, unknown, wicked_duid};
use crate::network::address::{Cidr, prefix_length};
use crate::network::bond;
use crate::network::model::{Interface, Kind, Methods, Route, RouteKind};
use crate::text::{is_yes, line_of, shell};
use std::collections::BTreeMap;
use std::net::IpAddr;

/// Parses one `ifcfg-NAME` file; also returns the ports of a bond or bridge.
/// `global` are the variables of `dhcp`. `None` for interfaces that are not
/// carried over, or are switched off.
pub(super) fn parse(
    name: &str,
    text: &str,
    global: &BTreeMap<String, String>,
    warnings: &mut Vec<String>,
) -> Option<(Candidate, Vec<String>)> {
    let v = shell::parse(text);
    let get = |key: &str| v.get(key).map(|s| s.trim()).filter(|s| !s.is_empty());
    let yes = |key: &str| get(key).is_some_and(is_yes);
    let source = format!("etc/sysconfig/network/ifcfg-{name}");
    let lost = |key: &str, why: &str| not_carried(&source, text, key, why);
    let start = get("STARTMODE").unwrap_or("manual").to_ascii_lowercase();
    let start = match start.as_str() {
        "off" => return None,
        start => start != "manual",
    };
    for key in [
        "TUNNEL",
        "WIRELESS",
        "WIRELESS_ESSID",
        "PPPMODE",
        "IPOIB_MODE",
        "MACVLAN_DEVICE",
    ] {
        if get(key).is_some() {
            warnings.push(lost(key, "this kind of device is not known here"));
            return None;
        }
    }
    let mut numbered: Vec<&String> = v.keys().filter(|k| is_port(k)).collect();
    numbered.sort_by_key(|k| (k.len(), *k));
    let mut ports: Vec<String> = numbered
        .iter()
        .filter_map(|k| get(k))
        .map(str::to_owned)
        .collect();
    let kind = if yes("BONDING_MASTER") {
        let mut options = BTreeMap::new();
        let words = get("BONDING_MODULE_OPTS").unwrap_or_default();
        for word in words.split_whitespace() {
            let (name, value) = word.split_once('=').unwrap_or((word, ""));
            if let Err(why) = bond::add(&mut options, name, value) {
                warnings.push(lost("BONDING_MODULE_OPTS", &why));
            }
        }
        for why in bond::settle(&mut options) {
            warnings.push(lost("BONDING_MODULE_OPTS", &why));
        }
        Kind::Bond { options }
    } else if let Some(runner) = get("TEAM_RUNNER") {
        warnings.push(team::warning(&source, name));
        Kind::Bond {
            options: team::by_runner(runner),
        }
    } else if yes("BRIDGE") {
        let of_bridge = get("BRIDGE_PORTS").unwrap_or_default().split_whitespace();
        ports.extend(of_bridge.map(str::to_owned));
        Kind::Bridge {
            stp: yes("BRIDGE_STP"),
        }
    } else if let Some(parent) = get("ETHERDEVICE") {
        let digits = name.rsplit(|c: char| !c.is_ascii_digit()).next();
        let id = get("VLAN_ID").or(digits).and_then(|n| n.parse().ok());
        let Some(id) = id.filter(|id| *id < 4095) else {
            warnings.push(lost("ETHERDEVICE", "the VLAN has no number"));
            return None;
        };
        Kind::Vlan {
            parent: parent.to_owned(),
            id,
        }
    } else {
        Kind::Ethernet
    };
    let cloned_mac = given_mac(get("LLADDR"), warnings, |value| {
        no_mac(&source, text, "LLADDR", value)
    });
    let mtu = value_of(get("MTU"), warnings, |value| {
        no_number(&source, text, "MTU", value)
    });
    let mut i = Interface {
        name: name.to_owned(),
        auto: start,
        cloned_mac,
        mtu,
        kind,
        ..Interface::default()
    };
    for why in methods(get("BOOTPROTO").unwrap_or("static"), &mut i) {
        warnings.push(lost("BOOTPROTO", &why));
    }
    for (key, value) in v.iter().filter(|(k, v)| is_address(k) && !v.is_empty()) {
        let suffix = key.strip_prefix("IPADDR").unwrap_or_default();
        let beside = |key: &str| get(&format!("{key}{suffix}"));
        let prefix = beside("PREFIXLEN").or(beside("NETMASK"));
        let address = match (value.contains('/'), prefix.and_then(prefix_length)) {
            (false, Some(prefix)) => value.parse().ok().and_then(|ip| Cidr::new(ip, prefix)),
            _ => Cidr::parse(value),
        };
        match address {
            Some(address) => i.add_address(address),
            None => warnings.push(lost(key, &format!("{key}={value} is no address"))),
        }
        if let Some(peer) = beside("REMOTE_IPADDR").and_then(Cidr::parse) {
            i.add_route(Route::new(peer, None));
        }
    }
    let dhcp = |key: &str| {
        let own = get(key).or(global.get(key).map(|s| s.trim()));
        own.filter(|s| !s.is_empty())
    };
    let no = |key: &str| dhcp(key).is_some_and(|t| !is_yes(t));
    if i.v4.methods.dhcp {
        i.v4.client_id = dhcp("DHCLIENT_CLIENT_ID").map(str::to_owned);
        let name = dhcp("DHCLIENT_HOSTNAME_OPTION").filter(|n| !n.eq_ignore_ascii_case("auto"));
        i.v4.told_name = name.map(str::to_owned);
        i.v4.never_default = no("DHCLIENT_SET_DEFAULT_ROUTE");
        i.v4.metric = dhcp("DHCLIENT_ROUTE_PRIORITY").and_then(|m| m.parse().ok());
    }
    let four = i.v4.methods.dhcp && i.v4.client_id.is_none();
    let created = dhcp("DHCLIENT_CREATE_CID").unwrap_or_default();
    let boot = get("BOOTPROTO").unwrap_or_default();
    if let Some(what) = wicked_duid::warning(four, created, boot) {
        let line = line_of(text, "BOOTPROTO");
        warnings.push(format!("{source}:{line}: {what}"));
    }
    // Variables of a further address (IPADDR_web) are read together with it.
    let mut v = v;
    let of_address = |k: &str| {
        let stem = k.split_once('_').map_or(k, |(stem, _)| stem);
        [
            "IPADDR",
            "NETMASK",
            "PREFIXLEN",
            "BROADCAST",
            "LABEL",
            "SCOPE",
        ]
        .contains(&stem)
            || k.starts_with("REMOTE_IPADDR_")
    };
    v.retain(|k, _| !of_address(k));
    unknown::in_variables(&source, &v, |key| line_of(text, key), &KNOWN, warnings);
    let candidate = Candidate {
        source,
        interface: i,
        ..Candidate::default()
    };
    Some((candidate, ports))
}

fn is_port(key: &str) -> bool {
    ["BONDING_SLAVE", "TEAM_PORT_DEVICE"].iter().any(|stem| {
        let rest = key.strip_prefix(stem);
        rest.is_some_and(|r| {
            r.trim_start_matches('_')
                .bytes()
                .all(|b| b.is_ascii_digit())
        })
    })
}

fn is_address(key: &str) -> bool {
    let rest = key.strip_prefix("IPADDR");
    rest.is_some_and(|r| {
        r.is_empty() || r.starts_with('_') || r.bytes().all(|b| b.is_ascii_digit())
    })
}

/// What is read, and what means nothing to the new system.
const KNOWN: [&str; 47] = [
    "STARTMODE",
    "BOOTPROTO",
    "IPADDR",
    "PREFIXLEN",
    "NETMASK",
    "BROADCAST",
    "NETWORK",
    "REMOTE_IPADDR",
    "LABEL",
    "SCOPE",
    "LLADDR",
    "MTU",
    "NAME",
    "USERCONTROL",
    "BONDING_MASTER",
    "BONDING_MASTER_UUID",
    "BONDING_MODULE_OPTS",
    "BONDING_SLAVE",
    "BONDING_SLAVE_",
    "TEAM_RUNNER",
    "TEAM_PORT_DEVICE_",
    "BRIDGE",
    "BRIDGE_PORTS",
    "BRIDGE_STP",
    "BRIDGE_FORWARDDELAY",
    "ETHERDEVICE",
    "VLAN",
    "VLAN_ID",
    "VLAN_PROTOCOL",
    "DHCLIENT_CLIENT_ID",
    "DHCLIENT_CREATE_CID",
    "DHCLIENT_HOSTNAME_OPTION",
    "DHCLIENT_SET_HOSTNAME",
    "DHCLIENT_SET_DEFAULT_ROUTE",
    "DHCLIENT_ROUTE_PRIORITY",
    "DHCLIENT_PRIMARY_DEVICE",
    "DHCLIENT6_MODE",
    "DHCLIENT_USE_LAST_LEASE",
    "DHCLIENT_SLEEP",
    "DHCLIENT_WAIT_AT_BOOT",
    "DHCLIENT_TIMEOUT",
    "DHCLIENT_LEASE_TIME",
    "IFPLUGD_PRIORITY",
    "LINK_REQUIRED",
    "FIREWALL",
    "TYPE",
    "DEVICE",
];

/// Parses the words of BOOTPROTO, separated by `+`. Returns those that are not
/// understood.
fn methods(text: &str, i: &mut Interface) -> Vec<String> {
    let mut lost = Vec::new();
    i.v4.methods = Methods::FIXED;
    for word in text.to_ascii_lowercase().split('+') {
        match word {
            "static" | "none" => {}
            "dhcp" => {
                i.v4.methods = Methods::DHCP;
                i.v6.methods = Methods::AUTO;
            }
            "dhcp4" => i.v4.methods = Methods::DHCP,
            "dhcp6" | "auto6" => i.v6.methods = i.v6.methods.and(Methods::AUTO),
            _ => lost.push(format!("BOOTPROTO={word} is not understood")),
        }
    }
    lost
}

/// Parses the lines of `routes` or `ifroute-NAME`: destination, gateway, netmask,
/// interface, type, options.
pub(super) fn routes(
    text: &str,
    device: Option<&str>,
    source: &str,
    warnings: &mut Vec<String>,
) -> Vec<(usize, Command)> {
    let mut found = Vec::new();
    for (at, line) in text.lines().enumerate() {
        let plain = line.split('#').next().unwrap_or_default();
        let words: Vec<&str> = plain.split_whitespace().collect();
        if words.is_empty() {
            continue;
        }
        let read = match plain.starts_with(char::is_whitespace) {
            true => Err("it is a further next hop".to_owned()),
            false => route(&words, device),
        };
        match read {
            Ok(command) => found.push((at + 1, command)),
            Err(why) => warnings.push(format!(
                "{source}:{}: the route `{}` is not carried over: {why}",
                at + 1,
                plain.trim()
            )),
        }
    }
    found
}

fn route(words: &[&str], device: Option<&str>) -> Result<Command, String> {
    let word = |at: usize| words.get(at).copied().filter(|w| *w != "-");
    let hop = word(1);
    let via = match hop {
        Some(hop) => Some(
            hop.parse::<IpAddr>()
                .map_err(|_| format!("`{hop}` is no next hop"))?,
        ),
        None => None,
    };
    let target = word(0).unwrap_or_default();
    let mask = word(2).map(|m| m.trim_start_matches('/'));
    let to = match (target, mask) {
        ("default", _) => Some(Cidr::default_of(via.is_some_and(|v| v.is_ipv6()))),
        (target, Some(mask)) if !target.contains('/') => target
            .parse()
            .ok()
            .zip(prefix_length(mask))
            .and_then(|(ip, prefix)| Cidr::new(ip, prefix)),
        (target, _) => Cidr::parse(target),
    };
    let to = to.ok_or_else(|| format!("`{target}` is no network"))?;
    let named = word(3).map(str::to_owned);
    let mut command = Command {
        device: named.or(device.map(str::to_owned)),
        route: Route::new(to, via.filter(|v| !v.is_unspecified())),
        lost: Vec::new(),
    };
    let mut rest = words.iter().skip(4).copied().filter(|w| *w != "-");
    while let Some(word) = rest.next() {
        if let Some(kind) = RouteKind::named(word) {
            command.route.kind = kind;
            continue;
        }
        if word == "onlink" {
            command.route.on_link = true;
            continue;
        }
        let value = rest.next().unwrap_or_default();
        let wrong = || format!("`{word} {value}`");
        match word {
            "metric" | "priority" => {
                command.route.metric = Some(value.parse().map_err(|_| wrong())?)
            }
            "src" => command.route.source = Some(value.parse().map_err(|_| wrong())?),
            "table" => command.route.table = Some(value.to_owned()),
            "scope" | "proto" | "protocol" => {}
            _ => command
                .lost
                .push(format!("{word} {value}").trim().to_owned()),
        }
    }
    Ok(command)
}
