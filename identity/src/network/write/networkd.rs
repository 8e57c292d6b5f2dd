// SPDX-License-Identifier: MIT OR Apache-2.0
//! systemd-networkd's files (systemd.network(5), systemd.netdev(5)).

use super::{File, Interface, Network};
use crate::network::address::Cidr;
use crate::network::bond::{self, Value};
use crate::network::model::{Family, Kind, Privacy, Route, Rule};
use crate::report::Report;
use crate::text::{HEADER, is_yes};

const DIR: &str = "etc/systemd/network";

/// A `.network` file per interface, and a `.netdev` file per virtual one.
pub(super) fn render(network: &Network, report: &mut Report) -> Vec<File> {
    let mut files = Vec::new();
    for i in &network.interfaces {
        // Sorts before the payload's and netplan's files, which begin with 10.
        let file = |suffix: &str, text: String| File {
            path: format!("{DIR}/05-replant-{}.{suffix}", i.name),
            text,
            mode: 0o644,
        };
        if let Some(text) = netdev(i, report) {
            files.push(file("netdev", text));
        }
        files.push(file("network", text(i, network, report)));
    }
    files
}

fn netdev(i: &Interface, report: &mut Report) -> Option<String> {
    let (kind, section) = match &i.kind {
        Kind::Ethernet => return None,
        Kind::Bond { options } => {
            let mut section = String::from("\n[Bond]\n");
            for (name, value) in options {
                match option(name, value) {
                    Some(line) => section.push_str(&line),
                    None => report.warn(format!(
                        "{}: systemd-networkd cannot set the bonding option {name}={value}; it is not carried over",
                        i.name
                    )),
                }
            }
            ("bond", section)
        }
        Kind::Bridge { stp } => ("bridge", format!("\n[Bridge]\nSTP={stp}\n")),
        Kind::Vlan { id, .. } => ("vlan", format!("\n[VLAN]\nId={id}\n")),
    };
    let mac = i
        .cloned_mac
        .map(|m| format!("MACAddress={m}\n"))
        .unwrap_or_default();
    Some(format!(
        "{HEADER}[NetDev]\nName={}\nKind={kind}\n{mac}{section}",
        i.name
    ))
}

/// The line of a bonding option; empty if it is in a port's file.
fn option(name: &str, value: &str) -> Option<String> {
    let choice = bond::find(name)?;
    // networkd knows fewer of the driver's names.
    if value.starts_with("filter") || value == "vlan+srcmac" {
        return None;
    }
    let value = match choice.value {
        Value::Port => return Some(String::new()),
        Value::Milliseconds => format!("{value}ms"),
        Value::Seconds => format!("{value}s"),
        Value::Addresses => value.replace(',', " "),
        Value::Switch => is_yes(value).to_string(),
        _ => value.to_owned(),
    };
    Some(format!("{}={value}\n", choice.networkd?))
}

fn text(i: &Interface, network: &Network, report: &mut Report) -> String {
    let mut out = format!("{HEADER}[Match]\n");
    let mut put = |line: String| {
        out.push_str(&line);
        out.push('\n');
    };
    match i.mac {
        // A port has the bond's MAC address, so its permanent one is matched.
        Some(mac) if i.master.is_some() => put(format!("PermanentMACAddress={mac}\nType=ether")),
        Some(mac) => put(format!("MACAddress={mac}\nType=ether")),
        None => put(format!("Name={}", i.name)),
    }
    let link_mac = i.cloned_mac.filter(|_| i.kind == Kind::Ethernet);
    if i.mtu.is_some() || link_mac.is_some() || !i.auto {
        put("\n[Link]".into());
        if let Some(mtu) = i.mtu {
            put(format!("MTUBytes={mtu}"));
        }
        if let Some(mac) = link_mac {
            put(format!("MACAddress={mac}"));
        }
        if !i.auto {
            put("ActivationPolicy=manual\nRequiredForOnline=no".into());
        }
    }
    put("\n[Network]".into());
    for vlan in &network.interfaces {
        if matches!(&vlan.kind, Kind::Vlan { parent, .. } if *parent == i.name) {
            put(format!("VLAN={}", vlan.name));
        }
    }
    let master = i
        .master
        .as_ref()
        .and_then(|m| network.interfaces.iter().find(|x| x.name == *m));
    if let Some(master) = master {
        let bridge = matches!(master.kind, Kind::Bridge { .. });
        put(format!(
            "{}={}",
            if bridge { "Bridge" } else { "Bond" },
            master.name
        ));
        if let Kind::Bond { options } = &master.kind {
            for (option, key) in [("primary", "PrimarySlave"), ("active_slave", "ActiveSlave")] {
                if options.get(option) == Some(&i.name) {
                    put(format!("{key}=true"));
                }
            }
        }
        return out;
    }
    put(format!(
        "DHCP={}",
        match (i.v4.methods.dhcp, i.v6.methods.dhcp) {
            (true, true) => "yes",
            (true, false) => "ipv4",
            (false, true) => "ipv6",
            (false, false) => "no",
        }
    ));
    if i.kind != Kind::Ethernet {
        // A bridge without ports, say, has no carrier, and its addresses are the
        // machine's all the same.
        put("ConfigureWithoutCarrier=yes".into());
    }
    if i.v6.is_off() {
        put("LinkLocalAddressing=no".into());
    }
    if i.v6.methods.said {
        let auto = if i.v6.methods.auto { "yes" } else { "no" };
        put(format!("IPv6AcceptRA={auto}"));
    }
    if let Some(privacy) = i.privacy {
        let value = match privacy {
            Privacy::Off => "no",
            Privacy::Public => "prefer-public",
            Privacy::Temporary => "yes",
        };
        put(format!("IPv6PrivacyExtensions={value}"));
    }
    for family in i.families() {
        for address in &family.addresses {
            put(format!("Address={address}"));
        }
    }
    for server in &i.dns.servers {
        put(format!("DNS={server}"));
    }
    if !i.dns.search.is_empty() {
        put(format!("Domains={}", i.dns.search.join(" ")));
    }
    for (family, v6) in i.families().into_iter().zip([false, true]) {
        if let Some(gateway) = family.gateway {
            let to = Cidr::default_of(v6);
            let route = Route {
                metric: family.metric,
                ..Route::new(to, Some(gateway))
            };
            put(section(i, &route));
        }
        for route in &family.routes {
            put(section(i, route));
        }
        for rule in &family.rules {
            put(rule_section(rule, v6));
        }
    }
    if let Some(lines) = dhcp(i, report) {
        put(lines);
    }
    if i.v6.methods.auto && i.v6.methods.dhcp {
        // DHCPv6 is used even without router advertisements.
        put("\n[DHCPv6]\nWithoutRA=solicit".into());
    }
    if i.v6.methods.is_dynamic() {
        let lines = from_outside(&i.v6);
        if !lines.is_empty() {
            put(format!("\n[IPv6AcceptRA]\n{}", lines.join("\n")));
        }
    }
    out
}

