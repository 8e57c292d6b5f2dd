// SPDX-License-Identifier: MIT OR Apache-2.0
//! `ifcfg-*` of /etc/sysconfig/network-scripts (initscripts' sysconfig.txt and
//! nm-settings-ifcfg-rh(5)).

use super::{Candidate, OwnAddress, given_mac, no_mac, no_number, not_carried};
use super::{rule, team, unknown, value_of};
use crate::network::address::{Cidr, Mac, prefix_length};
use crate::network::bond;
use crate::network::model::{Interface, Kind, Methods, Privacy};
use crate::text::{is_yes, line_of, secret, shell};
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

/// Parses one `ifcfg-*` file. `file` is its name without `ifcfg-`; `global` are
/// the variables of /etc/sysconfig/network. An alias (`eth0:1`) is returned under
/// its own name. `None` for anything but Ethernet-like devices.
pub(super) fn parse(
    file: &str,
    text: &str,
    global: &BTreeMap<String, String>,
    warnings: &mut Vec<String>,
) -> Option<Candidate> {
    let v = shell::parse(text);
    let get = |key: &str| v.get(key).map(String::as_str).filter(|s| !s.is_empty());
    let yes = |key: &str| get(key).is_some_and(is_yes);
    let no = |key: &str| get(key).is_some_and(|t| !is_yes(t));
    let source = format!("ifcfg-{file}");
    let mac = get("HWADDR").and_then(|m| m.parse::<Mac>().ok());
    if let Some(value) = get("HWADDR").filter(|_| mac.is_none()) {
        warnings.push(no_mac(&source, text, "HWADDR", value));
    }
    let device = get("DEVICE").unwrap_or(if mac.is_some() { "" } else { file });
    let kind = get("TYPE")
        .or(get("DEVICETYPE"))
        .unwrap_or("Ethernet")
        .to_ascii_lowercase();
    let mut options = |value: &str| -> BTreeMap<String, String> {
        let mut options = BTreeMap::new();
        let mut left_out = Vec::new();
        for word in value.split_whitespace() {
            let (name, value) = word.split_once('=').unwrap_or((word, ""));
            left_out.extend(bond::add(&mut options, name, value).err());
        }
        left_out.extend(bond::settle(&mut options));
        let left_out = left_out.iter();
        warnings.extend(left_out.map(|why| not_carried(&source, text, "BONDING_OPTS", why)));
        options
    };
    let kind = match kind.as_str() {
        _ if yes("VLAN") || kind == "vlan" => vlan(device, &get)?,
        _ if get("BONDING_OPTS").is_some() || yes("BONDING_MASTER") || kind == "bond" => {
            Kind::Bond {
                options: options(get("BONDING_OPTS").unwrap_or_default()),
            }
        }
        "bridge" => Kind::Bridge { stp: yes("STP") },
        "team" => {
            warnings.push(team::warning(&source, device));
            Kind::Bond {
                options: team::options(get("TEAM_CONFIG").unwrap_or_default(), &source, warnings),
            }
        }
        "ethernet" | "teamport" | "alias" => Kind::Ethernet,
        other => {
            warnings.push(format!(
                "{source}: devices of type {other} are not carried over"
            ));
            return None;
        }
    };
    let cloned_mac = given_mac(get("MACADDR"), warnings, |value| {
        no_mac(&source, text, "MACADDR", value)
    });
    let mtu = value_of(get("MTU"), warnings, |value| {
        no_number(&source, text, "MTU", value)
    });
    let mut i = Interface {
        name: device.to_owned(),
        mac: mac.filter(|_| kind == Kind::Ethernet),
        cloned_mac,
        master: ["MASTER", "BRIDGE", "TEAM_MASTER"]
            .iter()
            .find_map(|k| get(k))
            .map(str::to_owned),
        auto: !no("ONBOOT"),
        mtu,
        kind,
        ..Interface::default()
    };
    v4(&v, &mut i, &source, warnings);
    v6(&v, global, &mut i);
    let here = |dev: Option<&str>, g: &str| global.get(g).is_none_or(|d| Some(d.as_str()) == dev);
    let inside = |i: &Interface, gw: IpAddr| i.v4.addresses.iter().any(|a| a.contains(gw));
    if let Some(gateway) = global.get("GATEWAY").and_then(|g| g.parse().ok())
        && i.v4.gateway.is_none()
        && inside(&i, gateway)
        && here(Some(device), "GATEWAYDEV")
    {
        i.v4.gateway = Some(gateway);
    }
    for (key, value) in &v {
        if let Some(number) = key.strip_prefix("DNS")
            && number.bytes().all(|b| b.is_ascii_digit())
        {
            i.dns.servers.extend(value.parse::<IpAddr>().ok());
        }
    }
    i.dns.search = get("DOMAIN")
        .unwrap_or_default()
        .split_whitespace()
        .map(str::to_owned)
        .collect();
    let ignore = no("PEERDNS");
    (i.v4.ignore_dns, i.v6.ignore_dns) = (ignore, ignore);
    i.v4.never_default = no("DEFROUTE");
    i.v6.never_default = no("IPV6_DEFROUTE");
    for key in ["METRIC", "IPV4_ROUTE_METRIC"] {
        // NetworkManager's -1 leaves it to NetworkManager.
        let own = get(key).filter(|value| *value != "-1");
        let own = value_of(own, warnings, |value| no_number(&source, text, key, value));
        i.v4.metric = i.v4.metric.or(own);
    }
    if get("KEY_MGMT").is_some() || get("ESSID").is_some() {
        warnings.push(format!("{source}: wireless networks are not carried over"));
        return None;
    }
    if let Some(value) = get("ETHTOOL_OPTS") {
        let value = secret::command(value);
        warnings.push(format!(
            "{source}: ETHTOOL_OPTS={value} is not carried over"
        ));
    }
    i.v4.client_id = get("DHCP_CLIENT_ID").map(str::to_owned);
    i.v4.told_name = get("DHCP_HOSTNAME").or(get("DHCP_FQDN")).map(str::to_owned);
    i.privacy = get("IPV6_PRIVACY").and_then(|p| match Privacy::named(p) {
        Some(Privacy::Public) if !yes("IPV6_PRIVACY_PREFER_PUBLIC_IP") => Some(Privacy::Temporary),
        other => other,
    });
    for (key, value) in &v {
        let v6 = key.starts_with("ROUTING_RULE6_");
        if v6 || key.starts_with("ROUTING_RULE_") {
            match rule::parse(value, v6) {
                Ok(rule) => i.family_mut(v6).rules.push(rule),
                Err(why) => {
                    let why = format!("of the routing rule {why} is not understood");
                    warnings.push(not_carried(&source, text, key, &why));
                }
            }
        }
    }
    unknown::in_variables(&source, &v, |key| line_of(text, key), &KNOWN, warnings);
    let aliases = [get("UUID"), get("NAME")]
        .into_iter()
        .flatten()
        .map(str::to_owned)
        .collect();
    let own_address = get("IPV6_ADDR_GEN_MODE").and_then(|mode| {
        let line = line_of(text, "IPV6_ADDR_GEN_MODE");
        OwnAddress::named(mode, format!("{source}:{line}: IPV6_ADDR_GEN_MODE={mode}"))
    });
    Some(Candidate {
        source,
        interface: i,
        aliases,
        own_address,
        ..Candidate::default()
    })
}

/// Variables that are read here or elsewhere, and those that mean nothing to the
/// new system.
const KNOWN: [&str; 67] = [
    "TYPE",
    "DEVICETYPE",
    "DEVICE",
    "NAME",
    "UUID",
    "HWADDR",
    "MACADDR",
    "ONBOOT",
    "ONPARENT",
    "BOOTPROTO",
    "MASTER",
    "SLAVE",
    "BRIDGE",
    "BRIDGE_UUID",
    "MASTER_UUID",
    "TEAM_MASTER",
    "TEAM_CONFIG",
    "TEAM_PORT_CONFIG",
    "BONDING_OPTS",
    "BONDING_MASTER",
    "VLAN",
    "VLAN_ID",
    "PHYSDEV",
    "STP",
    "DELAY",
    "MTU",
    "METRIC",
    "IPV4_ROUTE_METRIC",
    "IPADDR",
    "PREFIX",
    "NETMASK",
    "GATEWAY",
    "NETWORK",
    "BROADCAST",
    "DNS",
    "DOMAIN",
    "PEERDNS",
    "DEFROUTE",
    "IPV6INIT",
    "IPV6ADDR",
    "IPV6ADDR_SECONDARIES",
    "IPV6_DEFAULTGW",
    "IPV6_AUTOCONF",
    "IPV6_DEFROUTE",
    "IPV6FORWARDING",
    "DHCPV6C",
    "IPV6_ADDR_GEN_MODE",
    "IPV4_FAILURE_FATAL",
    "IPV6_FAILURE_FATAL",
    "PROXY_METHOD",
    "BROWSER_ONLY",
    "NM_CONTROLLED",
    "USERCTL",
    "HOTPLUG",
    "ARPCHECK",
    "NOZEROCONF",
    "LINKDELAY",
    "PERSISTENT_DHCLIENT",
    "AUTOCONNECT_PRIORITY",
    "DHCP_CLIENT_ID",
    "DHCP_HOSTNAME",
    "DHCP_FQDN",
    "IPV6_PRIVACY",
    "IPV6_PRIVACY_PREFER_PUBLIC_IP",
    "ROUTING_RULE_",
    "ROUTING_RULE6_",
    // Has a warning of its own.
    "ETHTOOL_OPTS",
];

fn vlan<'a>(device: &str, get: &impl Fn(&str) -> Option<&'a str>) -> Option<Kind> {
    let named = device
        .rsplit_once('.')
        .or_else(|| Some(("", device.strip_prefix("vlan")?)));
    let id = get("VLAN_ID")
        .or(named.map(|n| n.1))?
        .parse()
        .ok()
        .filter(|i| *i < 4095)?;
    let parent = get("PHYSDEV")
        .or(named.map(|n| n.0))
        .filter(|p| !p.is_empty())?;
    Some(Kind::Vlan {
        parent: parent.to_owned(),
        id,
    })
}