/// Settings that ignore parts of DHCP and router advertisements.
fn from_outside(family: &Family) -> Vec<String> {
    let mut lines = Vec::new();
    if family.ignore_dns {
        lines.push("UseDNS=no".to_owned());
    }
    if family.never_default {
        lines.push("UseGateway=no".to_owned());
    }
    lines
}

/// The section of IPv4's DHCP.
fn dhcp(i: &Interface, report: &mut Report) -> Option<String> {
    let family = &i.v4;
    if !family.methods.dhcp {
        return None;
    }
    let mut lines = vec!["\n[DHCPv4]".to_owned()];
    // networkd's default is the DUID, by which the server would not recognise the
    // machine.
    match family.client_id.as_deref() {
        None | Some("mac" | "perm-mac") => lines.push("ClientIdentifier=mac".to_owned()),
        Some(id @ ("duid" | "duid-only")) => lines.push(format!("ClientIdentifier={id}")),
        Some(id) => {
            lines.push("ClientIdentifier=mac".to_owned());
            report.warn(format!(
                "{}: systemd-networkd cannot tell the DHCP server the client identifier {id}, and tells its MAC address: it may get another address",
                i.name
            ));
        }
    }
    lines.extend(family.told_name.as_ref().map(|n| format!("Hostname={n}")));
    lines.extend(family.metric.map(|m| format!("RouteMetric={m}")));
    lines.extend(from_outside(family));
    Some(lines.join("\n"))
}

fn section(i: &Interface, route: &Route) -> String {
    let mut lines = vec!["\n[Route]".to_owned()];
    // Without a destination it is the default route of the next hop's family.
    let other = route
        .via
        .is_none_or(|v| v.is_ipv6() != route.to.ip.is_ipv6());
    if route.to.prefix != 0 || other {
        lines.push(format!("Destination={}", route.to));
    }
    if let Some(via) = route.via {
        lines.push(format!("Gateway={via}"));
        if route.on_link || i.is_off_link(via) {
            lines.push("GatewayOnLink=yes".to_owned());
        }
    }
    if let Some(source) = route.source {
        lines.push(format!("PreferredSource={source}"));
    }
    if let Some(metric) = route.metric {
        lines.push(format!("Metric={metric}"));
    }
    lines.extend(route.table.as_ref().map(|t| format!("Table={t}")));
    if !route.kind.is_plain() {
        lines.push(format!("Type={}", route.kind.name()));
    }
    lines.join("\n")
}

fn rule_section(rule: &Rule, v6: bool) -> String {
    let mut lines = vec!["\n[RoutingPolicyRule]".to_owned()];
    if rule.from.is_none() && rule.to.is_none() {
        lines.push(format!("Family={}", if v6 { "ipv6" } else { "ipv4" }));
    }
    lines.extend(rule.from.map(|n| format!("From={n}")));
    lines.extend(rule.to.map(|n| format!("To={n}")));
    let table = rule.table.as_deref().unwrap_or("254");
    lines.push(format!("Table={table}"));
    lines.extend(rule.priority.map(|p| format!("Priority={p}")));
    let text = |key: &str, value: &Option<String>| value.as_ref().map(|v| format!("{key}={v}"));
    lines.extend(text("FirewallMark", &rule.mark));
    lines.extend(text("IncomingInterface", &rule.incoming));
    lines.extend(text("OutgoingInterface", &rule.outgoing));
    lines.extend(rule.tos.map(|t| format!("TypeOfService={t}")));
    if rule.inverted {
        lines.push("InvertRule=yes".to_owned());
    }
    lines.join("\n")
}