fn v4(v: &BTreeMap<String, String>, i: &mut Interface, source: &str, warnings: &mut Vec<String>) {
    let get = |key: &str| v.get(key).map(|s| s.trim()).filter(|s| !s.is_empty());
    let mut numbers: Vec<(u32, &str)> = v
        .keys()
        .filter_map(|k| k.strip_prefix("IPADDR"))
        .filter_map(|n| {
            Some((
                if n.is_empty() {
                    0
                } else {
                    n.parse::<u32>().ok()? + 1
                },
                n,
            ))
        })
        .collect();
    numbers.sort_unstable();
    for (_, n) in numbers {
        let Some(text) = get(&format!("IPADDR{n}")) else {
            continue;
        };
        let Ok(ip) = text.parse::<Ipv4Addr>() else {
            warnings.push(format!(
                "{source}: IPADDR{n}={text} is no address and is left out"
            ));
            continue;
        };
        let prefix = get(&format!("PREFIX{n}"))
            .or(get(&format!("NETMASK{n}")))
            .map_or(Some(class_prefix(ip)), prefix_length);
        match prefix.and_then(|p| Cidr::new(ip.into(), p)) {
            Some(address) => i.add_address(address),
            None => warnings.push(format!("{source}: the netmask of {ip} is wrong; left out")),
        }
        if let Some(gateway) = get(&format!("GATEWAY{n}")).and_then(|g| g.parse::<Ipv4Addr>().ok())
        {
            i.v4.gateway = i.v4.gateway.or(Some(gateway.into()));
        }
    }
    match get("BOOTPROTO")
        .unwrap_or("none")
        .to_ascii_lowercase()
        .as_str()
    {
        "dhcp" | "bootp" => i.v4.methods = Methods::DHCP,
        _ => i.v4.methods = Methods::FIXED,
    }
}

fn v6(v: &BTreeMap<String, String>, global: &BTreeMap<String, String>, i: &mut Interface) {
    let get = |key: &str| {
        v.get(key)
            .or(global.get(key))
            .map(|s| s.trim())
            .filter(|s| !s.is_empty())
    };
    let own = |key: &str| v.get(key).map(|s| s.trim()).filter(|s| !s.is_empty());
    let first = own("IPV6ADDR").into_iter();
    for text in first.chain(
        own("IPV6ADDR_SECONDARIES")
            .unwrap_or_default()
            .split_whitespace(),
    ) {
        // Without a prefix length it is a /64.
        let text = if text.contains('/') {
            text.to_owned()
        } else {
            format!("{text}/64")
        };
        if let Some(address) = Cidr::parse(&text).filter(|a| a.ip.is_ipv6()) {
            i.add_address(address);
        }
    }
    let gateway =
        own("IPV6_DEFAULTGW").or(get("IPV6_DEFAULTGW").filter(|_| !i.v6.addresses.is_empty()));
    // A zone only repeats the interface.
    i.v6.gateway = gateway.and_then(|g| g.split('%').next()?.parse().ok());
    let init = get("IPV6INIT").or(get("NETWORKING_IPV6"));
    if init.is_some_and(|t| !is_yes(t)) {
        i.v6 = Default::default();
        i.v6.methods = Methods::FIXED;
        return;
    }
    let forwards = get("IPV6FORWARDING").is_some_and(is_yes);
    let auto = get("IPV6_AUTOCONF").map(is_yes);
    let auto = auto.or(forwards.then_some(false));
    let dhcp = own("DHCPV6C").is_some_and(is_yes);
    i.v6.methods = match (auto, init) {
        (Some(false), _) if i.v6.addresses.is_empty() => Methods::LOCAL,
        (Some(false), _) => Methods::FIXED,
        (Some(true), _) => Methods::AUTO,
        // The default route comes by router advertisements in any case.
        (None, _) if dhcp => Methods::AUTO,
        (None, Some(_)) if i.v6.addresses.is_empty() => Methods::AUTO,
        (None, _) => Methods::UNSET,
    };
    if dhcp {
        i.v6.methods = i.v6.methods.and(Methods::DHCP);
    }
}

/// The prefix length that the old tools assume when neither PREFIX nor NETMASK is
/// given.
fn class_prefix(ip: Ipv4Addr) -> u8 {
    match ip.octets()[0] {
        0..=127 => 8,
        128..=191 => 16,
        _ => 24,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_carried_over_is_a_warning() {
        let text = "DEVICE=eth0\nBOOTPROTO=dhcp\nDHCP_CLIENT_ID=web1\n\
        ETHTOOL_OPTS=\"speed 100 duplex full\"\n";
        let mut warnings = Vec::new();
        let global = Default::default();
        parse("eth0", text, &global, &mut warnings).unwrap();
        assert_eq!(
            warnings,
            ["ifcfg-eth0: ETHTOOL_OPTS=speed 100 duplex full is not carried over"]
        );
    }
}
